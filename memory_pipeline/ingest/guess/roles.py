"""Decide what each column of a file is: application, time, status, a setting, or what was known before."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.cell_readers import as_text
from memory_pipeline.ingest.commands import CommandTooLongError, parse_command
from memory_pipeline.ingest.guess.states import SAID, States, find_states
from memory_pipeline.ingest.guess.values import Column, TimeForms, find_time_forms
from memory_pipeline.ingest.guess.words import header_score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memory_pipeline.ingest.guess.sample import Sample

SINGLE_ROLES = (
    "outcome_status",
    "occurred_at",
    "application_name",
    "application_version",
    "application_vendor",
    "application_type",
    "installer_type",
    "record_id",
    "command",
    "code",
    "duration",
    "detail",
)
"""Roles that one column has."""
SHARED_ROLES = ("approach", "context", "metrics", "ignore")
"""Roles that several columns have."""
ROLES = (*SINGLE_ROLES, *SHARED_ROLES)

_A_WORD = 2.0
_FEW = 60
_COMMANDS_TRIED = 50
_CLEARLY_MORE = 0.8
_MOST_VALUES_OF_A_SIGN = 12
_LEAST_ROWS = 20
_PEOPLE = ("person", "device")


@dataclass
class Roles:
    """What the columns of a file are.

    Parameters
    ----------
    of
        Role of each column; all of `ROLES`.
    why
        For each column, what its role was concluded from.
    pseudonymised
        Columns that name people or devices.
    times
        How the times are written; None where there is no such column.
    states
        What the values of the status mean; None where no column shows what came of an attempt.
    """

    of: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    pseudonymised: set[str] = field(default_factory=set)
    times: TimeForms | None = None
    states: States | None = None

    def column(self, role: str) -> str | None:
        """Return the first column of a role; None where there is none."""
        return next((name for name, one in self.of.items() if one == role), None)

    def columns(self, role: str) -> list[str]:
        """Return the columns of a role, in the order of the file."""
        return [name for name, one in self.of.items() if one == role]

    def set(self, column: str, role: str, why: str) -> None:
        """Set the role of a column."""
        self.of[column] = role
        self.why[column] = why


def find_roles(
    sample: Sample, chosen: dict[str, str], meanings: dict[str, str], order: str | None = None
) -> Roles:
    """Find the role of each column.

    Parameters
    ----------
    sample
        The file.
    chosen
        Roles by column, as far as somebody has said them.
    meanings
        What words of the status mean, likewise.
    order
        Whether `day` or `month` stands first in dates, likewise.
    """
    roles = Roles()
    for name, role in chosen.items():
        roles.set(name, role, SAID)
    for column in sample.columns.values():
        if not column.filled and column.name not in roles.of:
            roles.set(column.name, "ignore", "always empty")
    _find_single_roles(sample, roles, meanings, order)
    _complete(sample, roles, meanings, order)
    consequences = dict(_consequences(sample, roles))
    for column in sample.columns.values():
        if column.name not in roles.of:
            _set_shared_role(column, roles, consequences.get(column.name))
    roles.of = {name: roles.of[name] for name in sample.columns}
    return roles


def _find_single_roles(sample: Sample, roles: Roles, meanings: dict[str, str], order: str | None) -> None:
    """Assign single roles to the columns whose headers fit them best, where their values fit too."""
    scored = [
        (
            header_score(column.name, role) + _by_values(column, role, meanings),
            -SINGLE_ROLES.index(role),
            column,
        )
        for column in sample.columns.values()
        if column.name not in roles.of
        for role in SINGLE_ROLES
    ]
    for score, rank, column in sorted(scored, key=lambda one: one[:2], reverse=True):
        role = SINGLE_ROLES[-rank]
        if score < 1 or column.name in roles.of or roles.column(role) is not None:
            continue
        others = max(header_score(column.name, other) for other in ("approach", "after", *_PEOPLE))
        if others <= score and _fits(column, role, meanings, order):
            roles.set(column.name, role, "its name" if header_score(column.name, role) >= 1 else "its values")


def _by_values(column: Column, role: str, meanings: dict[str, str]) -> float:
    """Return what the values add to the header: words for success and failure are a status by themselves."""
    if role != "outcome_status" or column.distinct > _FEW:
        return 0.0
    states = find_states(column, meanings)
    return 2.0 * states.known_share * (1.0 if states.has_both else 0.25)


def _fits(column: Column, role: str, meanings: dict[str, str], order: str | None) -> bool:
    """Return whether a column's values can be those of a role."""
    header = header_score(column.name, role)
    is_name = not (column.is_number or column.list_cells)
    tests: dict[str, Callable[[], bool]] = {
        "occurred_at": lambda: (
            find_time_forms(column, may_be_number=header >= _A_WORD, order=order) is not None
        ),
        "outcome_status": lambda: column.distinct <= _FEW and find_states(column, meanings).is_usable(header),
        "record_id": lambda: header >= _A_WORD and column.filled == column.rows == column.distinct,
        "command": lambda: _holds_commands(column),
        "code": lambda: column.is_code,
        "duration": lambda: column.is_duration or column.is_number,
        "detail": lambda: is_name,
        "installer_type": lambda: is_name and column.distinct <= _FEW,
        "application_type": lambda: is_name and column.distinct <= _FEW,
        "application_version": lambda: not column.list_cells,
    }
    return tests.get(role, lambda: is_name and find_time_forms(column, may_be_number=False) is None)()


