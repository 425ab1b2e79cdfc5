"""The data contracts as they stand in `data_contracts/*.json`: read, and their shape checked.

What belongs here: what a contract file may say. Evaluating it is in `contracts.evaluate`, showing it in
Dagster in `pipeline.asset_checks`. Nothing here imports Great Expectations, so that definitions load quickly.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memory_pipeline.settings import contracts_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SOURCES = ("table", "frame")
SEVERITIES = ("critical", "warning")
PARAMETERS = ("min_sample_size", "min_units", "confidence_threshold", "max_patterns", "tomorrow")
"""Names that an expectation may use as `{"$PARAMETER": name}`; all but `tomorrow` are settings."""

_KEYS = {"name", "description", "columns", "expectations"}
_EXPECTATION_KEYS = {"type", "kwargs", "severity", "description", "meta"}
_META_KEYS = {"id", "show_examples"}


class ContractError(ValueError):
    """A contract file does not have the shape of a contract."""


@dataclass(frozen=True)
class Expectation:
    """One rule of a contract.

    Parameters
    ----------
    id
        Unique within the contract; the name of the Dagster asset check.
    type, kwargs
        What Great Expectations calls them.
    severity
        `critical`: a violation stops everything downstream. `warning`: it is shown.
    description
        The sentence that says why the rule is there.
    show_examples
        Whether values that break the rule may be shown: not for free text or what names a person.
    """

    id: str
    type: str
    kwargs: Mapping[str, Any]
    severity: str
    description: str
    show_examples: bool = False

    @property
    def is_critical(self) -> bool:
        """Whether a violation blocks what is downstream."""
        return self.severity == "critical"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the expectation reads, its row condition included."""
        single = [self.kwargs[key] for key in ("column", "column_A", "column_B") if key in self.kwargs]
        named = [*single, *self.kwargs.get("column_list", ()), *self.kwargs.get("column_set", ())]
        return tuple(dict.fromkeys([*named, *_condition_columns(self.kwargs.get("row_condition", {}))]))

    def to_spec(self) -> dict[str, Any]:
        """Return the expectation as Great Expectations reads it."""
        return {
            "type": self.type,
            "kwargs": dict(self.kwargs),
            "severity": self.severity,
            "meta": {"id": self.id},
        }


@dataclass(frozen=True)
class Contract:
    """What one table or frame promises to its readers.

    Parameters
    ----------
    name
        Name of the Dagster asset whose data it is about, and of the file.
    table, frame
        Where the data is, one of the two: name of the stored table, or of the Parquet frame.
    description
        One or two sentences about the data.
    columns
        What each column means. A frame may have more columns than the ones named.
    derived
        Further columns for expectations only: name and SQL expression over the table's columns.
    expectations
        The rules.
    """

    name: str
    description: str
    columns: Mapping[str, str]
    expectations: tuple[Expectation, ...]
    table: str | None = None
    frame: str | None = None
    derived: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns_read(self) -> tuple[str, ...]:
        """Columns that the expectations need, derived ones included."""
        return tuple(dict.fromkeys(column for one in self.expectations for column in one.columns))


def load_contract(name: str) -> Contract:
    """Read the contract of an asset by its name."""
    return read_contract(contracts_folder() / f"{name}.json")


def load_contracts() -> tuple[Contract, ...]:
    """Read all contracts that the project ships, by name."""
    return tuple(read_contract(file) for file in sorted(contracts_folder().glob("*.json")))


def read_contract(file: Path) -> Contract:
    """Read one contract file.

    Raises
    ------
    ContractError
        When the file is not JSON or not a contract; the message names file, place, value and remedy.
    """
    place = _Place(file.name)
    values = _parse(file, place)
    place.check_keys(values, _KEYS | {*SOURCES, "derived"}, needed=_KEYS)
    if values["name"] != file.stem:
        place.at("name").refuse("does not match the file", values["name"], f"write {file.stem!r}")
    place.check_text(values, "description")
    place.at("columns").check_texts(values["columns"])
    place.at("derived").check_texts(values.get("derived", {}))
    _check_source(values, place)
    return Contract(
        name=values["name"],
        table=values.get("table"),
        frame=values.get("frame"),
        description=values["description"],
        columns=values["columns"],
        derived=values.get("derived", {}),
        expectations=_read_expectations(values["expectations"], place.at("expectations")),
    )


def _parse(file: Path, place: _Place) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ContractError(f"{file} cannot be read as JSON ({error}); mend the file") from error
    if not isinstance(values, dict):
        place.refuse("is not an object", values, f"write an object with {sorted(_KEYS)}")
    return dict(values)


def _check_source(values: dict[str, Any], place: _Place) -> None:
    sources = [key for key in SOURCES if key in values]
    if len(sources) != 1:
        place.refuse("says not exactly once where the data is", sources, f"name one of {list(SOURCES)}")
    place.check_text(values, sources[0])
    if values.get("derived") and "table" not in values:
        remedy = "derive columns of frames where they are written"
        place.at("derived").refuse("needs a table", values["derived"], remedy)


