"""Replay: would following the memory have helped? A policy of the early history, tried on the later part."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.compute.threads import on_one_thread
from memory_pipeline.analysis.features.columns import check_columns, unit_codes
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.learning.history_split import cut_at, evenly_over_time, moments_of
from memory_pipeline.analysis.learning.off_policy import doubly_robust, importance_weights, self_normalised
from memory_pipeline.analysis.recommendations.essential_settings import find_essential_settings
from memory_pipeline.analysis.recommendations.fit import fit_policy
from memory_pipeline.analysis.stats.cluster_bootstrap import (
    effective_sample_size,
    exchangeable_margin,
    unit_bootstrap,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.policy import Policy


_PRIOR_ATTEMPTS = 20.0
_WEIGHTS = (0.5, 2.0)
"""Mean importance weights (1 in expectation) between which propensities are taken to be right."""


@dataclass(frozen=True)
class ReplayResult:
    """What following the memory would have changed.

    Attributes
    ----------
    uplift, ci_low, ci_high
        Change of the success rate over all later attempts, doubly robust, with its 95% interval. Where
        the evidence is not sufficient the interval is -1 to 1.
    sufficient
        Whether there is enough evidence for an interval (`min_effective_size`, `min_effective_units`).
    conclusive
        Whether a change was shown: the evidence is sufficient and the interval excludes zero.
    reason
        A sentence that says so, with the numbers.
    effective_sample_size, effective_units
        Kish's size of the weighted attempts that agree with the advice, and of their units.
    self_normalised_uplift, model_uplift
        The uplift by self-normalised importance sampling, and by the policy's own predictions.
    observed_rate, policy_rate
        Success rate as observed, and as estimated for following the policy.
    mean_weight
        Mean importance weight of the advised attempts; far from 1 means that approaches were chosen
        differently later than before, so that the propensities are wrong.
    attempts_before, attempts_after, units_after
        Sizes of the two parts.
    asked
        Later attempts for which the policy was asked: all of them, or a sample (`max_asked`).
    advised, agreeing, clipped
        Of these, those for which there was advice; of these, those that did as advised; of these, those whose
        propensity was clipped.
    split_at
        First moment of the later part, ISO 8601.
    policy_version
        Version of the policy that was evaluated.
    """

    uplift: float
    ci_low: float
    ci_high: float
    sufficient: bool
    conclusive: bool
    reason: str
    effective_sample_size: float
    effective_units: float
    self_normalised_uplift: float
    model_uplift: float
    observed_rate: float
    policy_rate: float
    mean_weight: float
    attempts_before: int
    attempts_after: int
    units_after: int
    asked: int
    advised: int
    agreeing: int
    clipped: int
    split_at: str
    policy_version: str

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-able values."""
        return asdict(self)


@dataclass(frozen=True)
class _Attempts:
    """Attempts with the advice for them, as arrays, shape (attempts,) each.

    Not counts: each attempt has a propensity and a promise of its own (`evidence.grouped_counts` has those
    that add up). `context` numbers the distinct contexts, `pool` the pools that they are in.
    """

    rewards: Floats
    unit: NDArray[np.int64]
    context: NDArray[np.int64]
    pool: NDArray[np.int64]
    is_advised: NDArray[np.bool_]
    agrees: NDArray[np.bool_]
    propensity: Floats
    promised: Floats

    def where(self, mask: NDArray[np.bool_]) -> _Attempts:
        """Return some of the attempts."""
        return _Attempts(*(getattr(self, name.name)[mask] for name in fields(self)))