def _complete(sample: Sample, roles: Roles, meanings: dict[str, str], order: str | None) -> None:
    """Read the values of the columns that need more than a name, and find a time by its values alone."""
    if roles.column("occurred_at") is None:
        for column in sample.columns.values():
            if column.name not in roles.of and find_time_forms(column, may_be_number=False, order=order):
                roles.set(column.name, "occurred_at", "its values")
                break
    time = roles.column("occurred_at")
    if time is not None:
        roles.times = find_time_forms(sample.columns[time], may_be_number=True, order=order)
    status, code = roles.column("outcome_status"), roles.column("code")
    if status is not None:
        roles.states = find_states(sample.columns[status], meanings)
        if code is None or roles.states.meanings or roles.why[status] == SAID:
            return
        roles.set(status, "ignore", "its words do not say whether an attempt succeeded; the exit code does")
    if code is not None:
        roles.states = States.of_code(code)


def _set_shared_role(column: Column, roles: Roles, consequence: str | None) -> None:
    """Set the role of a column that shares it with others: a setting, a measure, or what was known before."""
    scores = {one: header_score(column.name, one) for one in ("approach", "after", "detail", *_PEOPLE)}
    best = max(scores, key=lambda one: scores[one])
    if best in _PEOPLE and scores[best] >= _A_WORD:
        roles.pseudonymised.add(column.name)
        if column.is_mostly_unique:
            role, why = "ignore", "names people or devices, nearly each row another"
        else:
            role, why = "context", "its name; people and devices become pseudonyms"
    elif column.list_cells:
        role, why = "ignore", "holds lists; choose what of them counts"
    elif _is_clock(column):
        role, why = "ignore", "a time of day; only one column can be the time of an attempt"
    elif find_time_forms(column, may_be_number=False) is not None:
        role, why = "ignore", "another time"
    elif consequence is not None:
        is_detail = roles.column("detail") is None and not column.is_number
        role, why = "detail" if is_detail else "ignore", consequence
    else:
        role, why = _role_of_condition(column, best, scores[best])
    roles.set(column.name, role, why)


def _role_of_condition(column: Column, best: str, score: float) -> tuple[str, str]:
    """Return the role of a column with single values that do not follow from the outcome, and why."""
    is_measure = column.is_number or column.is_duration
    if best == "approach" and score >= 1 and not column.is_mostly_unique:
        return "approach", "its name is that of a setting"
    if best == "after" and score >= 1 and column.is_number:
        return "metrics", "its name is that of something measured"
    if best in {"after", "detail"} and score >= _A_WORD:
        return "ignore", "its name is that of something known only after an attempt"
    if is_measure and column.unit is not None:
        return "metrics", "numbers with a unit"
    numbers_rows = column.is_number and column.distinct == column.rows > _LEAST_ROWS
    if column.is_mostly_unique and (not column.is_number or (numbers_rows and not any(column.marks))):
        return "ignore", "nearly each row has another value"
    return "context", "taken as known before the attempt"


def _is_clock(column: Column) -> bool:
    """Return whether a column holds times of day; those with seconds look like durations but for its name."""
    most = 1 if header_score(column.name, "occurred_at") < _A_WORD else 2
    return bool(column.counts) and all(
        1 <= text.count(":") <= most and len(text) <= len("12:34:56.789 PM") for text in column.counts
    )


def _holds_commands(column: Column) -> bool:
    """Return whether half of a column's texts are commands that install something."""
    shown = [text for text, _ in column.counts.most_common(_COMMANDS_TRIED)]
    return bool(shown) and sum(map(_is_command, shown)) * 2 >= len(shown)


def _is_command(text: str) -> bool:
    try:
        return parse_command(text) is not None
    except CommandTooLongError:
        return False


def _consequences(sample: Sample, roles: Roles) -> Iterator[tuple[str, str]]:
    """Yield columns that follow from the outcome and would explain it by themselves, with the sign of it."""
    by_status = defaultdict(list)
    for record, state in roles.states.of_records(sample.records) if roles.states else ():
        by_status[state].append(record)
    good, bad = by_status["success"], [*by_status["failure"], *by_status["partial"]]
    if min(len(good), len(bad)) < _LEAST_ROWS:
        return
    for column in sample.columns.values():
        if column.name in roles.of:
            continue
        filled = [_share_filled(column, records) for records in (good, bad)]
        if filled[1] - filled[0] > _CLEARLY_MORE or (filled[0] == 0 and filled[1] > 0):
            yield column.name, "is filled where an attempt failed, so it is known only afterwards"
        elif filled[0] - filled[1] > _CLEARLY_MORE:
            yield column.name, "is filled where an attempt succeeded, so it is known only afterwards"
        elif column.distinct <= _MOST_VALUES_OF_A_SIGN:
            seen = [Counter(_text(column, record) for record in records) for records in (good, bad)]
            if len(seen[0].keys() | seen[1].keys()) > 1 and not seen[0].keys() & seen[1].keys():
                yield column.name, "says the same as the status"


def _text(column: Column, record: dict[str, Any]) -> str:
    cell = record.get(column.name)
    text = "" if cell is None else as_text(cell).strip()
    return "" if text in column.missing else text


def _share_filled(column: Column, records: list[dict[str, Any]]) -> float:
    return sum(bool(_text(column, record)) for record in records) / len(records)
