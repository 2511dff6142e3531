"""Convert what readers raise into one line: a mistake, or a temporary outage."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ProductError, SourceError, SourceMissing, SourceUnavailable
from ..redaction import redacted

__all__ = ["one_line", "reading"]

# HTTP status codes below 500 that ask the client to try again.
PASSING = (408, 425, 429)

LONGEST = 300  # characters


def one_line(error: BaseException | str) -> str:
    """The text of the error without secrets, on one line of at most 300 characters."""
    text = " ".join(redacted(error).split()) or type(error).__name__
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


@contextmanager
def reading(name: str, *, remote: bool) -> Iterator[None]:
    """Converts what the block raises while it reads ``name`` into a SourceError.

    An outage of a ``remote`` system becomes SourceUnavailable, a missing file SourceMissing. Errors
    of this package (ProductError) stay as they are.
    """
    try:
        yield
    except ProductError:
        raise
    except Exception as error:
        # fsspec, aiohttp, botocore and the decompressors have no common exception. It is not
        # chained, because it can contain secrets.
        raise _mistake(name, error, remote) from None


def _mistake(name: str, error: Exception, remote: bool) -> SourceError:
    # fsspec raises FileNotFoundError for other errors of a server too; the cause is the real one.
    cause = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ else error
    status = _status(cause)
    if status is not None:
        return _refused(name, status)
    if isinstance(cause, FileNotFoundError):
        return SourceMissing(f"{name}: no such file – expected one to read – check the address")
    if isinstance(cause, PermissionError):
        return SourceError(
            f"{name}: not allowed to read it – expected access – check credentials and permissions"
        )
    if isinstance(cause, ImportError):
        return SourceError(
            f"{name}: {one_line(cause)} – expected the package for this kind of address – install"
            " it"
        )
    if "Credentials" in type(cause).__name__:
        return SourceError(
            f"{name}: {one_line(cause)} – expected credentials in the environment – set them"
        )
    # Trying again helps neither with a local file nor with content that cannot be decoded.
    if not remote or isinstance(cause, ValueError | EOFError):
        return _damaged(name, cause)
    why = one_line(cause)
    return SourceUnavailable(
        f"{name}: no response ({why}) – expected the server to be available – try again later"
    )


def _refused(name: str, status: int) -> SourceError:
    if status == 404:
        return SourceMissing(
            f"{name}: no such file (404) – expected one to read – check the address"
        )
    if status >= 500 or status in PASSING:
        return SourceUnavailable(
            f"{name}: the server returned {status} – expected the file – try again later"
        )
    return SourceError(
        f"{name}: the server returned {status} – expected the file – check address and credentials"
    )


def _damaged(name: str, error: BaseException) -> SourceError:
    return SourceError(
        f"{name}: cannot be read ({one_line(error)}) – expected an undamaged file of the format in"
        " its name or in the setting format – export it again"
    )


def _status(error: BaseException) -> int | None:
    """The HTTP status in an error of aiohttp or botocore, None if there is none."""
    response = getattr(error, "response", None)
    reading = (
        response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if isinstance(response, dict)
        else None
    )
    status = getattr(error, "status", reading)
    return status if isinstance(status, int) else None
