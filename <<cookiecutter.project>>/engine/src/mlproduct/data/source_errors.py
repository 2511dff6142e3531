"""What readers raise, told as one line: a mistake, or an outage that may pass."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ProductError, SourceError, SourceMissing, SourceUnavailable
from ..redaction import redacted

__all__ = ["one_line", "reading"]

PASSING = (408, 425, 429)
"""Answers of a web server below 500 that ask to come again."""

LONGEST = 300


def one_line(error: BaseException | str) -> str:
    """The error's own words without secrets, on one line of bounded length."""
    text = " ".join(redacted(error).split()) or type(error).__name__
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


@contextmanager
def reading(name: str, *, remote: bool) -> Iterator[None]:
    """Turns what the block raises while it reads ``name`` into SourceError or SourceUnavailable."""
    try:
        yield
    except ProductError:
        raise
    except (
        Exception
    ) as error:  # fsspec, aiohttp, botocore and the decompressors raise what they like
        raise _mistake(name, error, remote) from None


def _mistake(name: str, error: Exception, remote: bool) -> SourceError:
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
            f"{name}: {one_line(cause)} – expected a package for this kind of address – install it"
        )
    if "Credentials" in type(cause).__name__:
        return SourceError(
            f"{name}: {one_line(cause)} – expected credentials in the environment – set them"
        )
    if not remote or isinstance(cause, ValueError | EOFError):
        return _damaged(name, cause)
    why = one_line(cause)
    return SourceUnavailable(
        f"{name}: no answer ({why}) – expected the server to be there – try again later"
    )


def _refused(name: str, status: int) -> SourceError:
    if status == 404:
        return SourceMissing(
            f"{name}: no such file (404) – expected one to read – check the address"
        )
    if status >= 500 or status in PASSING:
        return SourceUnavailable(
            f"{name}: the server answered {status} – expected the file – try again later"
        )
    return SourceError(
        f"{name}: the server answered {status} – expected the file – check address and credentials"
    )


def _damaged(name: str, error: BaseException) -> SourceError:
    return SourceError(
        f"{name}: cannot be read ({one_line(error)}) – expected an undamaged file of the kind its"
        " name or format says – export it again"
    )


def _status(error: BaseException) -> int | None:
    """The HTTP status that a server answered, as aiohttp or botocore carry it."""
    response = getattr(error, "response", None)
    reading = (
        response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if isinstance(response, dict)
        else None
    )
    status = getattr(error, "status", reading)
    return status if isinstance(status, int) else None