@on_one_thread
def replay(
    outcomes: pd.DataFrame,
    *,
    approach: Sequence[str],
    context: Sequence[str],
    unit: str,
    split: float | str | pd.Timestamp = 0.5,
    min_effective_size: float = 30.0,
    min_effective_units: float = 5.0,
    clip: float = 0.01,
    max_asked: int = 10_000,
    fit: Callable[..., Policy] = fit_policy,
    **limits: Any,
) -> ReplayResult:
    """Fit a policy on the early part of history, and estimate what following it would have changed later.

    Everything is fitted to the early part: the policy, the outcome model q (success of attempts that did as
    advised, `_outcome_model`), and the propensities e (shares of the approaches by context, smoothed towards
    wider pools, clipped at `clip`). An attempt with advice gains `q(x, a*) + 1{a = a*} / e
    * (r - q(x, a*)) - r`; one without gains nothing, since the usual mix goes on. The uplift is the mean gain
    (`learning.off_policy.doubly_robust`). Its interval resamples whole units and is never narrower than the
    sizes of units allow (`stats.cluster_bootstrap.exchangeable_margin`). It assumes that the context contains
    what approaches were chosen by; unrecorded confounders are not adjusted for.

    Parameters
    ----------
    outcomes
        Flat attempts with `occurred_at`, shape (attempts, any).
    approach, context, unit
        As in `fit_policy`.
    split
        The first moment of the later part, or the share of attempts that come before it. Attempts at
        the same moment stay together.
    min_effective_size, min_effective_units
        Effective attempts and units below which the evidence is not sufficient. It is not sufficient either
        where the mean importance weight, 1 in expectation, is below 0.5 or above 2.
    clip
        Smallest propensity that is divided by.
    max_asked
        Most attempts, early and later ones, for which the policy is asked. Of more they are taken evenly over
        time; the interval, which resamples their units, widens accordingly.
    fit
        Fits the policy to the early part: `fit_policy`, or `recommendations.current.fit_current_policy`,
        which leaves out evidence that was stale by then.
    **limits
        For `fit`, such as `confidence_threshold`. The policy is evaluated without exploration.

    Raises
    ------
    KeyError, ValueError
        For columns as in `fit_policy`; for a split that is neither a moment nor a share between 0 and 1.
    """
    check_columns(outcomes, approach=approach, context=context, unit=unit)
    when = moments_of(outcomes)
    cut = cut_at(when, split)
    is_early = (when < cut).to_numpy()
    early, later = outcomes[is_early], outcomes[~is_early]
    policy = fit(early, approach=approach, context=context, unit=unit, **limits)
    policy = replace(policy, limits=replace(policy.limits, exploration=0.0))
    shape = (len(early), len(later), cut.isoformat(), policy.version)
    if early.empty or later.empty:
        empty = "earlier" if early.empty else "later"
        return _inconclusive(f"Cannot tell: there are no {empty} attempts.", later, shape)
    sample = evenly_over_time(when, max_asked)
    attempts = _compare_with_advice(policy, outcomes.iloc[sample], unit)
    before, after = attempts.where(is_early[sample]), attempts.where(~is_early[sample])
    if not after.is_advised.any():
        return _inconclusive(
            f"Cannot tell: the policy learnt from {len(early):,} attempts had no advice for any of the "
            f"{len(after.unit):,} later ones for which it was asked.",
            later,
            shape,
            asked=len(after.unit),
            units=len(np.unique(after.unit)),
        )
    model = _outcome_model(before, after, does=True), _outcome_model(before, after, does=False)
    return _estimate(after, model, shape, clip=clip, floors=(min_effective_size, min_effective_units))


def _compare_with_advice(policy: Policy, outcomes: pd.DataFrame, unit: str) -> _Attempts:
    """Compare each attempt with what the policy advises."""
    actions = policy.actions(outcomes).to_numpy()
    size = len(outcomes)
    is_advised, agrees = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    propensity, promised, context = np.ones(size), np.zeros(size), np.zeros(size, dtype=np.int64)
    for number, (rows, posterior) in enumerate(policy.posteriors(outcomes)):
        context[rows] = number
        index = policy.choice(posterior).index
        if index is None:
            continue
        essential = find_essential_settings(policy, posterior, index)
        group = [posterior.candidates[one].approach for one in essential.group]
        is_advised[rows] = True
        agrees[rows] = np.isin(actions[rows].astype(str), group)
        propensity[rows] = posterior.propensities[essential.group].sum()
        promised[rows] = essential.draws.mean()
    units = unit_codes(outcomes[unit])
    pools = pd.factorize(pd.Series(policy.contexts.pools_of(outcomes), dtype=object))[0]
    rewards = is_success(outcomes).astype(float)
    return _Attempts(rewards, units, context, pools, is_advised, agrees, propensity, promised)


def _outcome_model(before: _Attempts, after: _Attempts, *, does: bool) -> Floats:
    """Predict the success of each later attempt if it does as advised, or if not, from other units before.

    The prediction is the success rate of the earlier attempts that did so: overall, in the pool, in the
    context, each shrunk towards the one before (which counts for 20 attempts). A unit's own attempts are left
    out (cross-fitting by units; Chernozhukov et al. 2018, "Double/debiased machine learning"): a model that
    has seen the same unit predicts its later attempts too well, and the interval, which treats units as
    independent, would be too narrow.
    """
    did = before.where(before.is_advised & (before.agrees == does))
    expected = np.full(len(after.unit), 0.5)
    for weight, there, here in (
        (2.0, np.zeros_like(did.pool), np.zeros_like(after.pool)),
        (_PRIOR_ATTEMPTS, did.pool, after.pool),
        (_PRIOR_ATTEMPTS, did.context, after.context),
    ):
        counts = [
            _counts_elsewhere((there, did.unit), (here, after.unit), weights)
            for weights in (np.ones(len(there)), did.rewards)
        ]
        expected = (weight * expected + counts[1]) / (weight + counts[0])
    return expected


