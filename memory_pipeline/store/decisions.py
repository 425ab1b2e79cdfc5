"""Store what persons decide about findings: one log for every kind, which no rebuild overwrites.

Each decision or note is a row of `decisions`; the newest row of a finding applies. Every writer of findings
calls `apply_decisions` in its transaction, so that what a person retired stays retired when found again.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import Text, cast, func, insert, select, text, union

from memory_pipeline.store.identity import FACTOR_IDENTITY, factor_id
from memory_pipeline.store.models import (
    DECISIONS,
    FindingDecision,
    MemberPattern,
    PatternIdentification,
    SuccessFactor,
)
from memory_pipeline.store.reads import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from memory_pipeline.store.database import Store

    Sides = dict[str, tuple[dict[str, str], dict[str, str], str | None]]

RESET = "reset"
"""Withdraws a decision: the rebuilds decide again. The note stays."""
COLUMNS = ("decision", "note", "decided_by", "decided_at")
_IDS = {
    "pattern": PatternIdentification.id,
    "factor": SuccessFactor.id,
    "member_pattern": cast(MemberPattern.id, Text),
}
_MOST_NAMED = 5

_NEWEST = """
select distinct on (finding_id) finding_id, decision, note, decided_by, decided_at
from decisions where kind = :kind order by finding_id, id desc
"""
_APPLY = {
    "pattern": f"""
with newest as ({_NEWEST}), settled as (
    select p.id, decided_at, decision is not distinct from 'retire' as is_retired,
        coalesce(decision = 'activate', p.is_found and decision is distinct from 'retire') as active,
        case when decision = 'retire' then 'retired by ' || decided_by || coalesce(': ' || note, '')
            else p.absence_reason end as reason
    from pattern_identifications as p left join newest on finding_id = p.id
)
update pattern_identifications as p set
    active = s.active,
    retired_at = case when s.active then null when s.is_retired then s.decided_at
        else coalesce(p.retired_at, now()) end,
    retired_reason = case when not s.active then s.reason end,
    updated_at = now()
from settled as s
where s.id = p.id and (p.active, p.retired_reason)
    is distinct from (s.active, case when not s.active then s.reason end)
""",  # noqa: S608 - constant
    "member_pattern": f"""
