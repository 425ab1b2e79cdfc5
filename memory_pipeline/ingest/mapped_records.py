"""Translate a row of a source to a record in the project's own form, as a mapping says."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.cell_readers import (
    AS_THEY_ARE,
    FALSE_TEXTS,
    as_text,
    cell_reader,
    lookup_key,
    pseudonym,
    read_simple_cell,
)
from memory_pipeline.ingest.commands import CommandTooLongError, parse_command
from memory_pipeline.ingest.derived_columns import DerivedColumns
from memory_pipeline.ingest.errors import MappingError, RecordRefusedError, refuse
from memory_pipeline.ingest.field_rules import MAX_NAME, snake_case
from memory_pipeline.ingest.mapping import (
    PLACEHOLDER,
    MemberMapping,
    OutcomeMapping,
)
from memory_pipeline.ingest.outcome_contract import REQUIRED_FIELDS
from memory_pipeline.ingest.outcome_rules import COMMAND_ACTION, HAS_READABLE_COMMAND
from memory_pipeline.ingest.reading_notes import NUMBER_AS_VERSION, take_out
from memory_pipeline.ingest.record_keys import OwnFormat, Translator, names_of
from memory_pipeline.ingest.record_paths import MISSING, column_steps, find, head_of
from memory_pipeline.ingest.value_rules import ValueRules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from memory_pipeline.ingest.commands import ParsedCommand
    from memory_pipeline.ingest.mapping import Mapping
    from memory_pipeline.ingest.outcome_rules import InterventionRule


class _MappingTranslator(Translator):
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
        self.constants = {
            field: value if field in _TYPED_FIELDS else as_text(value)
            for field, value in mapping.constants.items()
        }
        needed = (mapping.renames.get(field) for field in REQUIRED_FIELDS)
        self.decisive = frozenset({*mapping.record_id, *(c for c in needed if c is not None)})
        """Columns without which there is no record; an unreadable cell of another costs only the cell."""
        self.readers = self._compile_readers()

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
                own[field] = value if field in _TYPED_FIELDS else _single_text(column, value)
        if self.mapping.record_id:
            own["source_record_id"] = self._record_id(cells)
        return own

    def _record_id(self, cells: dict[str, Any]) -> str:
        columns = self.mapping.record_id
        parts = ["" if cells[c] is None else _single_text(c, cells[c]) for c in columns]
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


class OutcomeTranslator(_MappingTranslator):
    """Translates rows of a source to outcomes."""

    def __init__(self, mapping: OutcomeMapping) -> None:
        super().__init__(mapping)
        self.outcome_mapping = mapping
        self.latest_wins = mapping.latest_wins
        self.value_rules = ValueRules(mapping, self._rule)
        settings = {*mapping.approach.values(), *mapping.context.values()}
        self._free_settings = tuple(column for column in self.simple_columns if column in settings)
        """Settings of which nothing says that they are numbers."""

    def translate(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Return the row as an outcome, or None where a value map skips it."""
        # Value maps come first: a row that is not an attempt may have cells that cannot be read.
        record = self.flat(record)
        self.check_shape(record)
        effects = self.value_rules.effects(record)
        if effects is None:
            return None
        cells = self.read_cells(record)
        own = self.start(cells, record)
        mapping = self.outcome_mapping
        own["approach_details"] = _pick(mapping.approach, cells)
        own["context"] = _pick(mapping.context, cells)
        for column in self._free_settings:
            if type(cells[column]) is float and type(record[column]) is Decimal:
                self.notes.remark_zeros(column, record[column])
        own["performance_metrics"] = {key: _metric(v) for key, v in _pick(mapping.metrics, cells).items()}
        own["success_factors"] = [text for c in mapping.success_factors for text in _texts(cells[c])] or None
        reason, interventions = self._apply(effects, own)
        self._read_command(own, cells)
        own["failure_reasons"] = self._failure_reasons(own, cells, reason)
        for rule in mapping.interventions:
            interventions += _interventions(rule, cells)
        own["manual_interventions"] = interventions
        feedback = {"rating": mapping.feedback.rating, "comment": mapping.feedback.comment}
        own["feedback"] = {key: cells[c] for key, c in feedback.items() if c and cells[c] is not None} or None
        if mapping.unmapped == "context":
            own["context"].update(self.unmapped_cells(record))
        return {field: value for field, value in own.items() if value or field == "approach_details"}

    def leave_out(self, record: dict[str, Any], refusal: RecordRefusedError) -> dict[str, Any] | None:
        """Return a translated row without what was refused, if the rest of it can be stored."""
        rest = super().leave_out(record, refusal)
        if rest is None:
            rest = take_out(record, refusal.field)
            if rest is not None:
                self.notes.leave_out(refusal)
        return rest

    @staticmethod
    def _apply(effects: list[Any], own: dict[str, Any]) -> tuple[str | None, list[dict[str, Any]]]:
        """Apply the effects of value maps in order; later ones win."""
        reason, interventions = None, []
        for effect in effects:
            for field in ("outcome_status", "application_type", "installer_type"):
                value = getattr(effect, field)
                if value is not None:
                    own[field] = value
            reason = effect.reason or reason
            if effect.intervention:
                interventions.append({"kind": effect.intervention})
            own["approach_details"].update(effect.approach)
            own["context"].update(effect.context)
            own["performance_metrics"].update(effect.metrics)
        return reason, interventions

    def _read_command(self, own: dict[str, Any], cells: dict[str, Any]) -> None:
        """Fill in what the row's command line says and the row does not."""
        rule = self.outcome_mapping.from_command
        if rule is None or cells[rule.column] is None:
            return
        parsed = _parsed(_single_text(rule.column, cells[rule.column]))
        if parsed is None:
            own["context"][HAS_READABLE_COMMAND] = False
            return
        for field in ("application_name", "application_version", "installer_type"):
            value = getattr(parsed, field)
            if value is not None and own.get(field) is None:
                own[field] = value
        for name in rule.settings:
            if name in parsed.approach:
                own["approach_details"].setdefault(name, parsed.approach[name])
        if parsed.action != "install":
            own["context"][COMMAND_ACTION] = parsed.action

    def _failure_reasons(
        self, own: dict[str, Any], cells: dict[str, Any], reason: str | None
    ) -> list[dict[str, Any]] | None:
        columns = self.outcome_mapping.reasons
        if own.get("outcome_status") not in columns.statuses:
            return None
        if reason is None and columns.reason is not None:
            names = [snake_case(text) for text in _texts(cells[columns.reason])]
        else:
            names = [reason] if reason else []
        code = None if columns.code is None else cells[columns.code]
        detail = None if columns.detail is None else cells[columns.detail]
        return [
            {
                "code": None if code is None else as_text(code),
                "reason": name,
                "detail": None if detail is None else as_text(detail),
            }
            for name in names
            if name
        ]


