"""Collect notes on the cells of a file: which were left out, and how those with two readings were read."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.spellings import compared_text, spelling_key
from memory_pipeline.ingest.errors import printable
from memory_pipeline.ingest.field_rules import MAX_TEXT, structure_of
from memory_pipeline.ingest.outcome_contract import REQUIRED_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from memory_pipeline.ingest.errors import RecordRefusedError

NUMBER_AS_VERSION = (
    "a version came as a number, in which 1.10 and 1.1 are the same; write versions as text, in quotes"
)
CUT_TEXT = f"the text was cut after {MAX_TEXT:,} characters"
NUMBER_WITH_ZEROS = (
    "it came as a number, in which zeros at the end do not count; if it is a version, write it in quotes"
)
_ZEROS_AT_END = re.compile(r"-?\d+\.\d*[1-9]0+")
_IDENTITY = frozenset({*REQUIRED_FIELDS, "source", "source_record_id"})
_FREE_KEYS = frozenset({"code", "detail", "description", "minutes"})
_MAX_KINDS = 200
_MAX_NAMES = 100_000


@dataclass
class _Seen:
    """Cells of one column that have the same thing said of them."""

    row: int
    value: str | None
    statuses: Counter[str] = field(default_factory=Counter)


class ReadingNotes:
    """Notes on the cells of one file; `row` is the record in hand, from 1."""

    def __init__(self) -> None:
        self.row = 0
        self.is_clean = True
        """Whether nothing was noted of the record in hand."""
        self._names: set[tuple[str, str]] = set()
        self._spellings: dict[tuple[str, str], str] = {}
        self._in_hand: list[tuple[str, str, str | None]] = []
        self._left_out: dict[tuple[str, str], _Seen] = {}
        self._remarks: dict[tuple[str, str], _Seen] = {}

    def begin(self, row: int) -> None:
        """Begin a record; what was noted of the one before and not kept is forgotten."""
        self.row = row
        self.is_clean = True
        if self._in_hand:
            self._in_hand.clear()

    def leave_out(self, refusal: RecordRefusedError) -> None:
        """Note that a cell of the record in hand cannot be read and is left out."""
        self.is_clean = False
        self._in_hand.append((refusal.field, refusal.reason, refusal.value))

    def name(self, field: str, value: str) -> None:
        """Note a name that looks like another of the same field, and counts as another all the same.

        Spellings of one name count as one and are not noted. Names are compared by their letters alone, each
        with one other, so that the cost does not grow with their pairs.
        """
        if (field, value) in self._names or len(self._names) >= _MAX_NAMES:
            return
        self._names.add((field, value))
        letters = compared_text(value).replace(" ", "")
        first = self._spellings.setdefault((field, letters), value)
        if letters and spelling_key(first) != spelling_key(value):
            self.remark(
                field,
                value,
                f"looks like {printable(first)!r}, but counts as another name; after a rebuild "
                '`memory-pipeline show names --why "looks alike"` lists such names, and '
                "`memory-pipeline decide name` makes them one",
            )

    def keep(self, status: str | None) -> None:
        """Count the cells that the record in hand has lost, by its outcome status; it is stored."""
        for column, reason, value in self._in_hand:
            seen = self._seen(self._left_out, column, reason, value)
            seen.statuses[status or ""] += 1
        self._in_hand.clear()

    def remark(self, column: str, value: Any, what: str, *, row: int | None = None) -> None:
        """Note how a cell with more than one reading was read; `row` where it is not the record in hand."""
        self._seen(self._remarks, column, what, value, row).statuses[""] += 1

    def remark_zeros(self, place: str, value: Decimal) -> None:
        """Note a number of a file such as 3.10, which is stored as 3.1 and may be a version."""
        if _ZEROS_AT_END.fullmatch(str(value)) is not None:
            self.remark(place, str(value), NUMBER_WITH_ZEROS)

    def _seen(
        self,
        table: dict[tuple[str, str], _Seen],
        column: str,
        what: str,
        value: Any,
        row: int | None = None,
    ) -> _Seen:
        self.is_clean = False
        key = column, what
        if key not in table and len(table) >= _MAX_KINDS:
            key = "other columns", "further cells"
        if key not in table:
            table[key] = _Seen(row or self.row, None if value is None else printable(value))
        return table[key]

    def sentences(self) -> Iterator[str]:
        """Yield the notes as sentences for a person, the columns that lost most cells first."""
        for (column, reason), seen in sorted(
            self._left_out.items(), key=lambda item: (-item[1].statuses.total(), item[0])
        ):
            total = seen.statuses.total()
            counts = ", ".join(f"{name} {n:,}" for name, n in sorted(seen.statuses.items()) if name)
            of_them = f" ({counts})" if counts else ""
            yield (
                f"{column}: {total:,} {'cell' if total == 1 else 'cells'} left out{of_them}, the first in "
                f"row {seen.row} ({seen.value!r}): {reason}; the rest of the record was stored"
            )
        for (column, what), seen in self._remarks.items():
            total = seen.statuses.total()
            yield (
                f"{column}: {total:,} {'cell' if total == 1 else 'cells'}, the first in row {seen.row} "
                f"({seen.value!r}): {what}"
            )


def take_out(record: dict[str, Any], place: str) -> dict[str, Any] | None:
    """Return an outcome without what breaks its contract, if it can be stored without it.

    Parameters
    ----------
    record
        In the project's own form.
    place
        Where, as a refusal names it: `application_vendor`, `context.team`, `failure_reasons.detail`.

    Returns
    -------
    dict or None
        A copy of the record; None where the place decides over the record, or holds nothing.
    """
    named, _, key = place.partition(".")
    field_name = named.partition("[")[0]
    held = record.get(field_name)
    if isinstance(held, dict):
        if held.get(key) is None:
            return None
        return {**record, field_name: {name: value for name, value in held.items() if name != key}}
    if field_name in _IDENTITY or field_name not in record:
        return None
    if isinstance(held, list) and key in _FREE_KEYS:
        entries = [{name: value for name, value in entry.items() if name != key} for entry in held]
        return {**record, field_name: entries}
    return {name: value for name, value in record.items() if name != field_name}


def shorten(record: dict[str, Any], place: str) -> dict[str, Any]:
    """Return a record with its texts at a place cut after `MAX_TEXT` characters.

    Parameters
    ----------
    record
        In the project's own form; its structures may be JSON text, as in CSV.
    place
        A free text, as a refusal names it: `failure_reasons.detail`, `feedback.comment`.
    """
    field_name, _, key = place.partition(".")
    held = structure_of(record[field_name])
    if isinstance(held, list):
        kept: Any = [{**entry, key: _cut(entry.get(key))} for entry in held]
    else:
        kept = {**held, key: _cut(held[key])} if key else _cut(held)
    return {**record, field_name: kept}


def _cut(value: Any) -> Any:
    return value[:MAX_TEXT] if isinstance(value, str) else value
