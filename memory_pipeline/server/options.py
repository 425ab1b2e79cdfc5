"""How a server is run: where it listens, who may ask it, and what it takes at most."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memory_pipeline.store.access import Grant, hash_token
from memory_pipeline.store.models import SCOPES

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class ServerOptions:
    """How a server is run.

    Attributes
    ----------
    host, port
        The address that it binds to.
    file_grants
        Grants of a token file, beside those in the database.
    allowed_hosts
        Names under which it may be asked (`Host`), beside those of loopback and the bound address.
    requests_per_minute
        Most requests a minute of one token (or of all of loopback together).
    max_body_bytes
        Largest body that is read.
    body_timeout
        Seconds that a client may take between two parts of a body.
    workers
        Processes that answer.
    draws_ahead
        Whether the charts of pages are drawn once the server has started, before anybody asks for them.
    """

    host: str = "127.0.0.1"
    port: int = 8017
    file_grants: tuple[Grant, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    requests_per_minute: int = 6_000
    max_body_bytes: int = 10 * 2**20
    body_timeout: float = 20.0
    workers: int = 1
    draws_ahead: bool = False
    is_loopback: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_loopback", is_loopback(self.host))


def is_loopback(host: str) -> bool:
    """Return whether an address reaches this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_token_file(path: Path) -> tuple[Grant, ...]:
    """Read tokens from a file with a line each: name, scope and token, separated by white space.

    Empty lines and those that begin with `#` are left out. For secrets that a deployment mounts.

    Raises
    ------
    ValueError
        When a line does not have the three parts; the message names the line, never the token.
    """
    grants = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        parts = line.split()
        if not parts or parts[0].startswith("#"):
            continue
        if len(parts) != 3 or parts[1] not in SCOPES:  # noqa: PLR2004 - name, scope, token
            scopes = ", ".join(SCOPES)
            msg = f"{path}, line {number}: write a name, a scope ({scopes}) and a token, with spaces between"
            raise ValueError(msg)
        grants.append(Grant(parts[0], parts[1], hash_token(parts[2])))
    return tuple(grants)
