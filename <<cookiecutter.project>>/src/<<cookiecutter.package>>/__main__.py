"""``python -m <package> VERB``: the same as the command of the product's name."""

import sys

from .cli import main

sys.exit(main())
