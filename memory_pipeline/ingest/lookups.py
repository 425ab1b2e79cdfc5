"""Join the records of a file with a second file by a key: names, publishers and commands by an id."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.cell_readers import lookup_key
from memory_pipeline.ingest.errors import IngestError, MappingError, printable
from memory_pipeline.ingest.file_formats import check_file, format_of
from memory_pipeline.ingest.readers import open_by_format
from memory_pipeline.ingest.record_keys import names_of
from memory_pipeline.ingest.record_paths import Reading, filled_cell, head_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memory_pipeline.ingest.file_rules import LookupRule
    from memory_pipeline.ingest.mapping import Mapping

MOST_KEYS = 1_000_000
"""Keys of a lookup, which is held in memory."""
MOST_CHARACTERS = 200_000_000
"""Characters of its values."""


@dataclass
class Lookup:
    """Second file, read by its key, and what was not found in it.

    Parameters
    ----------
    name
        As the mapping calls it.
    file
        Name of the file, for notes.
    rule
        What the mapping says about it.
    table
        Values of the rule's columns, in their order, by key.
    """

    name: str
    file: str
    rule: LookupRule
    table: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    found: int = 0
    _without_key: int = 0
    _unknown: int = 0
    _first_unknown: tuple[int, str] | None = None

    @property
    def by(self) -> str:
        """The key of a record, or of the object in it, under which the lookup's key stands."""
        return head_of(self.rule.by) or self.rule.by

    def fill(self, record: dict[str, Any], row: int) -> dict[str, Any]:
        """Return a record with the lookup's values in the columns that it does not have, or has empty."""
        key = filled_cell(record, self.rule.by)
        if key is None:
            self._without_key += 1
            return record
        values = self.table.get(lookup_key(key))
        if values is None:
            self._unknown += 1
            self._first_unknown = self._first_unknown or (row, printable(key))
            return record
        self.found += 1
        empty = {
            column: value
            for column, value in zip(self.rule.columns, values, strict=True)
            if record.get(column) is None and value is not None
        }
        return {**record, **empty} if empty else record

    def notes(self) -> Iterator[str]:
        """Yield how many records had no key, or one that the lookup does not have."""
        columns = names_of(self.rule.columns)
        if self._first_unknown is not None:
            row, key = self._first_unknown
            yield (
                f"lookup {self.name}: {self._unknown:,} {_records(self._unknown)} a value of {self.rule.by} "
                f"that {self.file} does not have, the first in row {row} ({key!r}); {columns} stay as the "
                "file has them"
            )
        if self._without_key:
            yield (
                f"lookup {self.name}: {self._without_key:,} {_records(self._without_key)} no {self.rule.by}; "
                f"{columns} stay as the file has them"
            )


def _records(count: int) -> str:
    return "record has" if count == 1 else "records have"


def open_lookups(
    mapping: Mapping | None, files: dict[str, str] | None = None, *, needs_all: bool = True
) -> tuple[Lookup, ...]:
    """Read the second files of a mapping.

    Parameters
    ----------
    mapping
        The mapping; None has none.
    files
        Files by the name of the lookup, instead of those that the mapping names.
    needs_all
        Whether a lookup that is not optional has to have a file.

    Raises
    ------
    IngestError
        When a file cannot be read, has a key twice with different values, or is too large.
    MappingError
        When the mapping has no lookup of a name, or a file is missing.
    """
    rules = {} if mapping is None else mapping.lookups
    given = files or {}
    for name in given:
        if name not in rules:
            known = names_of(rules) or "none"
            raise MappingError(f"the mapping has no lookup {name!r}; it has: {known}")
    lookups = []
    for name, rule in rules.items():
        file = given.get(name) or rule.file
        if file is not None:
            lookups.append(_read(name, rule, Path(file)))
        elif needs_all and not rule.optional:
            raise MappingError(
                f"the mapping joins with {name!r} by {rule.by}; name its file (`--lookup {name}=FILE`, or "
                "`file` in the mapping), or set `optional: true`"
            )
    return tuple(lookups)


def join(records: Iterable[Any], lookups: tuple[Lookup, ...]) -> Iterator[Any]:
    """Yield records with the values of lookups."""
    for row, record in enumerate(records, start=1):
        joined = record
        if isinstance(record, dict):
            for lookup in lookups:
                joined = lookup.fill(joined, row)
        yield joined


def _read(name: str, rule: LookupRule, path: Path) -> Lookup:
    check_file(path)
    key = rule.key or rule.by
    wanted = (key, *rule.columns.values())
    lookup = Lookup(name, path.name, rule)
    rows: dict[str, int] = {}
    places = tuple(one.place() for one in rule.records)
    reading = Reading(places, frozenset(wanted))
    size = 0
    with open_by_format(path, format_of(path), reading, None, frozenset(wanted)) as file:
        missing = [one for one in wanted if file.columns is not None and head_of(one) not in file.columns]
        missing = [one for one in missing if one not in (file.columns or ())]
        if missing:
            raise IngestError(
                f"lookup {name}: {path.name} has no column {missing[0]!r}; there are: "
                f"{names_of(file.columns or ())}"
            )
        for row, record in enumerate(file.read(file.columns), start=1):
            cell = filled_cell(record, key) if isinstance(record, dict) else None
            if cell is None:
                continue
            at = lookup_key(cell)
            values = tuple(filled_cell(record, column) for column in rule.columns.values())
            if lookup.table.setdefault(at, values) != values:
                raise IngestError(
                    f"lookup {name}: {path.name} has the {key} {printable(cell)!r} in row {rows[at]} and row "
                    f"{row} with different values ({_shown(lookup.table[at])} and {_shown(values)}); correct "
                    "one of them"
                )
            if rows.setdefault(at, row) == row:
                size += sum(len(one) for one in values if isinstance(one, str))
            if len(rows) > MOST_KEYS or size > MOST_CHARACTERS:
                raise IngestError(
                    f"lookup {name}: {path.name} has more than {MOST_KEYS:,} keys or {MOST_CHARACTERS:,} "
                    "characters; export only what the records need"
                )
    if not rows:
        raise IngestError(f"lookup {name}: no record of {path.name} has a {key}; check the column's name")
    return lookup


def _shown(values: tuple[Any, ...]) -> str:
    return ", ".join("nothing" if one is None else repr(printable(one)) for one in values)