with newest as ({_NEWEST})
update patterns as p set is_active = (decision = 'activate'), updated_at = now()
from newest where finding_id = p.id::text and p.is_active <> (decision = 'activate')
""",  # noqa: S608 - constant
}


def decide(
    store: Store,
    kind: str,
    finding: str,
    *,
    by: str,
    decision: str | None = None,
    note: str | None = None,
    is_whole_id: bool = False,
) -> dict[str, Any]:
    """Log a person's decision or note and apply it.

    Parameters
    ----------
    kind
        `pattern`, `factor` or `member_pattern`.
    finding
        Its id, or a beginning that only this id has.
    by
        Who decides.
    decision
        One of `DECISIONS` for the kind, or `reset`; None to leave the decision as it is.
    note
        Replaces the note; None leaves it, an empty text removes it.
    is_whole_id
        Whether `finding` has to be the whole id: for programs, which do not abbreviate.

    Returns
    -------
    dict
        `kind`, `finding_id` and the current `COLUMNS`.

    Raises
    ------
    ValueError
        When the kind or the decision is unknown, or there is neither a decision nor a note.
    KeyError
        When no finding, or more than one, has such an id.
    """
    _check(kind, decision, note, by)
    table = FindingDecision
    with store.transaction() as connection:
        identity = find_id(connection, kind, finding)
        if is_whole_id and identity != finding:
            raise KeyError(f"no {kind.replace('_', '-')} has the id {finding!r}; write the whole id")
        before = connection.execute(
            select(table.decision, table.note)
            .where(table.kind == kind, table.finding_id.in_(_names_of(connection, kind, identity)))
            .order_by(table.id.desc())
            .limit(1)
        ).first()
        held, said = (None, None) if before is None else before
        row: dict[str, Any] = {
            "kind": kind,
            "finding_id": identity,
            "decision": held if decision is None else None if decision == RESET else decision,
            "note": said if note is None else note.strip() or None,
            "decided_by": by.strip(),
        }
        row["decided_at"] = connection.execute(insert(table).values(row).returning(table.decided_at)).scalar()
        apply_decisions(connection, kind)
    return row


def apply_decisions(connection: Connection, kind: str) -> None:
    """Apply what persons decided to the findings of a kind, within the writer's transaction.

    A pattern that nobody decided about is active where the newest rebuild found it. Factors are filtered
    when they are read, so nothing is done for them.
    """
    if kind in _APPLY:
        connection.execute(text(_APPLY[kind]), {"kind": kind})


def find_id(connection: Connection, kind: str, beginning: str) -> str:
    """Find the id that equals a text, or the only one that begins with it.

    Raises
    ------
    KeyError
        When there is none, or more than one.
    """
    column, logged = _IDS[kind], FindingDecision.finding_id
    ids: Any = union(
        select(column.label("id")).where(func.starts_with(column, beginning)),
        # A factor that the newest rebuild did not find can still have a decision.
        select(logged).where(FindingDecision.kind == kind, func.starts_with(logged, beginning)),
    )
    found = sorted(connection.scalars(ids)) if beginning else []
    if beginning in found:
        return beginning
    said = kind.replace("_", "-")
    if not found:
        raise KeyError(
            f"no {said} has an id that is or begins with {beginning!r}; "
            f"`memory-pipeline show {said}s --json` lists the ids"
        )
    if len(found) > 1:
        shown = ", ".join(found[:_MOST_NAMED]) + (", ..." if len(found) > _MOST_NAMED else "")
        raise KeyError(
            f"{len(found)} {said}s have an id that begins with {beginning!r} ({shown}); write more"
        )
    return str(found[0])


def read_decisions(store: Store, kind: str) -> pd.DataFrame:
    """Read the decisions that apply, shape (findings with a decision or note, `finding_id` and `COLUMNS`)."""
    with store.transaction() as connection:
        rows = connection.execute(text(_NEWEST), {"kind": kind}).all()
    return pd.DataFrame(rows, columns=["finding_id", *COLUMNS], dtype=object)


def with_decisions(store: Store, kind: str, findings: pd.DataFrame) -> pd.DataFrame:
    """Add `COLUMNS` to findings (by their `id`); None where nobody decided or noted anything.

    A factor and the same comparison the other way round are one finding: the last decision about either
    applies to both.
    """
    held = read_decisions(store, kind).set_index("finding_id")
    ids = findings["id"].astype(str)
    if kind == "factor" and not held.empty:
        twins = findings["implementation_details"].map(_twin_id)
        ids = pd.Series(
            [_newest_of(held, pair) for pair in zip(ids, twins, strict=True)], index=findings.index
        )
    found = held.reindex(ids).astype(object)
    found = found.where(found.notna(), None).set_index(findings.index)
    return pd.concat([findings, found], axis=1)


def _names_of(connection: Connection, kind: str, identity: str) -> list[str]:
    """List the ids of one finding: its own, and that of a factor's comparison the other way round."""
    if kind != "factor":
        return [identity]
    details = connection.scalar(
        select(SuccessFactor.implementation_details).where(SuccessFactor.id == identity)
    )
    return [identity] if details is None else [identity, _twin_id(details)]


def _twin_id(details: Mapping[str, Any]) -> str:
    """Return the id of a factor's comparison the other way round."""
    column, value, reference = (details[key] for key in FACTOR_IDENTITY)
    return factor_id(column, reference, value)


def _newest_of(held: pd.DataFrame, pair: tuple[str, str]) -> str:
    """Return the id that was decided about last; the first where none was."""
    decided = [one for one in pair if one in held.index]
    return str(pd.to_datetime(held.loc[decided, "decided_at"], utc=True).idxmax()) if decided else pair[0]


def decision_log(store: Store, kind: str, finding_id: str) -> pd.DataFrame:
    """Read all decisions and notes about one finding, the oldest first."""
    table = FindingDecision
    query = select(*(getattr(table, name) for name in COLUMNS)).where(
        table.kind == kind, table.finding_id == finding_id
    )
    with store.transaction() as connection:
        return pd.DataFrame(connection.execute(query.order_by(table.id)).all(), columns=list(COLUMNS))


