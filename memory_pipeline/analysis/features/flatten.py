"""Which columns does an attempt have once its stored record is flat, and which of them are conditions?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.names import APPROACH_SUFFIX, NEVER_CONDITIONS, STANDARD_CONTEXT

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALWAYS = (
    "id",
    "application_name",
    "occurred_at",
    "outcome_status",
    "needed_intervention",
    "intervention_kind",
    "failure_reason",
    "recommendation_id",
    "recommendation_followed",
)


@dataclass(frozen=True)
class Roles:
    """The condition columns of a flat frame: approach settings and context."""

    approach: tuple[str, ...]
    context: tuple[str, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """All condition columns, context first."""
        return self.context + self.approach


def flatten_outcomes(records: pd.DataFrame) -> tuple[pd.DataFrame, Roles]:
    """Build a flat frame of stored outcomes: one row per attempt, one column per condition.

    Parameters
    ----------
    records
        Outcomes as stored, shape (attempts, columns of `packaging_outcomes`); `context`,
        `approach_details`, `failure_reasons` and `manual_interventions` hold dicts and lists.

    Returns
    -------
    frame
        Shape (attempts, 9 + conditions). An approach setting with the name of a context column, or of one
        of the nine, becomes `name (approach)`, as often as it takes.
    roles
        Which of the columns are context and which are approach.
    """
    index = records.index
    context = _spread(records["context"], index)
    approach = _spread(records["approach_details"], index)
    standard = records[[c for c in STANDARD_CONTEXT if c in records]]
    context = pd.concat([standard, context.drop(columns=standard.columns, errors="ignore")], axis=1)
    approach.columns = pd.Index(_free_names(approach.columns, {*context.columns, *_ALWAYS}))
    interventions = records["manual_interventions"].map(_first_of("kind"))
    flat = pd.DataFrame(
        {
            "id": records["id"],
            "application_name": records["application_name"],
            "occurred_at": pd.to_datetime(records["occurred_at"], utc=True),
            "outcome_status": records["outcome_status"],
            "needed_intervention": records["manual_interventions"].map(_is_filled).astype(bool),
            "intervention_kind": interventions,
            "failure_reason": records["failure_reasons"].map(_first_of("reason")),
            "recommendation_id": records["recommendation_id"],
            "recommendation_followed": records["recommendation_followed"],
        },
        index=index,
    )
    frame = pd.concat([flat, context, approach], axis=1).reset_index(drop=True)
    return frame, Roles(approach=tuple(approach.columns), context=tuple(context.columns))


def _free_names(settings: Iterable[str], taken: set[str]) -> list[str]:
    """Return a name for each setting that neither a taken one nor another setting has."""
    own = set(settings)
    names = []
    for setting in settings:
        name = setting
        while name in taken or (name != setting and name in own):
            name = f"{name}{APPROACH_SUFFIX}"
        taken = taken | {name}
        names.append(name)
    return names


def _spread(column: pd.Series, index: pd.Index) -> pd.DataFrame:
    """Return one column per key of a column of dicts, in order of first appearance."""
    dicts = [value if isinstance(value, dict) else {} for value in column]
    keys = dict.fromkeys(key for one in dicts for key in one)
    return pd.DataFrame(
        {key: pd.Series([one.get(key) for one in dicts], index=index, dtype=object) for key in keys},
        index=index,
    )


def _first_of(key: str) -> Any:
    def first(items: Any) -> str | None:
        return items[0].get(key) if isinstance(items, list) and items else None

    return first


def _is_filled(items: Any) -> bool:
    return isinstance(items, list) and bool(items)


def condition_columns(frame: pd.DataFrame, *, unit: str | None = None) -> tuple[str, ...]:
    """Return the columns of a flat frame that can be conditions.

    Left out are the columns in `NEVER_CONDITIONS` (identifiers, times, and what is known only after an
    attempt), the unit's column, and any other column of times.
    """
    return tuple(
        column
        for column in frame.columns
        if column not in NEVER_CONDITIONS
        and column != unit
        and not pd.api.types.is_datetime64_any_dtype(frame[column])
    )
