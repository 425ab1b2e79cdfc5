"""Propose a mapping for a file of outcomes, with what was guessed and what could not be known."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.errors import IngestError, printable
from memory_pipeline.ingest.field_rules import snake_case
from memory_pipeline.ingest.guess.numbers import Numbers, find_numbers
from memory_pipeline.ingest.guess.proposal import Proposal, Said, Unknown
from memory_pipeline.ingest.guess.roles import ROLES, Roles, find_roles
from memory_pipeline.ingest.guess.sample import MOST_COLUMNS, MOST_ROWS, Sample, read_sample
from memory_pipeline.ingest.guess.states import CODES_OF_SUCCESS, MEANINGS, REASONS_OF_CODES, SAID
from memory_pipeline.ingest.guess.words import fold, language_of
from memory_pipeline.ingest.outcome_contract import OUTCOME_FIELDS, RESERVED_KEYS
from memory_pipeline.ingest.record_keys import names_of

if TYPE_CHECKING:
    from memory_pipeline.ingest.guess.values import Column

_FIELDS = (
    "application_name",
    "application_version",
    "application_vendor",
    "application_type",
    "installer_type",
    "occurred_at",
)
_SHOWN_WORDS = 10
_MANY_NAMES = 3
_MOST_REASONS = 40
_ZONE_FILES = "/usr/share/zoneinfo/"


def guess_mapping(path: str | Path, said: Said | None = None, *, file_format: str | None = None) -> Proposal:
    """Propose a mapping for a file of outcomes, from its header and its first records.

    Parameters
    ----------
    path
        CSV, JSON, JSON Lines, Parquet or XML.
    said
        What is known about it.
    file_format
        As for `ingest_file`.

    Raises
    ------
    IngestError
        When the file cannot be read, or `said` names a column or role that does not exist.
    """
    path, said = Path(path), said or Said()
    sample = read_sample(path, file_format)
    _check_said(said, sample)
    roles = find_roles(sample, said.roles, said.states, said.order)
    return _Builder(path, sample, roles, said).build()


def _check_said(said: Said, sample: Sample) -> None:
    for column, role in said.roles.items():
        if column not in sample.columns:
            raise IngestError(f"there is no column {column!r}; there are: {names_of(sample.columns)}")
        if role not in ROLES:
            raise IngestError(f"{role!r} is not a role of a column; roles are: {', '.join(ROLES)}")
    for word, meaning in said.states.items():
        if meaning not in MEANINGS:
            raise IngestError(f"{word}={meaning}: {meaning!r} is not one of {', '.join(MEANINGS)}")
    for name in said.constants:
        if name not in OUTCOME_FIELDS:
            raise IngestError(f"{name!r} is not an outcome field; name one, such as application_name")


class _Builder:
    def __init__(self, path: Path, sample: Sample, roles: Roles, said: Said) -> None:
        self.path, self.sample, self.roles, self.said = path, sample, roles, said
        self.comments: dict[tuple[str, ...], str] = {}
        self.unknown: list[Unknown] = []
        self.rules: dict[str, dict[str, Any]] = {}
        name = snake_case(fold(path.stem)) or "guessed"
        self.content: dict[str, Any] = {
            "name": name,
            "description": f"Guessed from {printable(path.name)}. Write here what a row and a success are.",
            "kind": "outcomes",
            "source": name,
        }

    def build(self) -> Proposal:
        """Return the proposal; its parts are made in the order of the YAML."""
        content = self.content
        if self.sample.place is not None:
            self._put(("records",), self.sample.place, "the longest list of objects in the file")
        self._add_time()
        numbers = self._add_numbers()
        self._add_identity()
        if self.said.constants:
            content["constants"] = dict(self.said.constants)
        self._add_fields()
        self._add_sections()
        self._add_states()
        self._add_rules(numbers)
        ignored = self.roles.columns("ignore")
        if ignored:
            content["ignore"] = ignored
            for name in ignored:
                self.comments["ignore", name] = self.roles.why[name]
        if not self.sample.is_table or len(self.sample.columns) >= MOST_COLUMNS:
            self._put(("unmapped",), "ignore", "keys that the first records do not have are not read")
        return Proposal(content, self.comments, self.unknown, self.roles)

    def _put(self, place: tuple[str, ...], value: Any, why: str) -> None:
        at = self.content
        for key in place[:-1]:
            at = at.setdefault(key, {})
        at[place[-1]] = value
        self.comments[place] = why

    def _rule(self, column: str, **keys: Any) -> None:
        self.rules.setdefault(column, {}).update(keys)

    def _ask(self, what: str, remedy: str, *, is_blocking: bool = True) -> None:
        self.unknown.append(Unknown(what, remedy, is_blocking))

    def _add_time(self) -> None:
        column, times = self.roles.column("occurred_at"), self.roles.times
        if column is None:
            if "occurred_at" not in self.said.constants:
                self._ask(
                    "no column holds times, and every attempt needs one",
                    "--role occurred_at=COLUMN, or --set occurred_at=2026-03-01T12:00:00+01:00 for all rows",
                )
            return
        if times is None:
            shown = ", ".join(map(repr, list(self.sample.columns[column].counts)[:3]))
            self._ask(
                f"the times of {column!r} are written in no form that was tried ({shown})",
                'write its form into `columns` of the mapping, such as formats: "%d.%m.%Y %H:%M"',
            )
            return
        if self._has_open_order(times):
            self._ask(
                f"whether the day or the month stands first in {column!r} ({times.example!r} may be both); "
                "no time is read until it is said",
                "--order day, or --order month",
            )
            self._rule(column, **{"as": "time"})
            return
        order = "" if times.order is None else f", the {times.order} first"
        sure = "" if times.is_order_certain else " (no value shows it; it is usual in this form or language)"
        self._rule(column, **{"as": "time"}, formats=_one_or_list(times.formats))
        self.comments["columns", column] = f"how its values are written{order}{sure}"
        if not times.has_zone:
            zone, why = (self.said.timezone, SAID) if self.said.timezone else _local_zone()
            self._put(("timezone",), zone, f"times come without a zone; {why}")

    def _has_open_order(self, times: Any) -> bool:
        if times.is_order_certain or any("." in form for form in times.formats):
            return False
        return language_of(list(self.sample.columns)) is None

    def _number_columns(self) -> list[str]:
        """Return the columns that are read as numbers or durations."""
        columns = self.sample.columns
        names = [*self.roles.columns("duration"), *self.roles.columns("metrics")]
        names += [
            name
            for role in ("context", "approach")
            for name in self.roles.columns(role)
            if columns[name].is_number and name not in self.roles.pseudonymised
        ]
        return names

    def _add_numbers(self) -> Numbers:
        numbers = find_numbers(self.sample, self._number_columns(), self.said.locale)
        if numbers.locale is not None:
            self._put(("locale",), numbers.locale, numbers.why)
        for name in numbers.contradicting:
            self._ask(
                f"{name!r} has decimal commas and decimal points; each is read as what it can only be, and "
                "such as 1,234 by the locale",
                "write them in one way",
                is_blocking=False,
            )
        if numbers.unclear is not None:
            name, text = numbers.unclear
            self._ask(
                f"whether {text!r} in {name!r} has decimals or thousands; a comma is read as thousands, a "
                "point as decimals",
                "--locale de_DE, or --locale en_US",
                is_blocking=False,
            )
        return numbers

    def _add_identity(self) -> None:
        column = self.roles.column("record_id")
        if column is not None:
            self._put(("record_id",), column, "filled in every row, and each value once")
            return
        self._ask(
            "no column numbers the attempts; a row that is corrected later will count as a new one",
            "--role record_id=COLUMN, or `record_id` with several columns in the mapping",
            is_blocking=False,
        )

    def _add_fields(self) -> None:
        for role in _FIELDS:
            column = self.roles.column(role)
            if column is not None:
                self._put(("renames", role), column, self.roles.why[column])
        has_name = (
            "application_name" in self.content.get("renames", {}) or "application_name" in self.said.constants
        )
        if not has_name and self.roles.column("command") is None:
            perhaps = [
                name
                for name in self.roles.columns("context")
                if not self.sample.columns[name].is_number
                and self.sample.columns[name].distinct > _MANY_NAMES
            ]
            self._ask(
                "no column names the application" + (f"; it may be {names_of(perhaps)}" if perhaps else ""),
                "--role application_name=COLUMN, or --set application_name=NAME for all rows",
            )

    def _add_sections(self) -> None:
        used: set[str] = set()
        for role in ("approach", "context", "metrics"):
            for name in self.roles.columns(role):
                key = _free_key(name, used, takes_any=role == "metrics")
                self._put((role, key), name, self.roles.why[name])
        duration = self.roles.column("duration")
        if duration is not None:
            cells = self.sample.columns[duration]
            unit = cells.unit or ("seconds" if cells.is_duration else None)
            key = _free_key("duration" + (f"_{unit}" if unit else ""), used, takes_any=True)
            self._put(("metrics", key), duration, f"unit: {unit}" if unit else "its unit is not known")
        for role in ("code", "detail"):
            column = self.roles.column(role)
            if column is not None:
                self._put(("reasons", role), column, self.roles.why[column])
        detail = self.roles.column("detail")
        if detail is not None and self.sample.columns[detail].distinct <= _MOST_REASONS:
            self._put(
                ("reasons", "reason"), detail, "few different texts, so each is taken as a kind of failure"
            )
        command = self.roles.column("command")
        if command is not None:
            self._put(("from_command",), {"column": command}, "settings are read from the command lines")
        if command is None and not self.roles.columns("approach"):
            self._ask(
                "no column was taken for a setting that somebody chose (a switch, a method, a transform); "
                "only such can be advised",
                "--role approach=COLUMN, once for each",
                is_blocking=False,
            )

    def _add_states(self) -> None:
        states = self.roles.states
        if states is None:
            if "outcome_status" not in self.said.constants:
                self._ask(
                    "no column shows whether an attempt succeeded",
                    "--role outcome_status=COLUMN, and --status WORD=success (or failure, partial, skip) for "
                    "each word",
                )
            return
        if states.is_code:
            table: dict[Any, Any] = {}
            for code in CODES_OF_SUCCESS:
                table[code] = {"outcome_status": "success"}
            failure = {"outcome_status": "failure", "reason": "other_exit_code"}
            table |= {code: {**failure, "reason": reason} for code, reason in REASONS_OF_CODES.items()}
            self.content["value_maps"] = [{"column": states.column, "values": table, "otherwise": failure}]
            self.comments["value_maps", states.column] = (
                "0, 3010 and 1641 are success, every other code a failure"
            )
            return
        values = {
            value: "skip" if meaning == "skip" else {"outcome_status": meaning}
            for value, meaning in states.meanings.items()
        }
        self.content["value_maps"] = [{"column": states.column, "values": values}]
        self._add_reasons(values)
        for value in values:
            is_said = value in self.said.states
            self.comments["value_maps", states.column, value] = SAID if is_said else "a word for it"
        for word, count in states.unknown.most_common(_SHOWN_WORDS):
            self._ask(
                f"what {word!r} in {states.column!r} means ({count:,} rows); they are refused until it is "
                "said",
                f"--status {_shell(word)}=success (or failure, partial, skip)",
            )
        more = len(states.unknown) - _SHOWN_WORDS
        if more > 0:
            self._ask(
                f"what {more:,} more values of {states.column!r} mean", "look whether it is the right column"
            )
        empty = len(self.sample.records) - self.sample.columns[states.column].filled
        if empty:
            among = "" if len(self.sample.records) < MOST_ROWS else f" of the first {MOST_ROWS:,}"
            self._ask(
                f"what came of {empty:,} rows{among} in which {states.column!r} is empty; they are refused",
                "`missing: skip` in the value map, if they are not attempts",
                is_blocking=False,
            )

    def _add_reasons(self, values: dict[str, Any]) -> None:
        """Add why an attempt failed by its exit code, where no column says it.

        A failure without a reason would lose its code and its detail.
        """
        if "reason" in self.content.get("reasons", {}):
            return
        code = self.roles.column("code")
        if code is None:
            for effect in values.values():
                if effect != "skip" and effect["outcome_status"] == "failure":
                    effect["reason"] = "unspecified"
            return
        table: dict[str, Any] = {one: {} for one in CODES_OF_SUCCESS}
        table |= {one: {"reason": reason} for one, reason in REASONS_OF_CODES.items()}
        otherwise = {"reason": "other_exit_code"}
        self.content["value_maps"].append({"column": code, "values": table, "otherwise": otherwise})
        self.comments["value_maps", code] = "exit codes of Windows Installer"

    def _add_rules(self, numbers: Numbers) -> None:
        columns = self.sample.columns
        for name in self._number_columns():
            self._rule(name, **_number_rule(columns[name], is_duration=name == self.roles.column("duration")))
            if name in numbers.of_column:
                self._rule(name, locale=numbers.of_column[name])
        code = self.roles.column("code")
        if code is not None:
            self._rule(code, **{"as": "code"})
        for name in self.roles.pseudonymised & {*self.roles.columns("context")}:
            self._rule(name, pseudonymise=True)
        for name, role in self.roles.of.items():
            if role == "ignore":
                continue
            if columns[name].missing:
                self._rule(name, missing=_one_or_list(sorted(columns[name].missing)))
            is_spread = not self.sample.is_table and columns[name].filled < columns[name].rows
            if is_spread and role not in {"application_name", "occurred_at", "outcome_status"}:
                self._rule(name, optional=True)
        if self.rules:
            self.content["columns"] = {name: self.rules[name] for name in columns if name in self.rules}


def _number_rule(column: Column, *, is_duration: bool) -> dict[str, Any]:
    if column.is_duration or (is_duration and column.unit is not None):
        return {"as": "duration", "unit": column.unit or "seconds"}
    return {"as": "number"}


def _free_key(name: str, used: set[str], *, takes_any: bool = False) -> str:
    """Return a key for a column that no other key and no outcome field has."""
    base = snake_case(fold(name)) or "column"
    key = base if takes_any or base not in RESERVED_KEYS else f"{base}_of_source"
    number = 2
    while key in used:
        key, number = f"{base}_{number}", number + 1
    used.add(key)
    return key


def _one_or_list(values: Any) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _shell(word: str) -> str:
    return word if word.isalnum() else f"'{word}'"


def _local_zone() -> tuple[str, str]:
    """Return the zone of this computer, and how it is known."""
    named = os.environ.get("TZ", "")
    if "/" in named and not named.startswith(("/", ":")):
        return named, "that of this computer was taken"
    target = os.path.realpath("/etc/localtime")
    if target.startswith(_ZONE_FILES):
        zone = target.removeprefix(_ZONE_FILES).removeprefix("posix/").removeprefix("Etc/")
        return zone, "that of this computer was taken"
    return "UTC", "UTC was taken, since this computer names no other"
