"""The settings of the service from environment variables."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ..errors import ConfigError

__all__ = ["ServiceSettings"]


@dataclass(frozen=True)
class ServiceSettings:
    """Address, limits and keys of the service. ``keys`` are the API keys and are never shown."""

    host: str
    port: int
    keys: tuple[str, ...]
    body_bytes: int
    rows_at_most: int
    poll_seconds: float
    drain_seconds: float
    queue_rows: int
    spool_megabytes: float
    read_seconds: float
    connections_at_most: int

    @classmethod
    def from_environment(
        cls, host: str, port: int, environ: Mapping[str, str] = os.environ
    ) -> Self:
        """The settings. Raises ConfigError for an invalid number, a short key, or a public address
        without a key.
        """
        keys = tuple(
            key.strip() for key in environ.get("SERVICE_API_KEYS", "").split(",") if key.strip()
        )
        if not keys and not _is_loopback(host):
            raise ConfigError(
                f"without an API key, the service would accept all requests on {host} – expected"
                " an API key, or an address of this machine only – set SERVICE_API_KEYS to one or"
                " more keys, separated by commas, or leave out --host"
            )
        short = next((key for key in keys if len(key) < 16), None)
        if short is not None:
            raise ConfigError(
                f"SERVICE_API_KEYS contains a key of {len(short)} characters – expected at least 16"
                " – make one with python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        return cls(
            host=host,
            port=port,
            keys=keys,
            body_bytes=int(_number(environ, "SERVICE_BODY_BYTES", 2_000_000)),
            rows_at_most=int(_number(environ, "SERVICE_ROWS_AT_MOST", 1_000)),
            poll_seconds=_number(environ, "SERVICE_POLL_SECONDS", 5),
            drain_seconds=_number(environ, "SERVICE_DRAIN_SECONDS", 5),
            queue_rows=int(_number(environ, "SERVICE_QUEUE_ROWS", 100_000)),
            spool_megabytes=_number(environ, "SERVICE_SPOOL_MEGABYTES", 1_000),
            read_seconds=_number(environ, "SERVICE_READ_SECONDS", 20, least=0.1),
            connections_at_most=int(_number(environ, "SERVICE_CONNECTIONS_AT_MOST", 500, least=1)),
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _number(environ: Mapping[str, str], name: str, usual: float, *, least: float = 0) -> float:
    given = environ.get(name) or str(usual)  # an empty variable counts as not set
    try:
        number = float(given)
    except ValueError:
        number = -1.0  # below every limit, so that the same error is raised
    if not least <= number < 1e12:  # refuses nan and inf as well
        raise ConfigError(
            f"{name} is {given!r} – expected a number of at least {least:g}, the default is"
            f" {usual:g} – correct or unset it"
        )
    return number