def _read_expectations(values: Any, place: _Place) -> tuple[Expectation, ...]:
    if not isinstance(values, list) or not values:
        place.refuse("has no rule", values, "write at least one")
    read = tuple(_read_expectation(one, place.item(number)) for number, one in enumerate(values))
    ids = [one.id for one in read]
    repeated = sorted({one for one in ids if ids.count(one) > 1})
    if repeated:
        place.refuse("uses an id twice", repeated, "give each rule an id of its own")
    return read


def _read_expectation(values: Any, place: _Place) -> Expectation:
    if not isinstance(values, dict):
        place.refuse("is not an object", values, f"write an object with {sorted(_EXPECTATION_KEYS)}")
    place.check_keys(values, _EXPECTATION_KEYS, needed=_EXPECTATION_KEYS)
    kind, kwargs, meta = values["type"], values["kwargs"], values["meta"]
    if not isinstance(kind, str) or not re.fullmatch(r"expect_[a-z_]+", kind):
        place.at("type").refuse(
            "is not an expectation", kind, "use a type such as expect_column_values_to_be_unique"
        )
    if not isinstance(kwargs, dict):
        place.at("kwargs").refuse("is not an object", kwargs, "write the expectation's arguments by name")
    _check_kwargs(kwargs, place.at("kwargs"))
    if values["severity"] not in SEVERITIES:
        place.at("severity").refuse("is unknown", values["severity"], f"use one of {list(SEVERITIES)}")
    place.check_text(values, "description")
    if not values["description"].endswith("."):
        place.at("description").refuse(
            "is not a sentence", values["description"], "say why the rule is there, and end with a full stop"
        )
    if not isinstance(meta, dict):
        place.at("meta").refuse("is not an object", meta, 'write {"id": "a_name"}')
    place.at("meta").check_keys(meta, _META_KEYS, needed={"id"})
    if not isinstance(meta["id"], str) or not re.fullmatch(r"[a-z][a-z0-9_]*", meta["id"]):
        place.at("meta.id").refuse("is not a name", meta["id"], "use small letters, digits and _")
    if not isinstance(meta.get("show_examples", False), bool):
        place.at("meta.show_examples").refuse(
            "is not a truth value", meta["show_examples"], "use true or false"
        )
    return Expectation(
        id=meta["id"],
        type=kind,
        kwargs=kwargs,
        severity=values["severity"],
        description=values["description"],
        show_examples=meta.get("show_examples", False),
    )


def _check_kwargs(kwargs: dict[str, Any], place: _Place) -> None:
    for key, value in kwargs.items():
        is_bound = isinstance(value, dict) and key != "row_condition"
        if is_bound and value.get("$PARAMETER") not in PARAMETERS:
            place.at(key).refuse("names no known parameter", value, f"use one of {list(PARAMETERS)}")
    condition = kwargs.get("row_condition")
    if condition is not None and not _condition_columns(condition):
        place.at("row_condition").refuse(
            "names no column", condition, 'write {"type": "comparison", "column": {"name": ...}, ...}'
        )


def _condition_columns(condition: Any) -> list[str]:
    """Name the columns of a row condition; conditions can be nested with `and` and `or`."""
    if isinstance(condition, list):
        return [name for one in condition for name in _condition_columns(one)]
    if not isinstance(condition, dict):
        return []
    own = condition.get("column", {})
    nested = [name for key, one in condition.items() if key != "column" for name in _condition_columns(one)]
    return [own["name"], *nested] if isinstance(own, dict) and "name" in own else nested


@dataclass(frozen=True)
class _Place:
    """Where in a contract file something stands, for messages."""

    path: str

    def at(self, key: str) -> _Place:
        separator = ": " if self.path.endswith(".json") else "."
        return _Place(f"{self.path}{separator}{key}")

    def item(self, number: int) -> _Place:
        return _Place(f"{self.path}[{number}]")

    def refuse(self, problem: str, value: Any, remedy: str) -> None:
        raise ContractError(f"{self.path} {problem}: {str(value)[:200]!r}; {remedy}")

    def check_keys(self, values: dict[str, Any], allowed: set[str], *, needed: set[str]) -> None:
        absent, unknown = sorted(needed - set(values)), sorted(set(values) - allowed)
        if absent:
            self.refuse("lacks", absent, "add it")
        if unknown:
            self.refuse("has unknown keys", unknown, f"use only {sorted(allowed)}")

    def check_texts(self, section: Any) -> None:
        if not isinstance(section, dict):
            self.refuse("is not an object", section, "write column names with texts")
        for key in section:
            self.check_text(section, key)

    def check_text(self, values: dict[str, Any], key: str) -> None:
        if not isinstance(values[key], str) or not values[key].strip():
            self.at(key).refuse("is not a text", values[key], "write a sentence")
