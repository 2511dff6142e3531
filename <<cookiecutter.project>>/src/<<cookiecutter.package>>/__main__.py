"""``python -m`` with this package's name and a verb; ``--help`` lists the verbs."""

import sys

from mlproduct.cli import main

__all__ = ["run"]


def run() -> int:
    """The exit code of the verb on the command line."""
    return main(__package__)


if __name__ == "__main__":
    sys.exit(run())
