"""Past attempts that have what an agent asks for: conditions, and words in their texts."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from memory_pipeline.server.cursors import REMEDY, read_text, write_text
from memory_pipeline.server.mcp import questions
from memory_pipeline.server.mcp.arguments import refuse, unknown
from memory_pipeline.server.mcp.budgets import LIST_TOKENS, fit, shorten, shorten_settings
from memory_pipeline.server.problems import FieldError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from memory_pipeline.memory import Memory
    from memory_pipeline.server.mcp.arguments import SearchArguments

BATCH = 500
MOST_LOOKED_AT = 5_000
"""Outcomes that one search looks at; the next one goes on behind them."""
_COLUMNS = ("application_vendor", "application_type", "installer_type")
_TRUTH = {True: "yes", False: "no"}


def search(memory: Memory, wanted: SearchArguments) -> tuple[str, dict[str, Any]]:
    """Return the outcomes that have all that is asked for, the newest first."""
    filters = wanted.model_dump(exclude={"limit", "cursor"})
    if wanted.since is not None:
        filters["since"] = questions.in_utc(wanted.since)
    filters["failure_reason"] = filters.pop("reason")
    scope = json.dumps(filters, sort_keys=True, default=str)
    after = _read_cursor(scope, wanted.cursor)
    found: list[dict[str, Any]] = []
    looked_at, is_at_end = 0, False
    while len(found) <= wanted.limit and looked_at < MOST_LOOKED_AT and not is_at_end:
        rows = questions.read_batch(memory, filters, after, BATCH)
        looked_at += len(rows)
        is_at_end = len(rows) < BATCH
        if rows:
            after = (rows[-1]["occurred_at"], rows[-1]["id"])
        found += [row for row in rows if _matches(row, filters)]
    more = found[wanted.limit :]
    shown = found[: wanted.limit]
    if more:
        after = (shown[-1]["occurred_at"], shown[-1]["id"])
    has_more = bool(more) or not is_at_end
    notes = [] if shown else _why_nothing(memory, filters)
    if has_more and not more:
        notes.append(f"The newest {looked_at:,} attempts were looked at; next_cursor goes on behind them.")
    items = [brief_outcome(row) for row in shown]
    kept = max(len(fit({"items": items}, ["items"], LIST_TOKENS)["items"]), min(len(items), 1))
    if kept < len(items):
        has_more, after = True, (shown[kept - 1]["occurred_at"], shown[kept - 1]["id"])
    cursor = write_text(scope, [after[0].isoformat(), after[1]]) if has_more and after is not None else None
    lines = [_say(row, item) for row, item in zip(shown[:kept], items[:kept], strict=True)]
    answer = {"items": items[:kept], "next_cursor": cursor, "notes": notes}
    return "\n".join([*(lines or ["No attempt was found."]), *notes]), answer


def _read_cursor(scope: str, cursor: str | None) -> tuple[datetime, str] | None:
    """Return time and id of the last outcome that was looked at; None at the beginning of a search."""
    if cursor is None:
        return None
    try:
        time, identity = read_text(scope, cursor)
    except ValueError:
        raise refuse("search_cases", FieldError("cursor", cursor[:80], REMEDY)) from None
    return datetime.fromisoformat(time), str(identity)


def _say(row: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    reasons = f" ({', '.join(item['failure_reasons'])})" if item["failure_reasons"] else ""
    return f"{row['occurred_at']:%Y-%m-%d} {item['application_name']}: {item['outcome_status']}{reasons}"


def brief_outcome(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored outcome as `FoundCase`."""
    return {
        "outcome_id": row["id"],
        "application_name": shorten(row["application_name"], 100),
        "application_version": row["application_version"],
        "installer_type": row["installer_type"],
        "occurred_at": str(row["occurred_at"]).replace(" ", "T"),
        "outcome_status": row["outcome_status"],
        "failure_reasons": [one["reason"] or one["code"] or "" for one in row["failure_reasons"] or ()][:3],
        "approach": shorten_settings(row["approach_details"]),
        "recommendation_id": row["recommendation_id"],
    }


def _matches(row: Mapping[str, Any], filters: Mapping[str, Any]) -> bool:
    context = {**(row["context"] or {}), **{name: row[name] for name in _COLUMNS}}
    return (
        all(_same(context.get(name), value) for name, value in filters["context"].items())
        and all(
            _same(row["approach_details"].get(name), value) for name, value in filters["approach"].items()
        )
        and (filters["text"] is None or _has_words(row, filters["text"]))
    )


def _same(stored: Any, wanted: Any) -> bool:
    """Return whether a stored value is the wanted one, in any case; of a list, one of its elements."""
    if isinstance(stored, list) and not isinstance(wanted, list):
        return any(_same(one, wanted) for one in stored)
    if isinstance(stored, list):
        return sorted(map(_text, stored)) == sorted(map(_text, wanted))
    return _text(stored) == _text(wanted)


def _text(value: Any) -> str:
    return _TRUTH[value] if isinstance(value, bool) else "" if value is None else str(value).casefold()


def _has_words(row: Mapping[str, Any], text: str) -> bool:
    said = " ".join(_texts_of(row)).casefold()
    return all(word in said for word in text.casefold().split())


def _texts_of(row: Mapping[str, Any]) -> Iterator[str]:
    yield row["application_name"]
    for one in row["failure_reasons"] or ():
        yield from (str(value) for value in one.values() if value is not None)
    for one in row["manual_interventions"] or ():
        yield f"{one.get('kind') or ''} {one.get('description') or ''}"
    yield str((row["feedback"] or {}).get("comment") or "")


def _why_nothing(memory: Memory, filters: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each filter by a column or setting that advice does not know."""
    columns, settings = questions.known_columns(memory)
    asked = [("context", columns, filters["context"]), ("approach", settings, filters["approach"])]
    wrong = [
        unknown(f"{part}.{name}", name, known)
        for part, known, names in asked
        for name in names
        if known and name not in known
    ]
    return [f"{one.field}: {one.remedy}" for one in wrong]
