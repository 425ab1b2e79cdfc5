"""Write which names are read as another, and log what persons decide about names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import delete, func, insert, or_, select

from memory_pipeline.store.models import NAME_DECISIONS, NameDecision, NameMerge
from memory_pipeline.store.plain_values import plain_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from memory_pipeline.store.database import Store

RESET = "reset"
LOOKS_ALIKE = "looks alike"
"""Why a row of `name_merges` is there whose names were not merged."""
LONGEST_NAME = 300
"""Characters of a name, as in an outcome."""
MOST_SPELLINGS = 500
"""Spellings of one name that are looked for at most."""
_PAIR = ("column_name", "name", "other_name")
_ROWS_AT_ONCE = 5_000


def save_name_merges(store: Store, merges: pd.DataFrame) -> None:
    """Replace the list of names that are read as another or look like one (columns of `name_merges`)."""
    with store.transaction() as connection:
        connection.execute(delete(NameMerge))
        for first in range(0, len(merges), _ROWS_AT_ONCE):
            rows = merges.iloc[first : first + _ROWS_AT_ONCE].to_dict("records")
            connection.execute(insert(NameMerge), [plain_value(row) for row in rows])


def decide_names(
    store: Store,
    column: str,
    name: str,
    other: str,
    *,
    decision: str,
    by: str,
    note: str | None = None,
) -> dict[str, Any]:
    """Log a person's decision about two names of a column; the next rebuild applies it.

    Parameters
    ----------
    column
        Such as `application_vendor`.
    name, other
        The name that is decided about, and the one as which it counts or from which it is apart. Two
        spellings of one name: it is shown as `other`.
    decision
        One of `NAME_DECISIONS`.
    by
        Who decides.
    note
        Why.

    Returns
    -------
    dict
        The entry of the log.

    Raises
    ------
    ValueError
        When the decision is unknown, a text is empty, the names are the same, or `other` counts as `name`
        already.
    """
    if decision not in NAME_DECISIONS:
        raise ValueError(f"decision is {decision!r}; use one of {', '.join(NAME_DECISIONS)}")
    row = {
        "column_name": column.strip(),
        "name": name.strip(),
        "other_name": other.strip(),
        "decision": decision,
        "note": (note or "").strip() or None,
        "decided_by": by.strip(),
    }
    for field in (*_PAIR, "decided_by"):
        if not row[field]:
            raise ValueError(
                f"{field} is empty; write {'who decides' if field == 'decided_by' else 'a name'}"
            )
        if len(str(row[field])) > LONGEST_NAME:
            raise ValueError(f"{field} has {len(str(row[field])):,} characters; write at most {LONGEST_NAME}")
    if row["name"] == row["other_name"]:
        raise ValueError(f"name and other_name are both {row['name']!r}; write two names")
    with store.transaction() as connection:
        held = read_name_decisions(connection)
        _check_against(held, row)
        table = NameDecision
        result = connection.execute(insert(table).values(row).returning(table.id, table.decided_at)).one()
    return {"id": result.id, **row, "decided_at": result.decided_at}


def _check_against(held: Iterable[Mapping[str, Any]], row: Mapping[str, Any]) -> None:
    """Raise ValueError when there is nothing to withdraw, or the decision would close a circle."""
    own = [one for one in held if one["column_name"] == row["column_name"]]
    pair = _pair(row)
    if row["decision"] == RESET and all(_pair(one) != pair for one in own):
        raise ValueError(
            f"nothing is decided about {row['name']!r} and {row['other_name']!r} in {row['column_name']}; "
            "`memory-pipeline show name-decisions` lists what is"
        )
    if row["decision"] != "same":
        return
    become = {
        one["name"]: one["other_name"] for one in own if one["decision"] == "same" and _pair(one) != pair
    }
    end, seen = row["other_name"], set()
    while end in become and end not in seen:
        seen.add(end)
        end = become[end]
        if end == row["name"]:
            raise ValueError(
                f"{row['other_name']!r} counts as {row['name']!r} already; withdraw that decision first"
            )


def read_name_decisions(connection: Connection) -> list[dict[str, Any]]:
    """Read the decisions that apply: the newest about each two names; a name counts as one other at most.

    Returns
    -------
    list of dict
        The columns of `name_decisions`, the oldest first.
    """
    table = NameDecision
    log = connection.execute(select(*table.__table__.columns).order_by(table.decided_at, table.id))
    held: dict[Any, dict[str, Any]] = {}
    for row in map(dict, log.mappings()):
        held.pop(_pair(row), None)
        if row["decision"] == RESET:
            continue
        if row["decision"] == "same":
            before = [
                pair
                for pair, one in held.items()
                if one["decision"] == "same"
                and (one["column_name"], one["name"]) == (row["column_name"], row["name"])
            ]
            for pair in before:
                del held[pair]
        held[_pair(row)] = row
    return list(held.values())


def name_decision_log(store: Store) -> pd.DataFrame:
    """Read all decisions about names, the newest first, shape (decisions, columns of `name_decisions`)."""
    table = NameDecision
    query = select(*table.__table__.columns).order_by(table.decided_at.desc(), table.id.desc())
    with store.transaction() as connection:
        result = connection.execute(query)
        return pd.DataFrame(result.all(), columns=list(result.keys()))


def _pair(row: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    return row["column_name"], frozenset((row["name"], row["other_name"]))


def read_as_another(store: Store) -> pd.DataFrame:
    """Read which names the last rebuild read as another, columns `column_name`, `raw_name` and `name`."""
    table = NameMerge
    query = select(table.column_name, table.raw_name, table.name).where(table.why != LOOKS_ALIKE)
    with store.transaction() as connection:
        return pd.DataFrame(connection.execute(query).all(), columns=["column_name", "raw_name", "name"])


def read_spellings(connection: Connection, column: str, value: str) -> tuple[str, ...]:
    """Read all names of a column that count as one with a value, the value itself first.

    What the last rebuild knew counts: of a name that it did not read as another, the value alone.

    Parameters
    ----------
    column
        Such as `application_vendor`.
    value
        A name as it was recorded, or as it is read, in any case.
    """
    table, folded = NameMerge, func.lower(value)
    is_read = (table.column_name == column) & (table.why != LOOKS_ALIKE)
    names = select(table.name).where(
        is_read, or_(table.raw_name == value, func.lower(table.raw_name) == folded)
    )
    found = connection.execute(
        select(table.raw_name, table.name)
        .where(is_read, or_(table.name == value, func.lower(table.name) == folded, table.name.in_(names)))
        .order_by(table.attempts.desc(), table.raw_name)
        .limit(MOST_SPELLINGS)
    ).all()
    texts = [value, *(row.name for row in found), *(row.raw_name for row in found)]
    return tuple(dict.fromkeys(texts))
