"""Did advice help? Attempts after advice was followed, against comparable ones where it was not.

What belongs here: the estimate from attempts that report whether advice was followed. The caller selects
the attempts.

Comparing all that followed with all that did not is wrong wherever people follow advice on easy cases.
So like is compared with like: where a share of the answers was withheld at random, all that were served
with all that were not (intention to treat, whatever they did with the advice), within strata of context and
prognostic score (Mantel-Haenszel); otherwise followed with not followed, adjusted for all that is recorded
(`learning.adjusted_gain`). What may be said of either is in `learning.verdict`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from memory_pipeline.analysis.features.columns import require_columns, unit_codes
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.learning.adjusted_gain import AdjustedGain, Residuals
from memory_pipeline.analysis.learning.measures import measure_row, period_starts
from memory_pipeline.analysis.learning.verdict import (
    HARMED,
    HELPED,
    TOO_LITTLE,
    experiment_text,
    judge,
    observed_text,
)
from memory_pipeline.analysis.names import ADVICE_GAIN
from memory_pipeline.analysis.stats.cluster_bootstrap import effective_degrees
from memory_pipeline.analysis.stats.confidence_sequences import sequence_margin
from memory_pipeline.analysis.stats.e_value import e_values
from memory_pipeline.analysis.stats.mantel_haenszel import leave_one_out_differences

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Counts, Floats, Mask
    from memory_pipeline.analysis.learning.advised import AdvisedAttempts


INTENTION_TO_TREAT = "intention to treat"
DOUBLY_ROBUST = "doubly robust"
USUAL_GAIN = 0.05
"""Gain for which the interval that holds at every look is made to be narrow."""
_Interval = tuple[float, float]
_ANYTHING: _Interval = (-1.0, 1.0)


@dataclass(frozen=True)
class Verification:
    """The estimated effect of advice on success.

    Attributes
    ----------
    method
        `intention to treat` or `doubly robust`.
    verdict
        One of `learning.verdict.VERDICTS`.
    gain, ci_low, ci_high
        Difference in the success rate with its 95% interval; -1 to 1 where the evidence is not sufficient.
    anytime_low, anytime_high
        The interval that holds at every look, of an experiment with sufficient evidence.
    e_value, e_value_bound
        Without an experiment: how strong something unrecorded would have to be to explain away the gain, and
        the bound of its interval nearer to 0 (`stats.e_value`).
    sufficient
        Whether both sides have enough comparable attempts and units for an interval.
    conclusive
        Whether a change was shown: by an experiment, whose interval at every look leaves out 0.
    reason
        The result as a sentence, with the numbers.
    followed, not_followed, control
        Attempts whose advice was followed, was not followed, and was withheld.
    comparable, units, strata
        Attempts that are compared, their units, and the strata with both sides within which they are compared
        by intention to treat (0 otherwise).
    """

    method: str
    verdict: str
    gain: float
    ci_low: float
    ci_high: float
    anytime_low: float | None
    anytime_high: float | None
    e_value: float | None
    e_value_bound: float | None
    sufficient: bool
    conclusive: bool
    reason: str
    followed: int
    not_followed: int
    control: int
    comparable: int
    units: int
    strata: int

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-able values."""
        return asdict(self)


def verify_advice(advised: AdvisedAttempts, *, min_attempts: int = 30, min_units: int = 5) -> Verification:
    """Estimate what advice changed, by the best comparison that the attempts allow.

    Intention to treat is used where each side has `min_attempts` attempts of `min_units` units; attempts with
    a served answer count as served, followed or not. The risk difference is pooled over strata by Mantel and
    Haenszel's weights, and its standard error leaves out one unit at a time (jackknife; Cameron and Miller
    2015), so that a hundred attempts of one application count as what they are, with a t quantile whose
    degrees of freedom fall where few units dominate. The same standard error gives the confidence sequence,
    which holds at every look.

    Otherwise followed and not followed are compared, adjusted for the covariates (`adjusted_gain`). That is
    not an experiment: confounders of following that nobody recorded stay in the difference.

    Parameters
    ----------
    advised
        Attempts for which there was advice.
    min_attempts, min_units
        Attempts and units that each side needs among those that are compared.

    Raises
    ------
    KeyError
        When a column is not in the frame.
    """
    compared = _Compared.of(advised, (min_attempts, min_units))
    return compared.verify(np.ones(len(advised.frame), dtype=bool))