def _counts_elsewhere(
    before: tuple[NDArray[np.int64], NDArray[np.int64]],
    after: tuple[NDArray[np.int64], NDArray[np.int64]],
    weights: Floats,
) -> Floats:
    """Sum weights over the earlier attempts in the cell of each later one, without those of its unit."""
    (there, their_unit), (here, unit) = before, after
    cells = int(max(there.max(initial=0), here.max(initial=0))) + 1
    units = int(max(their_unit.max(initial=0), unit.max(initial=0))) + 1
    own_keys, of_key = np.unique(there * units + their_unit, return_inverse=True)
    own = np.append(np.bincount(of_key, weights=weights, minlength=len(own_keys)), 0.0)
    wanted = here * units + unit
    at = np.searchsorted(own_keys, wanted)
    is_known = np.append(own_keys, -1)[at] == wanted
    total = np.bincount(there, weights=weights, minlength=cells)[here]
    return np.asarray(total - np.where(is_known, own[at], 0.0))


def _estimate(
    later: _Attempts,
    model: tuple[Floats, Floats],
    shape: tuple[int, int, str, str],
    *,
    clip: float,
    floors: tuple[float, float],
) -> ReplayResult:
    advised = later.is_advised
    target, otherwise = model
    weights = importance_weights(later.agrees.astype(float), later.propensity, clip=clip)
    scores = doubly_robust(later.rewards, weights, target, target)
    gains = np.where(advised, scores - later.rewards, 0.0)
    share = float(advised.mean())
    own = weights[advised]
    rewards = later.rewards[advised]
    size = effective_sample_size(own)
    units = effective_sample_size(np.asarray(np.bincount(later.unit[advised], weights=own), dtype=float))
    mean_weight = float(own.mean())
    is_overlapping = _WEIGHTS[0] <= mean_weight <= _WEIGHTS[1]
    sufficient = size >= floors[0] and units >= floors[1] and is_overlapping
    uplift = float(gains.mean())
    interval = unit_bootstrap(gains, later.unit)
    usual = np.where(later.agrees, target, otherwise)
    # Units differ only in the attempts with advice; the others gain exactly nothing.
    margin = share * exchangeable_margin(
        (target - usual)[advised], own - 1, rewards - usual[advised], later.unit[advised]
    )
    low, high = min(interval.low, uplift - margin), max(interval.high, uplift + margin)
    low, high = (max(-1.0, low), min(1.0, high)) if sufficient else (-1.0, 1.0)
    observed = float(later.rewards.mean())
    agreeing = int(later.agrees.sum())
    sampled = f" (a sample of {shape[1]:,})" if len(gains) < shape[1] else ""
    counts = (
        f"{int(advised.sum()):,} of {len(gains):,} later attempts{sampled} had advice, "
        f"{agreeing:,} did as advised (worth {size:.0f} attempts and {units:.1f} units)"
    )
    found = (
        f"Following the memory would have changed success by {100 * uplift:+.1f} points "
        f"(95% interval {100 * low:+.1f} to {100 * high:+.1f})"
        f"{'' if low > 0 or high < 0 else ', which may be chance'}; {counts}."
    )
    unknown = (
        f"Cannot tell: {counts}; it takes {floors[0]:.0f} attempts and {floors[1]:.0f} units at least, "
        f"and a mean weight between {_WEIGHTS[0]} and {_WEIGHTS[1]} (it is {mean_weight:.2f})."
    )
    return ReplayResult(
        uplift=uplift,
        ci_low=low,
        ci_high=high,
        sufficient=sufficient,
        conclusive=low > 0 or high < 0,
        reason=found if sufficient else unknown,
        effective_sample_size=size,
        effective_units=units,
        self_normalised_uplift=share * (self_normalised(rewards, own) - float(rewards.mean()))
        if size
        else 0.0,
        model_uplift=float(np.where(advised, later.promised - later.rewards, 0.0).mean()),
        observed_rate=observed,
        policy_rate=observed + uplift,
        mean_weight=mean_weight,
        attempts_before=shape[0],
        attempts_after=shape[1],
        units_after=len(np.unique(later.unit)),
        asked=len(later.unit),
        advised=int(advised.sum()),
        agreeing=agreeing,
        clipped=int((later.agrees & (later.propensity < clip)).sum()),
        split_at=shape[2],
        policy_version=shape[3],
    )


def _inconclusive(
    reason: str, later: pd.DataFrame, shape: tuple[int, int, str, str], *, asked: int = 0, units: int = 0
) -> ReplayResult:
    observed = float(is_success(later).mean()) if len(later) else 0.0
    return ReplayResult(
        uplift=0.0,
        ci_low=-1.0,
        ci_high=1.0,
        sufficient=False,
        conclusive=False,
        reason=reason,
        effective_sample_size=0.0,
        effective_units=0.0,
        self_normalised_uplift=0.0,
        model_uplift=0.0,
        observed_rate=observed,
        policy_rate=observed,
        mean_weight=0.0,
        attempts_before=shape[0],
        attempts_after=shape[1],
        units_after=units,
        asked=asked,
        advised=0,
        agreeing=0,
        clipped=0,
        split_at=shape[2],
        policy_version=shape[3],
    )
