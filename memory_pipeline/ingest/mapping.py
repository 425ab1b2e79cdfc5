"""The mapping language: which columns of a source become which fields of outcomes or members.

A mapping is one YAML file, checked here as a whole before any row is read. `docs/mappings.md` is its
reference; `mapped_records` applies it to rows.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, ValidationError, model_validator

from memory_pipeline.ingest.column_rules import (
    EFFECT_TAGS,
    ColumnRule,
    Effect,
    ReasonColumns,
    Scalar,
    ValueMap,
)
from memory_pipeline.ingest.csv_layout import CsvForm
from memory_pipeline.ingest.errors import MappingError, printable
from memory_pipeline.ingest.file_rules import (
    FOLDER,
    Category,
    Columns,
    FileName,
    Locale,
    LogRule,
    LookupRule,
    Patterns,
    RecordsRule,
    RecordsRules,
    Renames,
    Strict,
)
from memory_pipeline.ingest.log_files import group_names
from memory_pipeline.ingest.member_contract import MEMBER_FIELDS
from memory_pipeline.ingest.outcome_contract import (
    NAME_FIELDS,
    OUTCOME_FIELDS,
    REQUIRED_FIELDS,
    RESERVED_KEYS,
)
from memory_pipeline.ingest.outcome_rules import (
    COMMAND_ACTION,
    HAS_READABLE_COMMAND,
    CommandColumn,
    FeedbackColumns,
    InterventionRule,
)
from memory_pipeline.ingest.yaml_files import read_yaml
from memory_pipeline.settings import contracts_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
"""A column named in the text of an intervention's description."""

_TEXT_FIELDS = (
    "application_name",
    "occurred_at",
    "outcome_status",
    "recommendation_followed",
    *NAME_FIELDS,
)


class _Mapping(Strict):
    name: Category
    description: str = Field(min_length=1)
    source: str | None = Field(default=None, min_length=1, max_length=300)
    timezone: str | None = None
    locale: Locale | None = None
    csv: CsvForm = CsvForm()
    record_id: Columns = ()
    constants: dict[str, Scalar] = Field(default_factory=dict)
    renames: dict[str, str] = Field(default_factory=dict)
    columns: dict[str, ColumnRule] = Field(default_factory=dict)
    ignore: Columns = ()
    records: RecordsRules = ()
    log: LogRule | None = None
    file_name: FileName | None = None
    lookups: dict[str, LookupRule] = Field(default_factory=dict)
    join: dict[str, Columns] = Field(default_factory=dict)
    extract: dict[str, Patterns] = Field(default_factory=dict)

    def columns_by_place(self) -> Iterator[tuple[str, str]]:
        """Yield each place of the mapping that reads a column, as (place, column)."""
        for number, column in enumerate(self.record_id, start=1):
            yield f"record_id[{number}]", column
        for field, column in self.renames.items():
            yield f"renames.{field}", column
        for filled, columns in self.join.items():
            for column in columns:
                yield f"join.{filled}", column
        for column in self.extract:
            yield f"extract.{column}", column
        for column, rule in self.columns.items():
            if rule.otherwise is not None:
                yield f"columns.{column}.else", rule.otherwise

    @property
    def columns_read(self) -> tuple[str, ...]:
        """The columns that the mapping reads, each once, in order of first use."""
        return tuple(dict.fromkeys(column for _, column in self.columns_by_place()))

    @property
    def derived_columns(self) -> tuple[str, ...]:
        """The columns that are filled from others of a record."""
        caught = (name for patterns in self.extract.values() for one in patterns for name in group_names(one))
        return tuple(dict.fromkeys((*self.join, *caught)))

    @property
    def columns_of_name(self) -> tuple[str, ...]:
        """The columns that are filled from the name of the file."""
        return () if self.file_name is None else group_names(self.file_name)

    def rule(self, column: str) -> ColumnRule:
        """Return the reading rule of a column; the default one where the mapping has none."""
        rule = self.columns.get(column) or ColumnRule()
        if self.locale is not None and rule.locale is None:
            return rule.model_copy(update={"locale": self.locale})
        return rule

    @model_validator(mode="after")
    def _columns_are_used(self) -> Self:
        for place, column in self.columns_by_place():
            if column in self.ignore:
                raise ValueError(
                    f"{place} reads the column {column!r}, which `ignore` names; remove it from one"
                )
            if self.rule(column).otherwise == column:
                raise ValueError(f"columns.{column}.else is the column itself; name another")
        filled = {f"lookups.{name}": set(lookup.columns) for name, lookup in self.lookups.items()}
        filled |= {"file_name": set(self.columns_of_name), "join or extract": set(self.derived_columns)}
        for place, columns in filled.items():
            useless = columns - set(self.columns_read)
            if useless:
                raise ValueError(
                    f"{place} fills the column {min(useless)!r}, which nothing reads; use it, or remove it"
                )
        unused = self.columns.keys() - set(self.columns_read)
        if unused:
            raise ValueError(
                f"columns.{min(unused)} has a rule, but nothing reads it; use the column, or remove the rule"
            )
        twice = self.constants.keys() & self.renames.keys()
        if twice:
            raise ValueError(f"{min(twice)} is in constants and in renames; keep one of them")
        return self

    @model_validator(mode="after")
    def _timezone_exists(self) -> Self:
        if self.timezone is not None:
            try:
                ZoneInfo(self.timezone)
            except (KeyError, OSError, ValueError) as error:
                raise ValueError(
                    f"timezone {self.timezone!r} is unknown; write a name such as Europe/Zurich or UTC"
                ) from error
        return self


