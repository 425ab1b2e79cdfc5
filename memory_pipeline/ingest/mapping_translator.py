"""Read the cells of a row by a mapping: constants, renamed columns, the record's id, columns from others."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.cell_readers import AS_THEY_ARE, as_text, cell_reader, pseudonym, read_simple_cell
from memory_pipeline.ingest.column_rules import ColumnRule
from memory_pipeline.ingest.derived_columns import DerivedColumns
from memory_pipeline.ingest.errors import MappingError, RecordRefusedError, refuse
from memory_pipeline.ingest.field_rules import MAX_NAME
from memory_pipeline.ingest.outcome_contract import REQUIRED_FIELDS
from memory_pipeline.ingest.reading_notes import NUMBER_AS_VERSION
from memory_pipeline.ingest.record_keys import Translator, names_of
from memory_pipeline.ingest.record_paths import MISSING, column_steps, find, head_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from memory_pipeline.ingest.mapping import Mapping

_TYPED_FIELDS = frozenset({"occurred_at", "recommendation_followed", "is_visible"})


class MappingTranslator(Translator):
    """Base of the translators of mappings: reads cells, fills in constants, fields and the record's id."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        read = mapping.columns_read
        paths = ((column, column_steps(column)) for column in (*read, *mapping.ignore))
        self.nested = {column: steps for column, steps in paths if steps is not None}
        super().__init__(
            mapping.name,
            mapping.source,
            known=self._known_columns() if mapping.unmapped == "error" else None,
            required=tuple(
                column
                for column in read
                if not mapping.rule(column).optional and column not in mapping.derived_columns
            ),
            dropped=frozenset(mapping.ignore),
            pseudonymised=frozenset(c for c in read if mapping.rule(c).pseudonymise),
        )
        self.named = frozenset(read)
        self.derived_columns = mapping.derived_columns
        self.csv_form = mapping.csv
        self.fallbacks = {column: other for column in read if (other := mapping.rule(column).otherwise)}
        self._alternatives = tuple(self._chains())
        self.constants = {field: self._constant(field, value) for field, value in mapping.constants.items()}
        needed = (mapping.renames.get(field) for field in REQUIRED_FIELDS)
        self.decisive = frozenset({*mapping.record_id, *(c for c in needed if c is not None)})
        """Columns without which there is no record; an unreadable cell of another costs only the cell."""
        self.readers = self._compile_readers()

    def _constant(self, field: str, value: Any) -> Any:
        if field != "occurred_at":
            return value if field in _TYPED_FIELDS else as_text(value)
        rule = ColumnRule.model_validate({"as": "time"})
        try:
            return cell_reader(f"constants.{field}", rule, self.mapping.timezone, self.notes)(value)
        except RecordRefusedError as error:
            raise MappingError(f"mapping {self.mapping.name}: {error.reason}") from error

    def _chains(self) -> Iterator[tuple[str, ...]]:
        """Yield columns of which a file needs one: an optional one of a required field, and its `else`."""
        if getattr(self.mapping, "from_command", None) is not None:
            return
        for field in REQUIRED_FIELDS:
            column = self.mapping.renames.get(field)
            if column is not None and self.mapping.rule(column).optional:
                chain = [column]
                while (other := self.fallbacks.get(chain[-1])) is not None and other not in chain:
                    chain.append(other)
                yield tuple(chain)

    def missing_columns(self, present: tuple[str, ...]) -> list[str]:
        """Return needed columns that are not there; of several that stand in for each other, the first."""
        chains = (one for one in self._alternatives if not set(one) & set(present))
        return [*super().missing_columns(present), *(one[0] for one in chains)]

    def _compile_readers(self) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
        try:
            readers = {
                column: cell_reader(column, self._rule(column), self.mapping.timezone, self.notes)
                for column in self.mapping.columns_read
            }
        except RecordRefusedError as error:
            what = f"columns.{error.field}: the default or key {error.value}"
            raise MappingError(f"mapping {self.name}: {what}: {error.reason}") from error
        self.simple_columns = tuple(c for c, read in readers.items() if read is read_simple_cell)
        return tuple((c, read) for c, read in readers.items() if read is not read_simple_cell)

    def _known_columns(self) -> frozenset[str]:
        heads = (str(steps[0].value) for steps in self.nested.values())
        keys = (name for one in self.mapping.lookups.values() for name in (one.by, head_of(one.by)) if name)
        return frozenset({*self.mapping.columns_read, *self.mapping.ignore, *heads, *keys})

    def _rule(self, column: str) -> Any:
        rule = self.mapping.rule(column)
        time = self.mapping.renames.get("occurred_at")
        stands_in = time is not None and column == self.mapping.rule(time).otherwise
        if (column == time or stands_in) and rule.read_as is None:
            return rule.model_copy(update={"read_as": "time"})
        return rule

    def derive(self, records: Iterable[Any]) -> Iterator[Any]:
        """Yield records with the columns that are filled from others."""
        if not self.derived_columns:
            return iter(records)
        return DerivedColumns(self.mapping, self.notes).fill(records)

    @property
    def expected(self) -> frozenset[str]:
        """The columns by which the header of a table is found."""
        return self.named | self.dropped

    def check_columns(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Compare a table's columns with the mapping; see `Translator`."""
        present = tuple(columns)
        inside = (c for c, steps in self.nested.items() if c not in present and steps[0].value in present)
        wanted = tuple(c for c in super().check_columns((*present, *inside)) if c in present)
        if self.mapping.unmapped != "ignore":
            return wanted
        heads = {steps[0].value for steps in self.nested.values()}
        return tuple(column for column in wanted if column in self.named or column in heads)

    def quarantine_copy(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return what quarantine keeps of a record: with `unmapped: ignore` only what the mapping reads."""
        kept = super().quarantine_copy(self.flat(record))
        if self.mapping.unmapped != "ignore":
            return kept
        return {key: value for key, value in kept.items() if key in self.named}

    def reads(self, column: str) -> bool:
        """Return whether anything of a record depends on a column."""
        return column in self.named or (self.mapping.unmapped != "ignore" and column not in self.dropped)

    def flat(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return a record with nested values under the columns that are read, such as `actor.login`."""
        if not self.nested:
            return record
        found = {}
        heads = set()
        for column, steps in self.nested.items():
            if column not in record and steps[0].value in record:
                heads.add(steps[0].value)
                value = find(record, steps)
                if value is not MISSING:
                    found[column] = value
        heads -= self.named
        return {**{key: value for key, value in record.items() if key not in heads}, **found}

    def read_cells(self, record: dict[str, Any]) -> dict[str, Any]:
        """Read the cells of every column that the mapping names."""
        get = record.get
        cells = {
            column: cell if type(cell := get(column)) in AS_THEY_ARE else read_simple_cell(cell)
            for column in self.simple_columns
        }
        for column, read in self.readers:
            try:
                cells[column] = read(get(column))
            except RecordRefusedError as refusal:
                if column in self.decisive:
                    raise
                self.notes.leave_out(refusal)
                cells[column] = None
        for column, other in self.fallbacks.items():
            if cells[column] is None:
                cells[column] = cells[other]
        return cells

    def start(self, cells: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
        """Fill in constants, renamed columns and the record's id."""
        own = dict(self.constants)
        for field, column in self.mapping.renames.items():
            value = cells[column]
            if type(value) is float and type(record.get(column)) is Decimal:
                # As it was written: a version 1.10 is not 1.1.
                value = str(record[column])
            if value is not None:
                if field == "application_version" and type(value) is float:
                    self.notes.remark(column, as_text(value), NUMBER_AS_VERSION)
                own[field] = value if field in _TYPED_FIELDS else single_text(column, value)
        if self.mapping.record_id:
            own["source_record_id"] = self.record_id_in(cells)
        return own

    def record_id_in(self, cells: dict[str, Any]) -> str:
        """Return the id of a record in its source, from the read cells of its columns."""
        columns = self.mapping.record_id
        parts = ["" if cells[c] is None else single_text(c, cells[c]) for c in columns]
        if not any(parts):
            refuse(columns[0], None, f"{names_of(columns)} is empty, but identifies the record; fill it in")
        if len(parts) == 1:
            return parts[0]
        # Escaped, so that ("a|b", "c") and ("a", "b|c") differ.
        joined = "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)
        return joined if len(joined) <= MAX_NAME else pseudonym(joined)

    def unmapped_cells(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the cells of columns that the mapping does not name."""
        return {
            k: v for k, v in record.items() if k not in self.named and k not in self.dropped and v is not None
        }


def single_text(column: str, value: Any) -> str:
    """Return a cell as text; refuse one that holds several values."""
    if isinstance(value, list | dict):
        refuse(column, value, f"{column} holds several values where one is needed; map another column")
    return as_text(value)
