"""The sample organisation goes on, now with advice: what it does with it, and what that truly changes.

What belongs here: who asks, who follows, and the true gain. What does not: where advice comes from (a
function of the caller's), and how attempts go (`mechanism`, `consequences`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.worlds.choices import draw_attempts
from memory_pipeline.worlds.mechanism import cause_hazards, success_probability
from memory_pipeline.worlds.records import APPLICATION, CONTEXT, PREREQUISITES, to_records
from memory_pipeline.worlds.results import draw_consequences

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.worlds.organisation import Organisation

_STREAM = 1
_FOLLOWING, _FOLLOWING_BY_HARDNESS = 1.2, -0.6
"""Log odds of following advice at average difficulty, and what one standard deviation of difficulty adds."""


@dataclass(frozen=True)
class Given:
    """One answer: its id, and the settings that it advises; None where it was withheld or there are none."""

    identity: str
    approach: Mapping[str, Any] | None


@dataclass(frozen=True)
class Continuation:
    """Attempts after advice was asked for.

    Attributes
    ----------
    outcomes
        Outcome records in normal form that name the answer and say whether it was followed.
    true_gain
        What having the answers truly changed: mean success probability of the attempts that got advice, as
        they were made (followed or not), less the same as they would have been made without.
    followed, not_followed, without
        How many attempts followed advice, got it and did not, and got none.
    """

    outcomes: list[dict[str, Any]]
    true_gain: float
    followed: int
    not_followed: int
    without: int


def go_on(
    organisation: Organisation,
    ask: Callable[[Sequence[Mapping[str, Any]]], Sequence[Given]],
    *,
    attempts: int = 1500,
    days: int = 60,
) -> Continuation:
    """Let the organisation make further attempts, asking for advice before each.

    Whoever packages follows advice on easy applications more than on hard ones, and otherwise does as they
    would have done. Applications, teams and the mechanism are those of the history; the habits of
    applications are drawn anew.

    Parameters
    ----------
    organisation
        What was the case so far.
    ask
        Gets the descriptions of all attempts (context columns to values), gives an answer for each.
    attempts
        How many, at least as many as there are applications.
    days
        How long it goes on.
    """
    rng = np.random.default_rng([organisation.seed, _STREAM])
    columns = draw_attempts(
        rng,
        organisation.catalogue,
        attempts=attempts,
        start=organisation.end,
        end=organisation.end + pd.Timedelta(days=days),
        learning=(organisation.start, organisation.end),
    )
    texts = [columns[name].tolist() for name in (*APPLICATION, *CONTEXT)]
    given = ask([dict(zip((*APPLICATION, *CONTEXT), row, strict=True)) for row in zip(*texts, strict=True)])
    inclination = 1 / (1 + np.exp(-(_FOLLOWING + _FOLLOWING_BY_HARDNESS * columns["hardness"])))
    has_advice = np.array([one.approach is not None for one in given], bool)
    follows = (rng.random(attempts) < inclination) & has_advice
    made = _with_advice(columns, given, follows)
    potential = organisation.potential
    with_advice, without = (
        success_probability(one, drift_date=potential.drift_date, hazards=potential.hazards)
        for one in (made, columns)
    )
    gains = with_advice - without
    happened = draw_consequences(
        rng,
        made,
        cause_hazards(made, drift_date=potential.drift_date, hazards=potential.hazards),
        organisation.catalogue.size_mb[columns["application"]],
    )
    records = to_records(
        made,
        happened,
        organisation.versions_of(columns),
        id_prefix=f"advised-{organisation.seed}",
    )
    outcomes = [
        record
        | {
            "recommendation_id": one.identity,
            "recommendation_followed": bool(does) if one.approach is not None else None,
        }
        for record, one, does in zip(records, given, follows, strict=True)
    ]
    return Continuation(
        outcomes=outcomes,
        true_gain=float(gains[has_advice].mean()) if has_advice.any() else 0.0,
        followed=int(follows.sum()),
        not_followed=int((has_advice & ~follows).sum()),
        without=int((~has_advice).sum()),
    )


def _with_advice(
    columns: Mapping[str, NDArray[Any]], given: Sequence[Given], follows: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    """Replace the settings of those who follow by the advised ones; what is left open stays theirs."""
    made = {name: values.copy() for name, values in columns.items()}
    for row in np.flatnonzero(follows).tolist():
        for name, value in (given[row].approach or {}).items():
            if name != "prerequisites":
                made[name][row] = value
                continue
            for element in PREREQUISITES:
                made[f"prerequisites: {element}"][row] = "yes" if element in (value or ()) else "no"
    return made