class OutcomeMapping(_Mapping):
    """How rows of a source become outcomes."""

    kind: Literal["outcomes"]
    approach: Renames = Field(default_factory=dict)
    context: Renames = Field(default_factory=dict)
    metrics: Renames = Field(default_factory=dict)
    success_factors: Columns = ()
    reasons: ReasonColumns = ReasonColumns()
    interventions: tuple[InterventionRule, ...] = ()
    feedback: FeedbackColumns = FeedbackColumns()
    from_command: CommandColumn | None = None
    value_maps: tuple[ValueMap, ...] = ()
    latest_wins: bool | None = None
    unmapped: Literal["error", "ignore", "context"] = "error"

    def columns_by_place(self) -> Iterator[tuple[str, str]]:
        """Yield each place of the mapping that reads a column, as (place, column)."""
        yield from super().columns_by_place()
        for section in ("approach", "context", "metrics"):
            for key, column in getattr(self, section).items():
                yield f"{section}.{key}", column
        for number, column in enumerate(self.success_factors, start=1):
            yield f"success_factors[{number}]", column
        singles: list[tuple[str, str | None]] = [
            *((f"reasons.{key}", getattr(self.reasons, key)) for key in ("code", "reason", "detail")),
            *((f"feedback.{key}", getattr(self.feedback, key)) for key in ("rating", "comment")),
            *((f"value_maps[{n}].column", one.column) for n, one in enumerate(self.value_maps, start=1)),
            *(
                (f"value_maps[{n}].{key}", column)
                for n, one in enumerate(self.value_maps, start=1)
                for key in ("when", "unless")
                for column in getattr(one, key)
            ),
        ]
        if self.from_command is not None:
            singles.append(("from_command.column", self.from_command.column))
        for number, rule in enumerate(self.interventions, start=1):
            place = f"interventions[{number}]"
            singles += [(f"{place}.{key}", getattr(rule, key)) for key in ("when", "column", "minutes")]
            singles += [
                (f"{place}.description", name) for name in PLACEHOLDER.findall(rule.description or "")
            ]
        yield from ((place, column) for place, column in singles if column is not None)

    @model_validator(mode="after")
    def _fields_are_known(self) -> Self:
        for section in ("constants", "renames"):
            for field in getattr(self, section):
                if field not in _TEXT_FIELDS:
                    known = ", ".join(sorted(_TEXT_FIELDS))
                    raise ValueError(f"{section}.{field} is not allowed; use one of {known}")
        given = self.constants.keys() | self.renames.keys()
        if any(effect.outcome_status for one in self.value_maps for effect in one.effects()):
            given |= {"outcome_status"}
        if self.from_command is not None:
            given |= {"application_name"}
        for field in REQUIRED_FIELDS:
            if field not in given and field != "approach_details":
                raise ValueError(f"the required field {field} is missing; add it to renames or constants")
        return self

    @model_validator(mode="after")
    def _keys_are_free(self) -> Self:
        if self.latest_wins and not self.record_id:
            raise ValueError("latest_wins needs a record_id, by which rows are known to be of one attempt")
        effects = [effect for one in self.value_maps for effect in one.effects()]
        approach = {*self.approach, *(key for effect in effects for key in effect.approach)}
        context = {*self.context, *(key for effect in effects for key in effect.context)}
        if self.from_command is not None:
            approach |= set(self.from_command.settings)
            context |= {HAS_READABLE_COMMAND, COMMAND_ACTION}
        for section, keys in (("approach", approach), ("context", context)):
            taken = keys & RESERVED_KEYS
            if taken:
                raise ValueError(f"{section}.{min(taken)} is the name of an outcome field; rename the key")
        if approach & context:
            raise ValueError(f"{min(approach & context)} is in approach and in context; keep one of them")
        return self


