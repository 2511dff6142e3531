"""The product's service on its plain path: as it is, but no model is accelerated.

python serve_plain.py PACKAGE PORT
"""

import sys
from importlib import import_module

package, port = sys.argv[1:]
import_module(f"{package}.service.follower").accelerated = lambda model, example, columns: None
sys.exit(import_module(f"{package}.cli").main(["serve", "--port", port]))