def gain_rows(advised: AdvisedAttempts) -> list[dict[str, Any]]:
    """Estimate what advice changed, by the attempts up to the end of each month (`verify_advice`).

    How likely an attempt is followed and how likely it succeeds are learned once, from all attempts, so that
    the months differ by their attempts alone.

    Returns
    -------
    list of dict
        Rows of `advice_gain`, one per month that has such attempts: the difference in success with its 95%
        interval (-1 to 1 without enough evidence). `sample_size` counts the attempts up to then,
        `details` is the verification.
    """
    if advised.frame.empty:
        return []
    rows, compared, periods = [], _Compared.of(advised), period_starts(advised.frame)
    for start in sorted(periods.unique()):
        known = (periods <= start).to_numpy()
        found = compared.verify(known)
        interval = (found.ci_low, found.ci_high)
        details = found.to_dict()
        rows.append(
            measure_row(ADVICE_GAIN, start, found.gain, int(known.sum()), interval=interval, details=details)
        )
    return rows


@dataclass(frozen=True)
class _Experiment:
    """Served against withheld within strata that have both."""

    gain: float
    error: float
    degrees: float
    attempts: tuple[int, int]
    side_units: tuple[int, int]
    units: int
    strata: int

    @classmethod
    def of(cls, served: Mask, wins: Floats, stratum: Counts, unit: Counts) -> _Experiment:
        """Compute the risk difference pooled over strata, with its error by the jackknife over units."""
        size = int(stratum.max(initial=-1)) + 1
        sides = [np.bincount(stratum, side, size) for side in (served, ~served)]
        both = (sides[0] > 0) & (sides[1] > 0)
        inside = both[stratum]
        if not inside.any():
            return cls(0.0, float("inf"), 1.0, (0, 0), (0, 0), 0, 0)
        served, wins, stratum, unit = served[inside], wins[inside], stratum[inside], unit[inside]
        names, unit = np.unique(unit, return_inverse=True)
        count = len(names)
        gain, without = leave_one_out_differences(wins, served, stratum, unit)
        shifts = without - gain
        is_known = count > 1 and bool(np.isfinite(shifts).all())
        error = float(np.sqrt((count - 1) / count * np.sum(shifts**2))) if is_known else float("inf")
        return cls(
            gain=gain,
            error=error,
            degrees=effective_degrees(shifts) if is_known else 1.0,
            attempts=(int(served.sum()), int((~served).sum())),
            side_units=(len(np.unique(unit[served])), len(np.unique(unit[~served]))),
            units=count,
            strata=int(both.sum()),
        )

    def is_enough(self, min_attempts: int, min_units: int) -> bool:
        """Return whether both sides have enough attempts and units for an interval."""
        is_enough = min(self.attempts) >= min_attempts and min(self.side_units) >= min_units
        return is_enough and bool(np.isfinite(self.error))