class MemberMapping(_Mapping):
    """How rows of a community's export become members."""

    kind: Literal["members"]
    sets: Renames = Field(default_factory=dict)
    attributes: Renames = Field(default_factory=dict)
    unmapped: Literal["error", "ignore", "attributes"] = "error"

    def columns_by_place(self) -> Iterator[tuple[str, str]]:
        """Yield each place of the mapping that reads a column, as (place, column)."""
        yield from super().columns_by_place()
        for section in ("sets", "attributes"):
            for key, column in getattr(self, section).items():
                yield f"{section}.{key}", column

    @model_validator(mode="after")
    def _fields_are_known(self) -> Self:
        known = {"name", "profile_text", "is_visible"}
        for section in ("constants", "renames"):
            for field in getattr(self, section).keys() - known:
                hint = "sets" if field in MEMBER_FIELDS else ", ".join(sorted(known))
                raise ValueError(f"{section}.{field} is not allowed; use {hint}")
        return self


Mapping = OutcomeMapping | MemberMapping
OWN_FORMAT = "own_format"
"""Name of the form that needs no mapping."""

OWN_FIELDS = {"outcomes": OUTCOME_FIELDS, "members": MEMBER_FIELDS}


def available_mappings() -> dict[str, Path]:
    """Return the files of the shipped mappings by name."""
    return {path.stem: path for path in sorted((contracts_folder() / "mappings").glob("*.yaml"))}


def load_mapping(name: str | Path) -> Mapping:
    """Load a mapping by its name, or from a file.

    Raises
    ------
    MappingError
        When there is no such mapping, or it breaks the rules; the message names the key, the value and the
        remedy.
    """
    shipped = available_mappings()
    path = shipped.get(str(name)) or Path(name)
    if not path.is_file():
        known = ", ".join(shipped) or "none"
        raise MappingError(
            f"there is no mapping {str(name)!r}; give the path of a YAML file, or one of these names: {known}"
        )
    content = read_yaml(path)
    kinds: dict[Any, type[Mapping]] = {"outcomes": OutcomeMapping, "members": MemberMapping}
    if not isinstance(content, dict) or content.get("kind") not in kinds:
        raise MappingError(
            f"mapping {path}: the key `kind` is missing; write `kind: outcomes` or `kind: members`"
        )
    try:
        return kinds[content["kind"]].model_validate(content, context={FOLDER: path.parent})
    except ValidationError as error:
        raise MappingError(f"mapping {path}: " + "; ".join(_sentences(error))) from error


def _all_keys() -> set[str]:
    """Return every key of the mapping language."""
    parts = (OutcomeMapping, MemberMapping, ColumnRule, Effect, ValueMap, ReasonColumns, InterventionRule)
    files = (LogRule, RecordsRule, LookupRule)
    models: tuple[type[BaseModel], ...] = (*parts, FeedbackColumns, CommandColumn, *files)
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def _sentences(error: ValidationError) -> Iterator[str]:
    for one in error.errors():
        place = ".".join(str(part) for part in one["loc"] if part not in EFFECT_TAGS) or "the whole"
        what = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            near = get_close_matches(str(one["loc"][-1]), _all_keys(), 1)
            what += f"; did you mean `{near[0]}`?" if near else ""
        value = "" if one["type"] in {"value_error", "missing"} else f" (found {printable(one['input'])})"
        yield f"key `{place}`: {what}{value}"
