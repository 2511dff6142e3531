"""When things run: the only package that knows Prefect."""

from .. import PRODUCT
from .redacting import redact_logs

__all__ = ["KEY", "flow_name"]

KEY = PRODUCT.replace("_", "-")
"""The product in the names of blocks and artifacts, where Prefect takes letters, digits and dashes only."""


def flow_name(what: str) -> str:
    """The name of a flow on a Prefect server, where flows of other products may be too.

    A deployment is found by flow and name: without the product in it, two products would overwrite each other's.
    """
    return f"{PRODUCT}-{what}"


redact_logs()  # a worker imports a flow by its name, and nothing of ours runs before that
