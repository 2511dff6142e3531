"""The errors of the product and their exit codes.

    ProductError                 1   a failure
    ├── DatabaseUnavailable      1   the product's database does not respond; a retry may help
    ├── RegistryUnavailable      1   MLflow or its files do not respond; a retry may help
    ├── ConfigError              2   a file, a value or an argument is invalid
    │   └── SourceError          2   the data cannot be read: no such file, unknown host, bad query
    │       ├── SourceMissing    2   ... because the file does not exist
    │       └── SourceUnavailable 2  ... and a retry may help
    ├── Refused                  3   the gate refused
    ├── InvalidData              4   the data was read and does not match the schema
    └── NotVerifiable            4   a model cannot be measured again, and the reason is not a fault

Every message has three parts: what is wrong (with the value), what was expected, what to do.
``ProductError`` removes secrets and shows invisible characters as codes, so no caller has to.
"""

from typing import TYPE_CHECKING

from .escaping import escaped
from .redaction import redacted

if TYPE_CHECKING:  # an import of pandas would delay every --help
    from .tables import Rejected

__all__ = [
    "ConfigError",
    "DatabaseUnavailable",
    "InvalidData",
    "NotVerifiable",
    "ProductError",
    "Refused",
    "RegistryUnavailable",
    "SourceError",
    "SourceMissing",
    "SourceUnavailable",
]


class ProductError(Exception):
    """A failure that a person can act on; the command line prints its message, not a traceback."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(escaped(redacted(message), keep="\n"))


class DatabaseUnavailable(ProductError):
    """The product's database does not respond; a retry may help."""


class RegistryUnavailable(ProductError):
    """MLflow or its files do not respond; a retry may help."""


class ConfigError(ProductError):
    """A file, a value or an argument is invalid."""

    exit_code = 2


class SourceError(ConfigError):
    """The data cannot be read."""


class SourceMissing(SourceError):
    """The data cannot be read because its file does not exist."""


class SourceUnavailable(SourceError):
    """The data cannot be read at this time; a retry may help."""


class Refused(ProductError):
    """The gate refused."""

    exit_code = 3


class InvalidData(ProductError):
    """The data does not match the schema; ``reasons`` are rows of (column, rule, rows, example).

    ``rejected`` contains the invalid rows found so far, so that the caller can quarantine them.
    """

    exit_code = 4

    def __init__(
        self,
        message: str,
        reasons: tuple[tuple[str, str, int, str], ...] = (),
        rejected: "Rejected | None" = None,
    ) -> None:
        super().__init__(message)
        self.reasons = reasons
        self.rejected = rejected


class NotVerifiable(ProductError):
    """A model cannot be measured again, for example because rows were erased since."""

    exit_code = 4