def read_decision_log(
    store: Store,
    *,
    kind: str | None = None,
    finding_id: str | None = None,
    limit: int = 100,
    before: int | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """Read decisions and notes of all findings, the newest first, and count all that match.

    Parameters
    ----------
    kind, finding_id
        Only those about findings of this kind, or about this finding.
    limit
        Most entries.
    before
        Only entries with a smaller id, to page on.
    """
    table = FindingDecision
    chosen = select(*table.__table__.columns)
    if kind is not None:
        chosen = chosen.where(table.kind == kind)
    if finding_id is not None:
        chosen = chosen.where(table.finding_id == finding_id)
    page = chosen.order_by(table.id.desc()).limit(limit)
    if before is not None:
        page = page.where(table.id < before)
    with store.transaction() as connection:
        total = connection.scalar(select(func.count()).select_from(chosen.subquery()))
        return [dict(row) for row in connection.execute(page).mappings()], int(total or 0)


def factor_decision_log(store: Store, identity: str, details: Mapping[str, Any]) -> pd.DataFrame:
    """Read the decisions on a factor, written either way round, the oldest first."""
    logs = [decision_log(store, "factor", one) for one in (identity, _twin_id(details))]
    return pd.concat([log for log in logs if not log.empty] or logs[:1]).sort_values(
        "decided_at", kind="stable", ignore_index=True
    )


def _check(kind: str, decision: str | None, note: str | None, by: str) -> None:
    if kind not in DECISIONS:
        raise ValueError(f"kind is {kind!r}; use one of {', '.join(DECISIONS)}")
    possible = (*DECISIONS[kind], RESET)
    if decision is not None and decision not in possible:
        raise ValueError(
            f"a {kind.replace('_', ' ')} cannot be decided on by {decision!r}; use {', '.join(possible)}"
        )
    if decision is None and note is None:
        raise ValueError(f"there is nothing to decide: give a decision ({', '.join(possible)}) or a note")
    if not by.strip():
        raise ValueError("by is empty; say who decides")


def read_factor_decisions(store: Store, levels: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
    """Read the decisions on factors that apply: the newest of each comparison, whichever way round.

    Parameters
    ----------
    store
        The store.
    levels
        The levels of each setting that advice distinguishes: among their pairs, a decision is recognised
        whose factor the newest rebuild did not find.

    Returns
    -------
    list of dict
        `finding_id`, `decision` (`note` where there is a note alone), `settings`,
        `reference` (setting to level), `decided_by`, `decided_at` (ISO 8601), `note`, `finding` (the
        factor's sentence, None where no rebuild has it now); the oldest first.
    """
    held = read_decisions(store, "factor").sort_values("decided_at", kind="stable")
    if held.empty:
        return []
    sides = _stored_sides(store)
    if not set(held["finding_id"]) <= sides.keys():
        sides = _possible_sides(levels) | sides
    newest: dict[frozenset[Any], dict[str, Any]] = {}
    for row in held.to_dict("records"):
        if row["finding_id"] not in sides:
            continue  # The setting is not among those of the advice, so nothing has to be left out.
        settings, reference, sentence = sides[row["finding_id"]]
        key = frozenset(tuple(sorted(side.items())) for side in (settings, reference))
        newest.pop(key, None)
        newest[key] = {
            **{str(name): value for name, value in row.items()},
            "decided_at": row["decided_at"].isoformat(),
            "settings": settings,
            "reference": reference,
            "finding": sentence,
        }
    said = [one | {"decision": one["decision"] or "note"} for one in newest.values()]
    return [one for one in said if one["decision"] != "note" or one["note"]]


def read_nameable_patterns(store: Store) -> pd.DataFrame:
    """Read the patterns that advice may name: the active ones, their sentence with a person's note.

    Returns
    -------
    DataFrame
        Columns of `pattern_identifications`, `sentence`, and of `impact` the `q_value` and
        `risk_difference`.
    """
    stored = read_table(store, PatternIdentification)
    stored = with_decisions(store, "pattern", stored[stored["active"].astype(bool)])
    noted = [
        f"{sentence} [{by}: {note}]" if note else sentence
        for sentence, by, note in zip(
            stored["description"], stored["decided_by"], stored["note"], strict=True
        )
    ]
    impact = pd.DataFrame(list(stored["impact"]), index=stored.index, columns=["q_value", "risk_difference"])
    return stored.assign(sentence=noted).join(impact)


def _stored_sides(store: Store) -> Sides:
    """Return both sides and the sentence of each stored factor by its id."""
    table = SuccessFactor
    with store.transaction() as connection:
        rows = connection.execute(select(table.id, table.implementation_details, table.description)).all()
    found: Sides = {}
    for identity, details, sentence in rows:
        settings, reference = (details.get(name) for name in ("settings", "reference_settings"))
        found[identity] = (
            settings or {details["column"]: details["value"]},
            reference or {details["column"]: details["reference"]},
            sentence,
        )
    return found


def _possible_sides(levels: Mapping[str, Iterable[str]]) -> Sides:
    return {
        factor_id(column, value, reference): ({column: value}, {column: reference}, None)
        for column, ones in levels.items()
        for value, reference in permutations(sorted(set(ones)), 2)
    }
