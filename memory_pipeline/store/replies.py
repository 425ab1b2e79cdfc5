"""Keep the replies to writes that carried an Idempotency-Key, and who works on which.

A write is claimed before it is done. Whoever does it renews the claim, so that the claim of a process that
is gone is taken over after half a minute and not before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.store.database import Store

KEPT_HOURS = 24
"""Hours for which a reply is kept."""
CLAIM_SECONDS = 30
"""Seconds after which a claim that nobody renews is taken over."""

_CLAIM = """
insert into idempotent_replies as kept (actor, key, request_hash, reply)
values (:actor, :key, :request_hash,
    jsonb_build_object('claim', cast(:claim as text), 'alive_at', extract(epoch from clock_timestamp())))
on conflict (actor, key) do update set
    request_hash = excluded.request_hash, reply = excluded.reply, status = null, created_at = now()
where kept.created_at < now() - make_interval(hours => :hours)
    or (kept.status is null and kept.request_hash = excluded.request_hash
        and (kept.reply->>'alive_at')::float < extract(epoch from clock_timestamp()) - :seconds)
returning true
"""
_FORGET = """
delete from idempotent_replies where (actor, key) in (
    select actor, key from idempotent_replies
    where created_at < now() - make_interval(hours => :hours) limit 100 for update skip locked)
"""
_OURS = "where actor = :actor and key = :key and status is null and reply->>'claim' = :claim"


@dataclass(frozen=True)
class KeptWrite:
    """The claim of a write.

    Attributes
    ----------
    actor, key
        Who sends it, and its Idempotency-Key.
    claim
        Text that only whoever does it now knows.
    """

    actor: str
    key: str
    claim: str


@dataclass(frozen=True)
class Claimed:
    """What is known of a write: `ours` to do, `done` with its reply, `running`, or `different`."""

    state: Literal["ours", "done", "running", "different"]
    status: int = 0
    reply: Mapping[str, Any] | None = None


def claim_write(store: Store, write: KeptWrite, request_hash: str) -> Claimed:
    """Claim a write, or find what became of the same one.

    Parameters
    ----------
    write
        The claim to make.
    request_hash
        Hash of what was sent: a second request with the same key and another hash is `different`.
    """
    names = {**vars(write), "request_hash": request_hash, "hours": KEPT_HOURS, "seconds": CLAIM_SECONDS}
    query = "select request_hash, status, reply from idempotent_replies where actor = :actor and key = :key"
    with store.transaction() as connection:
        if connection.scalar(text(_CLAIM), names):
            connection.execute(text(_FORGET), {"hours": KEPT_HOURS})
            return Claimed("ours")
        kept = connection.execute(text(query), names).first()
    if kept is None:  # the other one failed in between and took its claim back
        return Claimed("running")
    if kept.request_hash != request_hash:
        return Claimed("different")
    return Claimed("running") if kept.status is None else Claimed("done", kept.status, kept.reply)


def renew_claim(store: Store, write: KeptWrite) -> None:
    """Write that whoever claimed a write is alive and works on it."""
    alive = "jsonb_set(reply, '{alive_at}', to_jsonb(extract(epoch from clock_timestamp())))"
    _change(store, f"update idempotent_replies set reply = {alive} {_OURS}", write)  # noqa: S608 - constants


def keep_reply(store: Store, write: KeptWrite, status: int, reply: Mapping[str, Any]) -> None:
    """Keep the reply to a write that was claimed."""
    changed = f"update idempotent_replies set status = :status, reply = cast(:reply as jsonb) {_OURS}"  # noqa: S608
    _change(store, changed, write, status=status, reply=json.dumps(reply))


def release_claim(store: Store, write: KeptWrite) -> None:
    """Take a claim back, since the write failed: the next one with this key does it."""
    _change(store, f"delete from idempotent_replies {_OURS}", write)  # noqa: S608 - constant


def _change(store: Store, statement: str, write: KeptWrite, **more: Any) -> None:
    with store.transaction() as connection:
        connection.execute(text(statement), {**vars(write), **more})
