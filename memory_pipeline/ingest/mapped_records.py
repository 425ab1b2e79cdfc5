"""Translate a row of a source to a record in the project's own form, as a mapping says."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.cell_readers import (
    FALSE_TEXTS,
    as_text,
    lookup_key,
)
from memory_pipeline.ingest.commands import CommandTooLongError, parse_command
from memory_pipeline.ingest.errors import MappingError, RecordRefusedError
from memory_pipeline.ingest.field_rules import snake_case
from memory_pipeline.ingest.mapping import (
    PLACEHOLDER,
    MemberMapping,
    OutcomeMapping,
)
from memory_pipeline.ingest.mapping_translator import MappingTranslator, single_text
from memory_pipeline.ingest.outcome_rules import COMMAND_ACTION, HAS_READABLE_COMMAND
from memory_pipeline.ingest.reading_notes import take_out
from memory_pipeline.ingest.record_keys import OwnFormat
from memory_pipeline.ingest.value_rules import ValueRules

if TYPE_CHECKING:
    from memory_pipeline.ingest.commands import ParsedCommand
    from memory_pipeline.ingest.mapping import Mapping
    from memory_pipeline.ingest.outcome_rules import InterventionRule
    from memory_pipeline.ingest.record_keys import Translator


class OutcomeTranslator(MappingTranslator):
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
        own["performance_metrics"] = {key: metric_of(v) for key, v in _pick(mapping.metrics, cells).items()}
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
        parsed = _parsed(single_text(rule.column, cells[rule.column]))
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


class MemberTranslator(MappingTranslator):
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


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    return (
        [as_text(item) for item in value if item is not None] if isinstance(value, list) else [as_text(value)]
    )


def _pick(columns: dict[str, str], cells: dict[str, Any]) -> dict[str, Any]:
    return {key: cells[column] for key, column in columns.items() if cells[column] is not None}


def metric_of(value: Any) -> Any:
    """Return the number of a metric's cell; a truth value counts as 1 or 0."""
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
