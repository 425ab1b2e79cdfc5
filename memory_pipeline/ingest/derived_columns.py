"""Fill columns from others of the same record: joined ones, and named groups of a pattern over a text.

Patterns are searched by RE2 (through Arrow) in many records at once; see `log_files`.
"""

from __future__ import annotations

from datetime import date, datetime, time
from itertools import islice
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.cell_readers import as_text, pseudonym
from memory_pipeline.ingest.log_files import Pattern
from memory_pipeline.ingest.record_paths import filled_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memory_pipeline.ingest.mapping import Mapping
    from memory_pipeline.ingest.reading_notes import ReadingNotes

_RECORDS_AT_ONCE = 1_000
_MOST_SEARCHED = 20_000
"""Characters of a text in which patterns are searched."""


class DerivedColumns:
    """The columns of a mapping that are filled from others of a record.

    Parameters
    ----------
    mapping
        The mapping; its `join` is done before its `extract`.
    notes
        Takes a note on texts that no pattern fits.
    """

    def __init__(self, mapping: Mapping, notes: ReadingNotes) -> None:
        self.joins = mapping.join
        self.patterns = {
            column: [Pattern(one) for one in patterns] for column, patterns in mapping.extract.items()
        }
        self.notes = notes
        self._hidden = {column for column in self.patterns if mapping.rule(column).pseudonymise}

    def fill(self, records: Iterable[Any]) -> Iterator[Any]:
        """Yield records with the derived columns; one that is not an object stays as it is."""
        source = iter(records)
        row = 0
        while part := list(islice(source, _RECORDS_AT_ONCE)):
            yield from self._filled(part, row)
            row += len(part)

    def _filled(self, records: list[Any], before: int) -> list[Any]:
        found = [
            {**record, **{column: joined(record, parts) for column, parts in self.joins.items()}}
            if isinstance(record, dict)
            else record
            for record in records
        ]
        for column, patterns in self.patterns.items():
            self._extract(found, column, patterns, before)
        return found

    def _extract(self, records: list[Any], column: str, patterns: list[Pattern], before: int) -> None:
        """Add the groups of the first pattern that fits the column's text to each record."""
        import pyarrow as pa  # noqa: PLC0415 - few mappings need it

        names = [name for pattern in patterns for name in pattern.names]
        open_rows = []
        for number, record in enumerate(records):
            if isinstance(record, dict):
                record.update(dict.fromkeys(names))
                cell = filled_cell(record, column)
                if cell is not None:
                    open_rows.append((number, as_text(cell)[:_MOST_SEARCHED]))
        for pattern in patterns:
            if not open_rows:
                return
            results = pattern.search(pa.array([text for _, text in open_rows], pa.string()))
            unfitting = []
            for (number, text), groups in zip(open_rows, results, strict=True):
                if groups is None:
                    unfitting.append((number, text))
                else:
                    records[number].update({name: value or None for name, value in groups.items()})
            open_rows = unfitting
        for number, text in open_rows:
            what = f"no pattern of `extract` fits, so {', '.join(dict.fromkeys(names))} stay empty"
            shown = pseudonym(text) if column in self._hidden else text
            self.notes.remark(column, shown, what, row=before + number + 1)


def joined(record: dict[str, Any], columns: Iterable[str]) -> Any:
    """Return the filled cells of columns as one text with spaces between; a date and a time as one time."""
    cells = [cell for column in columns if (cell := filled_cell(record, column)) is not None]
    if [type(cell) for cell in cells] in ([date, time], [datetime, time]):
        day = cells[0].date() if isinstance(cells[0], datetime) else cells[0]
        return datetime.combine(day, cells[1])
    return " ".join(_without_midnight(cell) for cell in cells) or None


def _without_midnight(cell: Any) -> str:
    """Return a cell as text; of a date that a spreadsheet gives as midnight, the date."""
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, time) else as_text(cell)
