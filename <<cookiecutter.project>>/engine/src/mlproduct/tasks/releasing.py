"""Approval, rejection and rollback of a version, with a name and a reason. The flows behind
Prefect's forms call these functions.
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
    """The entry of the audit log that makes the version the champion. Raises Refused if the gate
    does not permit it.
    """
    return _releases(product).approve(version, by=by, because=because, despite=tuple(despite or ()))


def reject(product: Product, version: str, *, by: str, because: str) -> Entry:
    """The entry of the audit log that rejects the version permanently."""
    return _releases(product).reject(version, by=by, because=because)


def rollback(product: Product, *, by: str, because: str, to: str | None = None) -> Entry:
    """The entry of the audit log that makes an earlier champion the champion again: version ``to``,
    or the previous champion.
    """
    return _releases(product).rollback(by=by, because=because, to=to)


def _releases(product: Product) -> Releases:
    return Releases(private_settings(), product.name)