@dataclass(frozen=True)
class _Compared:
    """Attempts as arrays, shape (attempts,) each; `residuals` are those of the served ones alone."""

    is_control: Mask
    followed: Floats
    is_reported: Mask
    wins: Floats
    stratum: Counts
    unit: Counts
    residuals: Residuals
    floors: tuple[int, int]

    @classmethod
    def of(cls, advised: AdvisedAttempts, floors: tuple[int, int] = (30, 5)) -> _Compared:
        frame, strata = advised.frame, list(advised.strata)
        wanted = [advised.unit, *strata, *advised.covariates, "occurred_at"]
        require_columns(frame, [*wanted, "outcome_status", "is_control", "followed"])
        is_control = frame["is_control"].astype(bool).to_numpy()
        reported = frame["followed"].map({True: 1.0, False: 0.0})
        followed = np.asarray(reported.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
        stratum = np.zeros(len(frame), dtype=np.int64)
        if strata:
            groups = frame.groupby(strata, dropna=False, observed=True).ngroup()
            stratum = np.asarray(groups, dtype=np.int64)
        unit, wins = unit_codes(frame[advised.unit]), is_success(frame).astype(np.float64)
        is_reported = ~is_control & ~np.isnan(followed)
        residuals = Residuals.of(
            advised.take(is_reported), followed[is_reported], wins[is_reported], unit[is_reported]
        )
        return cls(is_control, followed, is_reported, wins, stratum, unit, residuals, floors)

    def verify(self, rows: Mask) -> Verification:
        """Estimate what advice changed among some of the attempts."""
        counts = (
            int(np.sum(rows & self.is_reported & (self.followed == 1))),
            int(np.sum(rows & self.is_reported & (self.followed == 0))),
            int(np.sum(rows & self.is_control)),
        )
        experiment = _Experiment.of(
            ~self.is_control[rows], self.wins[rows], self.stratum[rows], self.unit[rows]
        )
        if experiment.is_enough(*self.floors):
            return _of_experiment(experiment, counts)
        return _of_observation(self.residuals.gain(rows[self.is_reported]), counts, self.floors)


def _of_experiment(found: _Experiment, counts: tuple[int, int, int]) -> Verification:
    interval = _around(found.gain, float(stats.t.ppf(0.975, found.degrees)) * found.error)
    anytime = _around(found.gain, sequence_margin(found.error, scale=USUAL_GAIN, degrees=found.degrees))
    verdict = judge(interval, anytime)
    said = (
        f"{found.attempts[0]:,} attempts served, {found.attempts[1]:,} withheld, of {found.units:,} "
        f"applications or other units, compared within {found.strata:,} strata of context and difficulty "
        f"({INTENTION_TO_TREAT})"
    )
    return Verification(
        method=INTENTION_TO_TREAT,
        verdict=verdict,
        gain=found.gain,
        ci_low=interval[0],
        ci_high=interval[1],
        anytime_low=anytime[0],
        anytime_high=anytime[1],
        e_value=None,
        e_value_bound=None,
        sufficient=True,
        conclusive=verdict in {HELPED, HARMED},
        reason=experiment_text(verdict, found.gain, interval, anytime, said),
        followed=counts[0],
        not_followed=counts[1],
        control=counts[2],
        comparable=sum(found.attempts),
        units=found.units,
        strata=found.strata,
    )


def _of_observation(
    found: AdjustedGain, counts: tuple[int, int, int], floors: tuple[int, int]
) -> Verification:
    sides, is_finite = (found.followed, found.not_followed), bool(np.isfinite(found.margin))
    sufficient = min(sides) >= floors[0] and found.units_a_side >= floors[1] and is_finite
    said = (
        f"{sides[0]:,} attempts followed, {sides[1]:,} not followed, of {found.units:,} applications or other"
    )
    said += f" units, compared {'within units' if found.is_within else 'within and between units'}"
    if found.left_out:
        said += f", without {found.left_out:,} of which it was all but certain whether they would be followed"
    said += f" ({DOUBLY_ROBUST})"
    strengths: tuple[float | None, float | None] = (None, None)
    interval, verdict = _ANYTHING, TOO_LITTLE
    reason = f"Not enough evidence: {said}; it takes {floors[0]} attempts and {floors[1]} units on each side."
    if sufficient:
        interval = _around(found.gain, found.margin)
        verdict = judge(interval, None)
        values = e_values(found.gain, *interval, rate=found.rate)
        reason = observed_text(verdict, found.gain, interval, values, said, control=counts[2], floors=floors)
        strengths = values
    return Verification(
        method=DOUBLY_ROBUST,
        verdict=verdict,
        gain=min(max(found.gain, -1.0), 1.0),
        ci_low=interval[0],
        ci_high=interval[1],
        anytime_low=None,
        anytime_high=None,
        e_value=strengths[0],
        e_value_bound=strengths[1],
        sufficient=sufficient,
        conclusive=False,
        reason=reason,
        followed=counts[0],
        not_followed=counts[1],
        control=counts[2],
        comparable=sum(sides),
        units=found.units,
        strata=0,
    )


def _around(gain: float, margin: float) -> _Interval:
    return max(-1.0, gain - margin), min(1.0, gain + margin)
