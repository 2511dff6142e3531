"""The product's service without acceleration: it calls the scikit-learn model itself.

python serve_plain.py PACKAGE PORT
"""

import sys

from mlproduct.cli import main
from mlproduct.service import follower

package, port = sys.argv[1:]
follower.accelerated = lambda model, example, columns: None
sys.exit(main(package, ["serve", "--port", port]))
