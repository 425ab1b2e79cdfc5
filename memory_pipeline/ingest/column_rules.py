"""The part of the mapping language that says how cells are read, and what the values of a column mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from memory_pipeline.ingest.file_rules import Category, Columns, Locale, Strict
from memory_pipeline.ingest.time_texts import DEFAULT_FORMATS
from memory_pipeline.ingest.yaml_files import WrittenNumber

if TYPE_CHECKING:
    from collections.abc import Iterator


def _as_written(value: Any) -> Any:
    if isinstance(value, WrittenNumber) and value.is_changed:
        raise ValueError(
            f"{value.written} is a number, in which it is the same as {float(value)}; write it in quotes if "
            f"it is a text such as a version, and as {float(value)} if it is not"
        )
    return value


Scalar = Annotated[bool | int | float | str, BeforeValidator(_as_written)]
"""A text, a number or a truth value; a number that YAML would change, such as 1.10, is refused."""

Status = Literal["success", "failure", "partial"]
SKIP = "skip"
Skip = Literal["skip"]


class ColumnRule(Strict):
    """How the cells of one column are read, where that is not simply as they are."""

    read_as: (
        Literal["text", "number", "integer", "duration", "boolean", "list", "time", "code", "json"] | None
    ) = Field(default=None, alias="as")
    separator: str | None = Field(default=None, min_length=1)
    formats: Columns = DEFAULT_FORMATS
    locale: Locale | None = None
    unit: Literal["seconds", "minutes", "hours"] = "seconds"
    hex: bool = False
    missing: Columns = ()
    values: dict[Scalar, Scalar] = Field(default_factory=dict)
    default: Scalar | None = None
    pseudonymise: bool = False
    optional: bool = False
    otherwise: str | None = Field(default=None, alias="else")


class Effect(Strict):
    """What a value of a column says about the outcome."""

    outcome_status: Status | None = None
    application_type: str | None = None
    installer_type: str | None = None
    reason: Category | None = None
    intervention: Category | None = None
    approach: dict[str, Scalar] = Field(default_factory=dict)
    context: dict[str, Scalar] = Field(default_factory=dict)
    metrics: dict[str, int | float] = Field(default_factory=dict)


# The tags keep one wrong key from being reported once for each form that it could have had.
EFFECT_TAGS = ("effect", SKIP)
EffectOrSkip = Annotated[
    Annotated[Effect, Tag("effect")] | Annotated[Skip, Tag(SKIP)],
    Discriminator(lambda value: SKIP if value == SKIP else "effect"),
]


def _as_conditions(value: Any) -> Any:
    """Read one value as a list of one, and numbers with a point as they were written."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(one.written if isinstance(one, WrittenNumber) else one for one in values)


Conditions = Annotated[tuple[Scalar, ...], BeforeValidator(_as_conditions)]


class ValueMap(Strict):
    """Values of one column and their effects; `skip` leaves out a row that is not an attempt."""

    column: str
    values: dict[Scalar, EffectOrSkip]
    otherwise: EffectOrSkip | None = None
    missing: EffectOrSkip = Effect()
    when: dict[str, Conditions] = Field(default_factory=dict)
    unless: dict[str, Conditions] = Field(default_factory=dict)

    def effects(self) -> Iterator[Effect]:
        """Yield every effect that the map can have."""
        for effect in (*self.values.values(), self.otherwise, self.missing):
            if isinstance(effect, Effect):
                yield effect


class ReasonColumns(Strict):
    """Columns of the failure reason: its code, its short category and its detail."""

    code: str | None = None
    reason: str | None = None
    detail: str | None = None
    statuses: tuple[Status, ...] = ("failure", "partial")
