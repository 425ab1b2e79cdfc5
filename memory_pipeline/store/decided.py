"""What persons decided, as advice needs it: decisions on factors, patterns with notes."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import select

from memory_pipeline.store.decisions import read_decisions, with_decisions
from memory_pipeline.store.identity import factor_id
from memory_pipeline.store.reads import read_table
from memory_pipeline.store.tables import PatternIdentification, SuccessFactor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from memory_pipeline.store.database import Store

    Sides = dict[str, tuple[dict[str, str], dict[str, str], str | None]]


def read_factor_decisions(store: Store, levels: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
    """Read the decisions on factors that hold, the newest of each comparison, whichever way round.

    Parameters
    ----------
    store
        The store.
    levels
        The levels of each setting that advice tells apart: a decision on a factor that the newest rebuild
        did not find is recognised among their pairs.

    Returns
    -------
    list of dict
        `finding_id`, `decision` (`note` where something was noted and nothing decided), `settings`,
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
            continue  # the setting is not among those that advice knows, so there is nothing to leave open
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
    """Read the patterns that advice may name: the active ones, a person's note behind the sentence.

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
    """Give both sides and the sentence of each stored factor by its id."""
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
