"""What happens when the sample organisation continues with advice, and what is the true gain?

What belongs here: who asks, who follows, and the true gain. What does not: where advice comes from (a
function of the caller), and the results of attempts (`worlds.mechanism`, `worlds.results`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.worlds.choices import draw_attempts
from memory_pipeline.worlds.mechanism import cause_hazards, success_probability
from memory_pipeline.worlds.records import APPLICATION, CONTEXT, PREREQUISITES, to_records
from memory_pipeline.worlds.results import draw_results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.worlds.organisation import Organisation

_STREAM = 1
_FOLLOWING, _FOLLOWING_BY_HARDNESS = 1.2, -0.6
"""Log-odds of following advice at average difficulty, and their change per standard deviation of it."""


@dataclass(frozen=True)
class Answer:
    """One answer: its id, and the settings that it advises; None where it was withheld or there are none."""

    identity: str
    approach: Mapping[str, Any] | None


@dataclass(frozen=True)
class Continuation:
    """Attempts after advice was asked for.

    Attributes
    ----------
    outcomes
        Outcome records in normal form, with the answer's id and whether it was followed.
    true_gain
        True effect of having advice: mean success probability of the attempts that got advice, as they were
        made (followed or not), less that of the same attempts as they would have been made without.
    followed, not_followed, without
        Number of attempts that followed advice, got it and did not, and got none.
    """

    outcomes: list[dict[str, Any]]
    true_gain: float
    followed: int
    not_followed: int
    without: int


def continue_with_advice(
    organisation: Organisation,
    ask: Callable[[Sequence[Mapping[str, Any]]], Sequence[Answer]],
    *,
    attempts: int = 1500,
    days: int = 60,
) -> Continuation:
    """Generate further attempts of an organisation that asks for advice before each.

    Packagers follow advice more often on easy applications than on hard ones, and otherwise do as they would
    have done without. Applications, teams and the mechanism are those of the history; the preferences of
    applications are drawn again.

    Parameters
    ----------
    organisation
        The organisation with its history.
    ask
        Function of the descriptions of all attempts (value by context column) that returns an answer for
        each.
    attempts
        Number of attempts, at least that of the applications.
    days
        Length of the continuation.
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
    results = draw_results(
        rng,
        made,
        cause_hazards(made, drift_date=potential.drift_date, hazards=potential.hazards),
        organisation.catalogue.size_mb[columns["application"]],
    )
    records = to_records(
        made,
        results,
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
    columns: Mapping[str, NDArray[Any]], given: Sequence[Answer], follows: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    """Replace the settings of attempts that follow advice by the advised ones; other settings stay."""
    made = {name: values.copy() for name, values in columns.items()}
    for row in np.flatnonzero(follows).tolist():
        for name, value in (given[row].approach or {}).items():
            if name != "prerequisites":
                made[name][row] = value
                continue
            for element in PREREQUISITES:
                made[f"prerequisites: {element}"][row] = "yes" if element in (value or ()) else "no"
    return made
