"""Approval, rejection and rollback, as flows of Prefect's own form call them, with a name and a
reason.
"""

from collections.abc import Sequence

from ..permissions import private_settings
from ..product import Product
from ..registry.audit_log import Entry
from ..registry.releases import Releases

__all__ = ["approve", "reject", "rollback"]


def approve(
    product: Product, version: str, *, by: str, because: str, despite: Sequence[str] | None = None
) -> Entry:
    """The entry of the audit log by which the version is champion. Raises Refused where the gate
    speaks against it.
    """
    return _releases(product).approve(version, by=by, because=because, despite=tuple(despite or ()))


def reject(product: Product, version: str, *, by: str, because: str) -> Entry:
    """The entry of the audit log that keeps the version out for good."""
    return _releases(product).reject(version, by=by, because=because)


def rollback(product: Product, *, by: str, because: str, to: str | None = None) -> Entry:
    """The entry of the audit log by which an earlier champion, the last one if none is named, is
    champion again.
    """
    return _releases(product).rollback(by=by, because=because, to=to)


def _releases(product: Product) -> Releases:
    return Releases(private_settings(), product.name)
