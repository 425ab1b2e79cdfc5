"""Did advice help? Attempts after advice was followed, against comparable ones where it was not.

What belongs here: the estimate from attempts that report whether advice was followed. The caller selects
the attempts.

Comparing all that followed with all that did not is wrong wherever people follow advice on easy cases.
So like is compared with like: where a share of the answers was withheld at random, all that were served
with all that were not (intention to treat, whatever they did with the advice); otherwise followed with not
followed within strata of context and prognostic score (Mantel-Haenszel).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from memory_pipeline.analysis.features.columns import require_columns, rows_by_unit, unit_codes
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.learning.measures import measure_row, period_starts
from memory_pipeline.analysis.names import ADVICE_GAIN
from memory_pipeline.analysis.stats.cluster_bootstrap import effective_degrees
from memory_pipeline.analysis.stats.mantel_haenszel import StratifiedCounts, risk_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats


INTENTION_TO_TREAT = "intention to treat"
STRATIFIED = "stratified"


@dataclass(frozen=True)
class Verification:
    """The estimated effect of advice on success.

    Attributes
    ----------
    method
        `intention to treat` or `stratified`.
    gain, ci_low, ci_high
        Difference in the success rate with its 95% interval; -1 to 1 where the evidence is not sufficient.
    sufficient
        Whether both sides have enough comparable attempts and units for an interval.
    conclusive
        Whether a change was shown: sufficient, and the interval excludes zero.
    reason
        The result as a sentence, with the numbers.
    followed, not_followed, control
        Attempts whose advice was followed, was not followed, and was withheld.
    comparable, units, strata
        Attempts in strata with both sides, their units, and how many strata these are.
    """

    method: str
    gain: float
    ci_low: float
    ci_high: float
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


def verify_advice(
    attempts: pd.DataFrame,
    *,
    unit: str,
    strata: Sequence[str],
    min_attempts: int = 30,
    min_units: int = 5,
) -> Verification:
    """Estimate what advice changed, by the best comparison that the attempts allow.

    The risk difference is pooled over strata by Mantel and Haenszel's weights,
    `sum_k (a_k n0_k - b_k n1_k) / N_k / sum_k n1_k n0_k / N_k` (Greenland and Robins 1985), where a_k of
    n1_k succeeded on one side and b_k of n0_k on the other. The interval leaves out one unit at a time
    (jackknife; Cameron and Miller 2015), so that a hundred attempts of one application count as what they
    are, with a t quantile whose degrees of freedom fall where few units dominate.

    Intention to treat is used where each side has `min_attempts` attempts of `min_units` units; attempts with
    a served answer count as served, followed or not. Otherwise followed and not followed are compared. That
    is not an experiment: confounders of following that are not in the strata stay in the difference.

    Parameters
    ----------
    attempts
        Attempts for which there was advice, shape (attempts, any): `outcome_status`, `is_control` (the
        answer was withheld), `followed` (True, False or missing), the unit and the strata.
    unit
        Column whose values repeat.
    strata
        Categorical columns known before the advice: context and bands of the prognostic score
        (`learning.prognosis.prognostic_bands`).
    min_attempts, min_units
        Attempts and units that each side needs within strata that have both sides.

    Raises
    ------
    KeyError
        When a column is not in the frame.
    """
    require_columns(attempts, [unit, *strata, "outcome_status", "is_control", "followed"])
    is_control = attempts["is_control"].astype(bool).to_numpy()
    followed = attempts["followed"].map({True: 1.0, False: 0.0}).to_numpy(dtype=float, na_value=np.nan)
    stratum: NDArray[np.int64] = np.zeros(len(attempts), dtype=np.int64)
    if strata:
        groups = attempts.groupby(list(strata), dropna=False, observed=True).ngroup()
        stratum = np.asarray(groups, dtype=np.int64)
    units = unit_codes(attempts[unit])
    wins = is_success(attempts).astype(float)
    randomised = _compare(~is_control, wins, stratum, units)
    served = ~is_control & ~np.isnan(followed)
    matched = _compare(followed[served] == 1, wins[served], stratum[served], units[served])
    floors = (min_attempts, min_units)
    counts = (
        int(np.sum(served & (followed == 1))),
        int(np.sum(served & (followed == 0))),
        int(is_control.sum()),
    )
    if randomised.is_enough(*floors):
        return _result(INTENTION_TO_TREAT, randomised, counts, floors)
    return _result(STRATIFIED, matched, counts, floors)


@dataclass(frozen=True)
class _Comparison:
    """One side against the other within strata that have both."""

    gain: float
    margin: float
    attempts: tuple[int, int]
    side_units: tuple[int, int]
    units: int
    strata: int

    def is_enough(self, min_attempts: int, min_units: int) -> bool:
        return (
            min(self.attempts) >= min_attempts
            and min(self.side_units) >= min_units
            and bool(np.isfinite(self.margin))
        )


def _compare(
    treated: NDArray[np.bool_], wins: Floats, stratum: NDArray[np.int64], unit: NDArray[np.int64]
) -> _Comparison:
    """Return the risk difference pooled over strata, with its margin by the jackknife over units."""
    size = int(stratum.max(initial=-1)) + 1
    both = np.zeros(size, dtype=bool)
    for number in range(size):
        sides = treated[stratum == number]
        both[number] = sides.any() and not sides.all()
    inside = both[stratum] if size else np.zeros(0, dtype=bool)
    if not inside.any():
        return _Comparison(0.0, float("inf"), (0, 0), (0, 0), 0, 0)
    treated, wins, stratum, unit = treated[inside], wins[inside], stratum[inside], unit[inside]
    names, unit = np.unique(unit, return_inverse=True)
    tried = np.ones(len(wins))
    counts = StratifiedCounts.of(tried, wins, treated, stratum, size)
    gain = risk_difference(counts)
    without = np.empty(len(names))
    for number, rows in enumerate(rows_by_unit(unit, len(names))):
        own = StratifiedCounts.of(tried[rows], wins[rows], treated[rows], stratum[rows], size)
        without[number] = risk_difference(counts - own)
    shifts = without - gain
    count = len(names)
    is_known = count > 1 and bool(np.isfinite(shifts).all())
    error = float(np.sqrt((count - 1) / count * np.sum(shifts**2))) if is_known else float("inf")
    degrees = effective_degrees(shifts) if is_known else 1.0
    return _Comparison(
        gain=gain,
        margin=float(stats.t.ppf(0.975, degrees)) * error,
        attempts=(int(treated.sum()), int((~treated).sum())),
        side_units=(len(np.unique(unit[treated])), len(np.unique(unit[~treated]))),
        units=count,
        strata=int(both.sum()),
    )


def _result(
    method: str, compared: _Comparison, counts: tuple[int, int, int], floors: tuple[int, int]
) -> Verification:
    sufficient = compared.is_enough(*floors)
    low, high = -1.0, 1.0
    if sufficient:
        low, high = (max(-1.0, compared.gain - compared.margin), min(1.0, compared.gain + compared.margin))
    conclusive = low > 0 or high < 0
    sides = ("served", "withheld") if method == INTENTION_TO_TREAT else ("followed", "not followed")
    found = (
        f"{compared.attempts[0]:,} attempts {sides[0]}, {compared.attempts[1]:,} {sides[1]}, of "
        f"{compared.units:,} applications or other units, compared within {compared.strata:,} "
        f"strata of context and difficulty ({method})"
    )
    if sufficient:
        tail = "" if conclusive else ", which may be chance"
        reason = (
            f"Advice changed success by {100 * compared.gain:+.1f} points "
            f"(95% interval {100 * low:+.1f} to {100 * high:+.1f}){tail}: {found}."
        )
    else:
        reason = (
            f"Not enough evidence: {found}; it takes {floors[0]} attempts and {floors[1]} units on each side."
        )
    return Verification(
        method=method,
        gain=compared.gain,
        ci_low=low,
        ci_high=high,
        sufficient=sufficient,
        conclusive=conclusive,
        reason=reason,
        followed=counts[0],
        not_followed=counts[1],
        control=counts[2],
        comparable=sum(compared.attempts),
        units=compared.units,
        strata=compared.strata,
    )


def gain_rows(attempts: pd.DataFrame, *, unit: str, strata: Sequence[str]) -> list[dict[str, Any]]:
    """Estimate what advice changed, by the attempts up to the end of each month (`verify_advice`).

    Parameters
    ----------
    attempts
        Attempts for which there was advice, as for `verify_advice`, with `occurred_at`.
    unit, strata
        As for `verify_advice`.

    Returns
    -------
    list of dict
        Rows of `advice_gain`, one per month that has such attempts: the difference in success with its 95%
        interval (-1 to 1 without enough evidence). `sample_size` counts the attempts up to then,
        `details` is the verification.
    """
    rows = []
    periods = period_starts(attempts)
    for start in sorted(periods.unique()):
        known = attempts[periods <= start]
        found = verify_advice(known, unit=unit, strata=strata)
        interval = (found.ci_low, found.ci_high)
        details = found.to_dict()
        rows.append(
            measure_row(ADVICE_GAIN, start, found.gain, len(known), interval=interval, details=details)
        )
    return rows
