"""What can go wrong, and the exit code a shell sees for it.

    ProductError                 1   something broke
    ├── DatabaseUnavailable      1   the product's database does not answer; trying again may help
    ├── RegistryUnavailable      1   MLflow, or its files, does not answer; trying again may help
    ├── ConfigError              2   a file, an answer or an argument is not as it must be
    │   └── SourceError          2   the data cannot be read: no such file, unknown host, bad query
    │       ├── SourceMissing        ... there is no such file
    │       └── SourceUnavailable    ... and trying again may help
    ├── Refused                  3   the gate said no
    └── InvalidData              4   the data was read and is not what the schema promises

Every message has three parts: what is wrong (with the value), what was expected, what to do. No
message holds a secret, or a character that cannot be seen, wherever it was put together.
"""

from typing import TYPE_CHECKING

from .escaping import escaped
from .redaction import redacted

if TYPE_CHECKING:  # pandas would make every --help wait
    from .tables import Rejected

__all__ = [
    "ConfigError",
    "DatabaseUnavailable",
    "InvalidData",
    "ProductError",
    "Refused",
    "RegistryUnavailable",
    "SourceError",
    "SourceMissing",
    "SourceUnavailable",
]


class ProductError(Exception):
    """A failure a person can act on; the command line prints its message and no traceback."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(escaped(redacted(message), keep="\n"))


class DatabaseUnavailable(ProductError):
    pass


class RegistryUnavailable(ProductError):
    pass


class ConfigError(ProductError):
    exit_code = 2


class SourceError(ConfigError):
    pass


class SourceMissing(SourceError):
    pass


class SourceUnavailable(SourceError):
    pass


class Refused(ProductError):
    exit_code = 3


class InvalidData(ProductError):
    """The data breaks the schema; ``reasons`` are rows of (column, rule, rows, example).

    ``rejected`` has the bad rows found until then, so that the caller can still keep them.
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
