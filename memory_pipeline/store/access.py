"""Tokens of programs, and the log of what they wrote."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from memory_pipeline.store.models import SCOPES, ApiToken, AuditEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from memory_pipeline.store.database import Store

TOKEN_PREFIX = "mp_"  # noqa: S105 - marks our tokens, so that secret scanners find a leaked one
_TOKEN_BYTES = 32
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Grant:
    """What the holder of a token may do.

    Attributes
    ----------
    name
        Of the token: what the audit log calls its holder.
    scope
        One of `SCOPES`; each includes those before it.
    token_hash
        SHA-256 of the token, 64 hexadecimal digits.
    expires_at
        When it ends; None for never.
    """

    name: str
    scope: str
    token_hash: str
    expires_at: datetime | None = None

    def allows(self, scope: str) -> bool:
        """Return whether the grant includes a scope."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)

    def is_over(self, now: datetime) -> bool:
        """Return whether the grant has expired."""
        return self.expires_at is not None and self.expires_at <= now


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token as 64 hexadecimal digits: what is stored of it.

    Tokens are 256 random bits, so a slow password hash would add nothing.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def create_token(store: Store, name: str, scope: str, *, valid_for: timedelta | None = None) -> str:
    """Create a token and return it; it is shown this once, and only its hash is stored.

    Raises
    ------
    ValueError
        When the name is empty, too long or taken, the scope is not known, or the validity is not positive.
    """
    if not name.strip() or len(name) > _LONGEST_NAME:
        msg = f"name is {name!r}; use 1 to {_LONGEST_NAME} characters that say who holds the token"
        raise ValueError(msg)
    if scope not in SCOPES:
        msg = f"scope is {scope!r}; use one of {', '.join(SCOPES)}"
        raise ValueError(msg)
    if valid_for is not None and valid_for <= timedelta(0):
        msg = f"the validity is {valid_for}; use a positive time such as 90d"
        raise ValueError(msg)
    token = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    expires_at = None if valid_for is None else datetime.now(tz=UTC) + valid_for
    row = {"name": name, "scope": scope, "token_hash": hash_token(token), "expires_at": expires_at}
    try:
        with store.transaction() as connection:
            connection.execute(insert(ApiToken).values(row))
    except IntegrityError as error:
        msg = f"name is {name!r}, which another token has (perhaps a revoked one); choose another name"
        raise ValueError(msg) from error
    return token


def list_tokens(store: Store) -> list[dict[str, Any]]:
    """Read all tokens, the newest first: name, scope and times, never a hash."""
    table = ApiToken
    columns = (
        table.name,
        table.scope,
        table.created_at,
        table.expires_at,
        table.revoked_at,
        table.last_used_at,
    )
    with store.transaction() as connection:
        rows = connection.execute(select(*columns).order_by(table.id.desc()))
        return [dict(row) for row in rows.mappings()]


def revoke_token(store: Store, name: str) -> None:
    """Revoke a token: servers refuse it within two seconds.

    Raises
    ------
    KeyError
        When no token that still holds has the name.
    """
    table = ApiToken
    with store.transaction() as connection:
        found = connection.execute(
            update(table).where(table.name == name, table.revoked_at.is_(None)).values(revoked_at=func.now())
        )
        if not found.rowcount:
            msg = f"no token in force is named {name!r}; see `memory-pipeline token list`"
            raise KeyError(msg)


def active_grants(store: Store) -> list[Grant]:
    """Read the grants of all tokens that are neither revoked nor expired."""
    table = ApiToken
    query = select(table.name, table.scope, table.token_hash, table.expires_at).where(
        table.revoked_at.is_(None), func.coalesce(table.expires_at > func.now(), True)
    )
    with store.transaction() as connection:
        return [Grant(*row) for row in connection.execute(query)]


def has_tokens(store: Store) -> bool:
    """Return whether a token was ever created, also one that is revoked or expired."""
    with store.transaction() as connection:
        return bool(connection.scalar(select(select(ApiToken.id).exists())))


def note_use(store: Store, names: Iterable[str]) -> None:
    """Record that tokens were used now."""
    wanted = sorted(set(names))
    if wanted:
        with store.transaction() as connection:
            connection.execute(
                update(ApiToken).where(ApiToken.name.in_(wanted)).values(last_used_at=func.now())
            )


def add_audit(store: Store, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add entries (columns of `audit_log` without id and time) to the audit log."""
    if entries:
        with store.transaction() as connection:
            connection.execute(insert(AuditEntry), [dict(one) for one in entries])


def count_audit(store: Store, *, actor: str | None = None) -> int:
    """Count the entries of the audit log, all or those of one actor."""
    query = select(func.count()).select_from(AuditEntry)
    if actor is not None:
        query = query.where(AuditEntry.actor == actor)
    with store.transaction() as connection:
        return int(connection.scalar(query) or 0)


def read_audit(
    store: Store, *, limit: int = 100, before: int | None = None, actor: str | None = None
) -> list[dict[str, Any]]:
    """Read the audit log, the newest first.

    Parameters
    ----------
    limit
        Most entries.
    before
        Only entries with a smaller id, to page on.
    actor
        Only writes of this token.
    """
    table = AuditEntry
    query = select(*table.__table__.columns).order_by(table.id.desc()).limit(limit)
    if before is not None:
        query = query.where(table.id < before)
    if actor is not None:
        query = query.where(table.actor == actor)
    with store.transaction() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
