"""The part of the mapping language that says how a file is read: where its records are."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from memory_pipeline.ingest.log_files import CMTRACE_LINE, LogForm, group_names
from memory_pipeline.ingest.number_texts import decimal_mark_of
from memory_pipeline.ingest.record_paths import RecordPlace, parse_path


class Strict(BaseModel):
    """Base of the parts of a mapping: a key that it does not have is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


Category = Annotated[str, Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", max_length=300)]
Columns = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]


def _known_locale(value: str) -> str:
    decimal_mark_of(value)
    return value


Locale = Annotated[str, AfterValidator(_known_locale)]
"""How numbers are written, such as `de_DE`."""


class RecordsRule(Strict):
    """Where a file of nested data has its records, and the names of their columns if they are arrays."""

    path: str
    columns: str | None = None

    @model_validator(mode="after")
    def _are_paths(self) -> Self:
        parse_path(self.path)
        if self.columns is not None:
            parse_path(self.columns)
        return self

    def place(self) -> RecordPlace:
        """Return the parsed paths."""
        return RecordPlace(parse_path(self.path), parse_path(self.columns) if self.columns else None)


def _as_records(value: Any) -> Any:
    """Read one path as a list of one, and a text as its path."""
    rules = value if isinstance(value, list | tuple) else [value]
    return tuple({"path": one} if isinstance(one, str) else one for one in rules)


RecordsRules = Annotated[tuple[RecordsRule, ...], BeforeValidator(_as_records)]


def _as_renames(value: Any) -> Any:
    """Read a list of columns as columns that keep their name."""
    if isinstance(value, str):
        return {value: value}
    return {column: column for column in value} if isinstance(value, list) else value


Renames = Annotated[dict[str, str], BeforeValidator(_as_renames)]
FOLDER = "folder"
"""Key of the validation's context: the folder of the mapping, from which its files are named."""


class LookupRule(Strict):
    """A second file that is joined by a key: `columns` of the records are filled from columns of it."""

    by: str
    key: str | None = None
    columns: Renames = Field(min_length=1)
    file: str | None = None
    records: RecordsRules = ()
    optional: bool = False

    @field_validator("file")
    @classmethod
    def _is_beside_the_mapping(cls, value: str | None, info: ValidationInfo) -> str | None:
        folder = (info.context or {}).get(FOLDER)
        return value if value is None or folder is None else str(folder / value)

    @model_validator(mode="after")
    def _does_not_fill_its_key(self) -> Self:
        if self.by in self.columns:
            raise ValueError(f"columns: {self.by!r} is the column that is looked up; fill another")
        return self


def _has_groups(value: str) -> str:
    if not group_names(value):
        raise ValueError(f"{value!r} has no named group; write (?P<column>…) around what a column takes")
    return value


Patterns = Annotated[
    tuple[Annotated[str, AfterValidator(_has_groups)], ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
]
"""Patterns (RE2) of a text, whose named groups are columns; the first that fits counts."""

FileName = Annotated[str, AfterValidator(_has_groups)]
"""Pattern (RE2) of the name of a file, whose named groups are columns."""


class LogRule(Strict):
    """How the lines of a log become records; see `LogForm`."""

    line: str | None = None
    start: str | None = None
    end: str
    also: Annotated[
        tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)
    ] = Field(default=())
    by: str | None = None
    has_bias: bool = False

    @model_validator(mode="after")
    def _are_patterns(self) -> Self:
        names = group_names(self.line or CMTRACE_LINE)
        for pattern in (self.start, self.end, *self.also):
            if pattern is not None:
                group_names(pattern)
        if self.by is not None and self.by not in names:
            raise ValueError(f"by: {self.by!r} is not a group of `line`; its groups are {', '.join(names)}")
        return self

    def form(self) -> LogForm:
        """Return what the reader needs."""
        return LogForm(self.line, self.start, self.end, self.also, self.by, self.has_bias)
