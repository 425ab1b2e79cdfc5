"""Features kept by month: only the months whose outcomes changed are read from the database.

Everything is read anew where the code, or the set or the types of the columns, changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.features.encoding import FLOORS
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.features.screening import Screening, screen_columns
from memory_pipeline.analysis.names import STANDARD_CONTEXT
from memory_pipeline.rebuild.code_version import code_version
from memory_pipeline.rebuild.flat_outcomes import OutcomeKeys, keys_by_month, read_flat
from memory_pipeline.rebuild.months import MonthState, month_states, snapshot
from memory_pipeline.rebuild.names import counted_months, month_names, name_rules, read_names
from memory_pipeline.store.frames import OUTCOME_FEATURES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd

    from memory_pipeline.store.frames import FramePart
    from memory_pipeline.store.session import Session

MADE_BY = (
    "memory_pipeline.analysis.names",
    "memory_pipeline.analysis.spellings",
    "memory_pipeline.analysis.features",
    "memory_pipeline.rebuild.flat_outcomes",
    "memory_pipeline.rebuild.features",
    "memory_pipeline.rebuild.months",
    "memory_pipeline.rebuild.names",
    "memory_pipeline.store.frames",
)
"""Modules and packages that decide what the features are."""
_NO_MONTH = "none"
"""Key of the one part, without rows, of a memory without outcomes: it has the columns."""


@dataclass(frozen=True)
class Progress:
    """How much of the history was worked on, and why so much.

    Attributes
    ----------
    months, attempts
        Worked on.
    all_months, all_attempts
        There are.
    reason
        Why all of it, where that has another reason than changed outcomes; else empty.
    """

    months: int
    attempts: int
    all_months: int
    all_attempts: int
    reason: str = ""

    def __str__(self) -> str:
        said = (
            f"{self.months} of {self.all_months} months, {self.attempts:,} of {self.all_attempts:,} attempts"
        )
        return f"{said} ({self.reason})" if self.reason else said


@dataclass(frozen=True)
class UpdatedFeatures:
    """The features as they are now.

    Attributes
    ----------
    parts
        By month.
    keys
        What the records hold.
    progress
        What was read for them.
    left_out
        Condition columns that are not analysed, since there are too many (`features.screening`).
    """

    parts: Mapping[str, FramePart]
    keys: OutcomeKeys
    progress: Progress
    left_out: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Attempts in all parts."""
        return self.progress.all_attempts


@dataclass(frozen=True)
class Features:
    """The flat attempts, and which of their columns are conditions.

    Attributes
    ----------
    frame
        Shape (attempts, columns of `flatten_outcomes`).
    approach, context
        Columns that somebody chose, and columns that were known before the attempt; the evidence unit is
        not in `context`. Of too many, those that are analysed.
    left_out
        The other condition columns.
    """

    frame: pd.DataFrame
    approach: tuple[str, ...]
    context: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def column_share(self) -> float:
        """Share of the condition columns that are analysed (`features.screening.Screening.share`)."""
        return Screening((*self.approach, *self.context), self.left_out).share


