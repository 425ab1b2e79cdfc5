"""Check which keys a record may have, before its contract is applied, and what quarantine keeps of it.

The translators of mappings are in `mapped_records`.
"""

from __future__ import annotations

from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.cell_readers import pseudonym
from memory_pipeline.ingest.csv_layout import CsvForm
from memory_pipeline.ingest.errors import IngestError, TextTooLongError, refuse
from memory_pipeline.ingest.file_formats import CELLS_KEY, TWICE_KEY
from memory_pipeline.ingest.mapping import OWN_FIELDS, OWN_FORMAT
from memory_pipeline.ingest.outcome_contract import REQUIRED_FIELDS
from memory_pipeline.ingest.reading_notes import CUT_TEXT, ReadingNotes, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memory_pipeline.ingest.errors import RecordRefusedError

_SHAPES_KEPT = 1_000
_SHOWN_COLUMNS = 12


class Translator:
    """Base of all translators: which columns a record may have, and which it must have.

    Parameters
    ----------
    name
        The mapping's name.
    source
        Name of the source, for records that name none.
    known
        Columns that a record may have; None if it may have any.
    required
        Columns that a file must have.
    dropped
        Columns that are stored nowhere, not even in quarantine.
    pseudonymised
        Columns of which only a pseudonym is stored.
    """

    def __init__(
        self,
        name: str,
        source: str | None,
        *,
        known: frozenset[str] | None,
        required: tuple[str, ...] = (),
        dropped: frozenset[str] = frozenset(),
        pseudonymised: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.source = source
        self.known = known
        self.required = required
        self.dropped = dropped
        self.pseudonymised = pseudonymised
        self.csv_form = CsvForm()
        self.latest_wins: bool | None = False
        self.derived_columns: tuple[str, ...] = ()
        self.notes = ReadingNotes()
        self.seen: dict[str, None] = {}
        self._shapes: set[tuple[Any, ...]] = set()

    @property
    def expected(self) -> frozenset[str]:
        """The columns by which the header of a table is found."""
        return frozenset(self.required) | (self.known or frozenset())

    def check_columns(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Compare a table's columns with the mapping, before any row is read.

        Returns
        -------
        tuple of str
            The columns to read.

        Raises
        ------
        IngestError
            When a column is missing, or one is there that the mapping does not name.
        """
        present = tuple(columns)
        self._check_required(present)
        unknown = [c for c in present if self.known is not None and c not in self.known]
        if unknown:
            raise IngestError(f"{self._say_unknown(unknown)}; {self._remedy_unknown}")
        return tuple(c for c in present if c not in self.dropped)

    def check_seen_columns(self) -> None:
        """Compare the keys of all records of a file with the mapping, after they were read.

        Raises
        ------
        IngestError
            When no record had a column that the mapping reads.
        """
        self._check_required(tuple(self.seen))

    def derive(self, records: Iterable[Any]) -> Iterator[Any]:
        """Yield records with the columns that are filled from others, of which there are none here."""
        return iter(records)

    def translate(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Return the record in the project's own form, or None where it is not one of the kind.

        Raises
        ------
        RecordRefusedError
            When a cell cannot be read, or a column is unknown.
        """
        raise NotImplementedError

    def leave_out(self, record: dict[str, Any], refusal: RecordRefusedError) -> dict[str, Any] | None:
        """Return a translated record without what was refused, if the rest of it can be stored.

        A text that is too long is cut. Other values are left out by a mapping alone: a program that writes
        the project's own form is told instead.

        Returns
        -------
        dict or None
            A copy of the record; None where it cannot be stored.
        """
        if not isinstance(refusal, TextTooLongError):
            return None
        self.notes.remark(refusal.field, refusal.value, CUT_TEXT)
        return shorten(record, refusal.field)

    def reads(self, column: str) -> bool:
        """Return whether anything of a record depends on a column."""
        return column not in self.dropped

    def quarantine_copy(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return what quarantine keeps of a record: all but what the mapping drops."""
        kept = {key: value for key, value in record.items() if key not in self.dropped}
        for column in self.pseudonymised & kept.keys():
            if kept[column] is not None:
                kept[column] = pseudonym(kept[column])
        if CELLS_KEY in kept and (self.dropped or self.pseudonymised):
            kept[CELLS_KEY] = ["not kept, since the mapping keeps some columns out of the memory"]
        return kept

    def check_shape(self, record: dict[str, Any]) -> None:
        """Check the keys of a record; a combination of keys that passed once is not checked again."""
        shape = tuple(record)
        if shape in self._shapes:
            return
        if CELLS_KEY in record:
            refuse(
                CELLS_KEY,
                f"{len(record[CELLS_KEY])} cells",
                "the row has more or fewer cells than the header; correct its quotes and delimiters",
            )
        if TWICE_KEY in record:
            refuse(
                str(record[TWICE_KEY]),
                None,
                f"the key {record[TWICE_KEY]!r} stands twice in one object, so one of its values would be "
                "lost; remove one of them",
            )
        self.seen.update(dict.fromkeys(map(str, shape)))
        unknown = [key for key in shape if self.known is not None and key not in self.known]
        if unknown:
            refuse(
                str(unknown[0]), record[unknown[0]], f"{self._say_unknown(unknown)}; {self._remedy_unknown}"
            )
        if len(self._shapes) < _SHAPES_KEPT:
            self._shapes.add(shape)

    def missing_columns(self, present: tuple[str, ...]) -> list[str]:
        """Return the needed columns that are not among those that are there."""
        return [column for column in self.required if column not in present]

    def _check_required(self, present: tuple[str, ...]) -> None:
        missing = self.missing_columns(present)
        if missing:
            there = names_of(present) or "none"
            near = get_close_matches(missing[0], present, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise IngestError(
                f"{self._say_missing(missing)}; {hint}there are: {there}; {self._remedy_missing}"
            )

    def _say_missing(self, missing: list[str]) -> str:
        return f"columns that the mapping {self.name} reads are missing: {names_of(missing)}"

    @property
    def _remedy_missing(self) -> str:
        return (
            "choose another mapping, give a column `optional: true`, or give its value for the whole file "
            "(`--set COLUMN=VALUE`)"
        )

    def _say_unknown(self, unknown: list[str]) -> str:
        return f"the mapping {self.name} does not name {names_of(unknown)}"

    @property
    def _remedy_unknown(self) -> str:
        return "add it to the mapping: to a section, or to `ignore`, or set `unmapped`"


class OwnFormat(Translator):
    """Translator of records that are in the project's own form already."""

    def __init__(self, kind: str) -> None:
        required = REQUIRED_FIELDS if kind == "outcomes" else ()
        super().__init__(OWN_FORMAT, None, known=OWN_FIELDS[kind], required=required)
        self.kind = kind

    def check_seen_columns(self) -> None:
        """Do nothing: each record without a required field is refused by itself."""

    def translate(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the record as it is, after a check of its keys."""
        self.check_shape(record)
        for field in ("approach_details", "context"):
            settings = record.get(field)
            if type(settings) is dict:
                for key, value in settings.items():
                    if type(value) is Decimal:
                        self.notes.remark_zeros(f"{field}.{key}", value)
        return record

    def _say_missing(self, missing: list[str]) -> str:
        return f"columns that are required are missing: {names_of(missing)}"

    @property
    def _remedy_missing(self) -> str:
        return "add them, or read the file with a mapping"

    def _say_unknown(self, unknown: list[str]) -> str:
        return f"{names_of(unknown)} is not a field of {self.kind}"

    @property
    def _remedy_unknown(self) -> str:
        places = {
            "outcomes": "put it under context, approach_details or performance_metrics",
            "members": "put it under attributes or other_sets",
        }
        fields = ", ".join(sorted(OWN_FIELDS[self.kind]))
        return f"{places[self.kind]}, or read the file with a mapping; the fields are {fields}"


def names_of(columns: Iterable[Any]) -> str:
    """List columns for a message, the first dozen of them."""
    shown = [repr(column) for column in columns]
    more = f" and {len(shown) - _SHOWN_COLUMNS} more" if len(shown) > _SHOWN_COLUMNS else ""
    return ", ".join(shown[:_SHOWN_COLUMNS]) + more