class MemberTranslator(_MappingTranslator):
    """Translates rows of a community's export to members."""

    def __init__(self, mapping: MemberMapping) -> None:
        super().__init__(mapping)
        self.member_mapping = mapping

    def translate(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the row as a member."""
        record = self.flat(record)
        self.check_shape(record)
        cells = self.read_cells(record)
        own = self.start(cells, record)
        sets = {key: _texts(cells[column]) for key, column in self.member_mapping.sets.items()}
        own["skills"] = sets.pop("skills", [])
        own["interests"] = sets.pop("interests", [])
        own["other_sets"] = sets
        own["attributes"] = _pick(self.member_mapping.attributes, cells)
        if self.member_mapping.unmapped == "attributes":
            own["attributes"].update(self.unmapped_cells(record))
        return own


def build_translator(kind: str, mapping: Mapping | None) -> Translator:
    """Build the translator for a mapping, or for the project's own form where there is none.

    Raises
    ------
    MappingError
        When the mapping is for the other kind, or a key of one of its tables cannot be read.
    """
    if mapping is None:
        return OwnFormat(kind)
    if mapping.kind != kind:
        raise MappingError(
            f"the mapping {mapping.name} reads {mapping.kind}, not {kind}; use `ingest {mapping.kind}`"
        )
    return OutcomeTranslator(mapping) if isinstance(mapping, OutcomeMapping) else MemberTranslator(mapping)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ParsedCommand | None:
    """Return what a command line says; a history repeats few of them often."""
    try:
        return parse_command(text)
    except CommandTooLongError:
        return None


_TYPED_FIELDS = frozenset({"occurred_at", "recommendation_followed", "is_visible"})


def _single_text(column: str, value: Any) -> str:
    if isinstance(value, list | dict):
        refuse(column, value, f"{column} holds several values where one is needed; map another column")
    return as_text(value)


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    return (
        [as_text(item) for item in value if item is not None] if isinstance(value, list) else [as_text(value)]
    )


def _pick(columns: dict[str, str], cells: dict[str, Any]) -> dict[str, Any]:
    return {key: cells[column] for key, column in columns.items() if cells[column] is not None}


def _metric(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _is_given(value: Any) -> bool:
    """Return whether a cell is filled, true or above zero."""
    if isinstance(value, int | float):
        return value > 0
    return bool(value) and not (isinstance(value, str) and lookup_key(value) in FALSE_TEXTS)


def _interventions(rule: InterventionRule, cells: dict[str, Any]) -> list[dict[str, Any]]:
    if rule.column is not None:
        kinds = [snake_case(text) for text in _texts(cells[rule.column])]
    else:
        value = cells[rule.when] if rule.when else None
        kinds = [rule.kind] if rule.kind and _is_given(value) else []
    description = rule.description and PLACEHOLDER.sub(
        lambda found: "" if cells[found[1]] is None else as_text(cells[found[1]]), rule.description
    )
    minutes = cells[rule.minutes] if rule.minutes else None
    return [{"kind": kind, "description": description, "minutes": minutes} for kind in kinds if kind]