def update_features(session: Session) -> UpdatedFeatures:
    """Write the features of the months whose outcomes changed, so that all agree with what is stored.

    A killed process leaves the features as they were: the new parts count from the moment on when the list
    of parts is replaced.
    """
    frames, version = session.frames, code_version(*MADE_BY)
    old, info = frames.parts(OUTCOME_FEATURES)
    with snapshot(session.store) as connection:
        states = month_states(connection) or {_NO_MONTH: MonthState(0, "")}
        same_code = info.get("version") == version
        named = counted_months(frames)
        same = {
            month
            for month, state in states.items()
            if same_code and _is_same(old.get(month), state) and named.get(month) == state.fingerprint
        }
        keys = {month: OutcomeKeys.from_dict(old[month].about["keys"]) for month in same}
        changed = [month for month in states if month not in same]
        keys |= {month: OutcomeKeys({}, {}) for month in changed} | keys_by_month(connection, changed)
        whole = OutcomeKeys.union(keys.values())
        reason = "" if same_code else "the code is new" if old else "the first time"
        if same and whole.to_dict() != info["keys"]:
            same, reason = set(), "the columns changed"
        parts = {month: old[month] for month in same}
        about = {
            month: {"fingerprint": states[month].fingerprint, "keys": keys[month].to_dict(), "names": ""}
            for month in states
        }
        counted = {}
        for month in states:
            if month not in same:
                frame = read_flat(connection, whole, None if month == _NO_MONTH else month)
                counted[month] = month_names(frame, whole)
                parts[month] = frames.write_part(OUTCOME_FEATURES, month, frame, about[month])
        fingerprints = {month: state.fingerprint for month, state in states.items()}
        names = read_names(frames, name_rules(connection, session.settings, whole), counted, fingerprints)
        renamed = {month for month in states if parts[month].about["names"] != names.digest(month)}
        for month in renamed:
            # What was only just written still has the names as they were recorded.
            frame = (
                read_flat(connection, whole, month) if month in same else frames.read_parts([parts[month]])
            )
            named_about = about[month] | {"names": names.digest(month)}
            parts[month] = frames.write_part(OUTCOME_FEATURES, month, names.apply(month, frame), named_about)
        if renamed & same:
            reason = reason or f"{len(renamed & same)} because names are read otherwise"
            same -= renamed
    columns = list(frames.read_parts([parts[min(parts)]]).columns)
    about_all: dict[str, Any] = {"version": version, "keys": whole.to_dict(), "columns": columns}
    screened = _screen(session, whole, list(parts.values()))
    about_all |= {
        "approach": [column for column in whole.approach if column not in screened.left_out],
        "context": [column for column in whole.context if column not in screened.left_out],
        "left_out": list(screened.left_out),
    }
    frames.set_parts(OUTCOME_FEATURES, parts.values(), about_all)
    return UpdatedFeatures(parts, whole, progress_of(parts, set(parts) - same, reason), screened.left_out)


def _screen(session: Session, keys: OutcomeKeys, parts: Sequence[FramePart]) -> Screening:
    """Choose the condition columns that are analysed: all, or of too many the most telling of the history."""
    settings = session.settings
    columns = [column for column in (*keys.context, *keys.approach) if column != settings.unit]
    if len(columns) <= settings.max_columns or settings.unit not in {*columns, *keys.types}:
        return Screening(tuple(columns))
    frame = session.frames.read_parts(parts)
    floors = FLOORS.at_most(settings.min_sample_size, settings.min_units)
    return screen_columns(
        frame,
        columns,
        hits=is_success(frame),
        unit=settings.unit,
        most=settings.max_columns,
        always=[*STANDARD_CONTEXT, *keys.approach][: settings.max_columns // 2],
        floors=floors,
    )


def read_features(session: Session) -> Features:
    """Read the flat attempts and the roles of their columns.

    Raises
    ------
    FileNotFoundError
        When no features were written yet.
    ValueError
        When the evidence unit that is set is not one of the columns.
    """
    frame, info = session.frames.read(OUTCOME_FEATURES)
    unit = session.settings.unit
    check_unit(unit, frame.columns)
    context = tuple(column for column in info["context"] if column != unit)
    return Features(frame, tuple(info["approach"]), context, tuple(info.get("left_out", ())))


def check_unit(unit: str, columns: Collection[str]) -> None:
    """Raise ValueError when the evidence unit that is set is not one of the features' columns."""
    if unit not in columns:
        raise ValueError(f"MEMORY_UNIT is {unit!r}, which no attempt has; use one of {sorted(columns)}")


def progress_of(parts: Mapping[str, FramePart], done: set[str], reason: str) -> Progress:
    """Return how much of the history some of its months are."""
    every = {month: part.rows for month, part in parts.items() if month != _NO_MONTH}
    attempts = sum(rows for month, rows in every.items() if month in done)
    return Progress(len(done & set(every)), attempts, len(every), sum(every.values()), reason)


def _is_same(part: FramePart | None, state: MonthState) -> bool:
    return part is not None and (part.rows, part.about["fingerprint"]) == (state.rows, state.fingerprint)
