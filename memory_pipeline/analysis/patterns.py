"""Which conditions go with success, failure or an intervention, beyond chance and without echoes.

The search counts every combination of up to three conditions, tests each against all other attempts
(allowing for repeated applications), controls the false discovery rate over everything searched, and
then drops what only repeats a finding. What a pattern changes when everything else stays equal is
the question of `factors`, not of this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis import significance
from memory_pipeline.analysis.adjustment import Adjuster, holds
from memory_pipeline.analysis.evidence import Evidence, count_evidence
from memory_pipeline.analysis.features import condition_columns, encode
from memory_pipeline.analysis.replication import halves_of, probability_to_hold
from memory_pipeline.analysis.search import TIERS, Limits, SearchResult, search_evidence
from memory_pipeline.analysis.targets import OUTCOME, is_hit, outcome_labels, pattern_type
from memory_pipeline.analysis.threads import on_one_thread
from memory_pipeline.analysis.wording import pattern_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.significance import Sample

COLUMNS = (
    "conditions",
    "pattern_type",
    "target",
    "sentence",
    "sample_size",
    "units",
    "rate",
    "base_rate",
    "risk_difference",
    "ci_low",
    "ci_high",
    "odds_ratio",
    "support",
    "lift",
    "leverage",
    "conviction",
    "zhang",
    "p_value",
    "family_wise_p_value",
    "q_value",
    "tier",
    "confidence",
    "earlier_difference",
    "later_difference",
    "adjusted_difference",
    "adjusted_ci_low",
    "adjusted_ci_high",
    "stratified_difference",
    "stratified_by",
    "turns",
)
PERIOD = "(half of the history)"
_MOST_ADJUSTED = 200
"""Findings of one target, the most certain ones, that are adjusted for other columns."""


def find_patterns(
    outcomes: pd.DataFrame,
    *,
    min_sample_size: int,
    max_conditions: int = 3,
    fdr: float = 0.05,
    unit: str | None = "application_name",
    conditions: Sequence[str] | None = None,
    target: str = "success",
    min_units: int = 5,
    min_effect: float = 0.02,
    tier: str = "default",
) -> pd.DataFrame:
    """Find the combinations of conditions whose attempts end in `target` more or less often than others.

    Parameters
    ----------
    outcomes
        Flat attempts, shape (attempts, any): `outcome_status`, the unit's column and the conditions.
    min_sample_size
        Attempts that a pattern must have inside (and leave outside).
    max_conditions
        Most conditions in one pattern.
    fdr
        Expected share of false findings among the reported ones, over everything searched.
    unit
        Column of what repeats and counts as one witness; None where every attempt is its own.
    conditions
        Condition columns; by default all that are neither identifiers nor known only afterwards.
    target
        `success`, `failure`, `partial`, `intervention`, `failure_reason=<reason>` or
        `intervention_kind=<kind>`.
    min_units
        Units that a pattern must have inside; not asked for where `unit` is None.
    min_effect
        Least absolute risk difference worth reporting (of the whole pattern, and of what each
        of its conditions adds).
    tier
        How sure a finding must at least be, one of `search.TIERS`.

    Returns
    -------
    DataFrame
        One row per finding, the most certain first; columns `COLUMNS`. `rate` and `base_rate` are the
        shares of attempts with the target inside the pattern and over all; `risk_difference` is inside
        less outside, with its 95% interval; `support` to `zhang` are the metrics of the association rule
        pattern -> target (mlxtend). `confidence` is the probability that the difference has the same sign
        on later attempts (`replication`); `earlier_difference` and `later_difference` are those of the
        halves of the history (NaN without `occurred_at`). `adjusted_difference` is what a model with
        all other columns leaves of it, `stratified_difference` what is left among attempts alike in
        `stratified_by`, the column that matters most, and `turns` says whether either turns the sign
        (`adjustment`). `attrs["searched"]` is the number of tests that the error rate covers.

    Raises
    ------
    ValueError
        When a setting is out of range or the target is not known.
    KeyError
        When a named column is absent.
    """
    if not 0 < fdr < 1:
        msg = f"fdr is {fdr}; it must lie between 0 and 1"
        raise ValueError(msg)
    if min_sample_size < 1:
        msg = f"min_sample_size is {min_sample_size}; it must be at least 1"
        raise ValueError(msg)
    if unit is not None and unit not in outcomes:
        msg = f"unit is {unit!r}, which is not a column of the outcomes; name one that is, or None"
        raise KeyError(msg)
    columns = condition_columns(outcomes, unit=unit) if conditions is None else tuple(conditions)
    outcomes = outcomes.reset_index(drop=True)
    encoded = encode(
        outcomes,
        columns,
        min_count=min_sample_size,
        unit=unit,
        min_units=min_units if unit is not None else 1,
    ).frame
    frame = encoded.assign(**{OUTCOME: outcome_labels(outcomes, target)})
    if unit is not None:
        frame[unit] = outcomes[unit]
    period = None
    if "occurred_at" in outcomes and outcomes["occurred_at"].notna().any():
        period = PERIOD
        moments = pd.to_datetime(outcomes["occurred_at"], utc=True)
        frame[period] = np.where(moments <= moments.median(), "earlier", "later")
    evidence = count_evidence(
        frame,
        conditions=list(encoded.columns),
        outcome=OUTCOME,
        unit=unit,
        period=period,
        max_conditions=max_conditions,
    )
    return search_patterns(
        evidence,
        min_sample_size=min_sample_size,
        fdr=fdr,
        targets=(target,),
        min_units=min_units,
        min_effect=min_effect,
        tier=tier,
    )


@on_one_thread
def search_patterns(
    evidence: Evidence,
    *,
    min_sample_size: int,
    fdr: float = 0.05,
    targets: Sequence[str] = ("success",),
    min_units: int = 5,
    min_effect: float = 0.02,
    tier: str = "default",
    is_adjusted: bool = True,
) -> pd.DataFrame:
    """Find patterns in evidence whose outcomes are `outcome_labels`; see `find_patterns`.

    With several targets, the first gets half of the error rate and the others share the rest evenly, so
    that it holds over all of them together; `q_value` is scaled to be compared with the whole `fdr`.
    `attrs["searched"]` is then a dict by target. Without `is_adjusted`, the differences are not adjusted
    for the other columns, which takes a third of the time and changes nothing about what is found.
    """
    belongs = {
        target: np.array([is_hit(label, target) for label in evidence.outcomes], dtype=bool)
        for target in targets
    }
    shares = _shares(targets)
    if tier not in TIERS:
        raise ValueError(f"tier is {tier!r}; use one of {', '.join(TIERS)}")
    units = min_units if evidence.unit is not None else 1
    limits = {
        share: Limits(min_sample_size, units, min_effect, fdr * share, tier) for share in shares.values()
    }
    parts, searched = [], {}
    for share, limit in limits.items():
        mine = {target: belongs[target] for target in targets if shares[target] == share}
        for target, result in search_evidence(evidence, mine, limit).items():
            part = _describe(result, target, evidence, is_adjusted=is_adjusted)
            shared = {
                name: np.minimum(part[name] / share, 1.0) for name in ("q_value", "family_wise_p_value")
            }
            parts.append(part.assign(**shared))
            searched[target] = result.searched
    frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    frame.attrs["searched"] = searched if len(targets) > 1 else searched[targets[0]]
    return frame


def _shares(targets: Sequence[str]) -> dict[str, float]:
    if len(targets) == 1:
        return {targets[0]: 1.0}
    return {target: 0.5 if i == 0 else 0.5 / (len(targets) - 1) for i, target in enumerate(targets)}


def matching_attempts(
    encoded: pd.DataFrame, outcomes: pd.DataFrame, pattern: Mapping[str, Any], *, limit: int = 50
) -> tuple[list[str], int]:
    """Name the attempts behind a pattern: those that ended as it says first, the newest first.

    Parameters
    ----------
    encoded
        Condition columns, shape (attempts, conditions).
    outcomes
        The same attempts with `id`, `occurred_at` and the outcome, shape (attempts, any).
    pattern
        A finding: `conditions`, `target` and `risk_difference` (below zero: the pattern says that its
        attempts do *not* end in the target).
    limit
        Most names.

    Returns
    -------
    names
        At most `limit` ids.
    count
        How many attempts meet the conditions.
    """
    inside = np.ones(len(encoded), dtype=bool)
    for column, value in pattern["conditions"].items():
        inside &= (encoded[column] == value).to_numpy()
    says_hit = pattern["risk_difference"] >= 0
    part = outcomes.loc[inside, ["id", "occurred_at"]].assign(
        fits=[is_hit(label, pattern["target"]) == says_hit for label in outcome_labels(outcomes[inside])]
    )
    part = part.sort_values(["fits", "occurred_at", "id"], ascending=[False, False, True])
    return [str(name) for name in part["id"].head(limit)], len(part)


def _describe(result: SearchResult, target: str, evidence: Evidence, *, is_adjusted: bool) -> pd.DataFrame:
    tests, sample = result.tests, result.sample
    low, high = significance.newcombe_intervals(tests, sample)
    total, hits = sample.total, int(sample.k.sum())
    a, b = tests.k + 0.5, tests.n - tests.k + 0.5  # Haldane and Anscombe: no division by zero
    c, d = hits - tests.k + 0.5, total - tests.n - (hits - tests.k) + 0.5
    inside = [holds(evidence, conditions) for conditions in result.conditions]
    halves = halves_of(evidence, sample, inside, icc=result.icc)
    unknown = np.full(len(inside), np.nan)
    frame = pd.DataFrame(
        {
            "conditions": pd.Series(result.conditions, dtype=object),
            "pattern_type": [pattern_type(target, x) for x in tests.difference],
            "target": target,
            "sample_size": tests.n,
            "units": _units(evidence, inside, tests.n),
            "rate": tests.k / np.maximum(tests.n, 1),
            "base_rate": sample.rate,
            "risk_difference": tests.difference,
            "ci_low": low,
            "ci_high": high,
            "odds_ratio": (a * d) / (b * c),
            "p_value": tests.p_value,
            "family_wise_p_value": result.family_wise,
            "q_value": result.q_value,
            "tier": pd.Series(result.tier, dtype=object),
            "confidence": probability_to_hold(tests, result.prior, halves),
            "earlier_difference": unknown if halves is None else halves.earlier.difference,
            "later_difference": unknown if halves is None else halves.later.difference,
        }
    )
    adjusted = _adjusted(evidence, sample, frame, most=_MOST_ADJUSTED if is_adjusted else 0)
    frame = pd.concat([frame, rule_metrics(tests.n, tests.k, total, hits), adjusted], axis=1)
    frame["sentence"] = [pattern_sentence(row, evidence.unit) for _, row in frame.iterrows()]
    return frame[list(COLUMNS)]


def _units(evidence: Evidence, inside: Sequence[NDArray[np.bool_]], n: NDArray[Any]) -> NDArray[Any]:
    if evidence.unit is None:
        return n
    codes, _ = evidence.codes(evidence.unit)
    return np.array([len(np.unique(codes[rows])) for rows in inside], dtype=np.int64)


def _adjusted(evidence: Evidence, sample: Sample, found: pd.DataFrame, *, most: int) -> pd.DataFrame:
    """Adjust the first findings for the other columns; see `adjustment`."""
    names = [
        "adjusted_difference",
        "adjusted_ci_low",
        "adjusted_ci_high",
        "stratified_difference",
        "stratified_by",
        "turns",
    ]
    if found.empty:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in names})
    adjuster = Adjuster(evidence, sample.k)
    rows: list[tuple[Any, ...]] = []
    for _, row in found.head(most).iterrows():
        one = adjuster.adjust(row["conditions"])
        turns = one.turns(row["risk_difference"])
        rows.append((one.modelled, one.ci_low, one.ci_high, one.stratified, one.by, turns))
    rows += [(np.nan, np.nan, np.nan, np.nan, None, False)] * (len(found) - len(rows))
    return pd.DataFrame(rows, columns=names, index=found.index)


def rule_metrics(n: NDArray[Any], k: NDArray[Any], total: int, hits: int) -> pd.DataFrame:
    """Metrics of the association rules pattern -> target, by mlxtend, in the order of the patterns.

    Returns
    -------
    DataFrame
        `support` (share of all attempts that match the pattern and end in the target), `lift`,
        `leverage`, `conviction` (infinite where the rule has no exception) and `zhang`.
    """
    from mlxtend.frequent_patterns import association_rules  # noqa: PLC0415 - half a second to import

    names = ["support", "lift", "leverage", "conviction", "zhangs_metric"]
    if len(n) == 0:
        return pd.DataFrame({name: [] for name in names}).rename(columns={"zhangs_metric": "zhang"})
    # Each pattern stands as one item of its own, so that its rule has one antecedent.
    items = [frozenset({i}) for i in range(len(n))]
    itemsets = pd.DataFrame(
        {
            "support": np.concatenate([[hits], n, k]) / total,
            "itemsets": [frozenset({OUTCOME}), *items, *(item | {OUTCOME} for item in items)],
        }
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        rules = association_rules(itemsets, metric="support", min_threshold=0.0)
    rules = rules[rules["consequents"] == frozenset({OUTCOME})]
    order = rules["antecedents"].map(lambda item: next(iter(item)))
    rules = rules.set_index(order.to_numpy()).sort_index()
    metrics: pd.DataFrame = rules[names].rename(columns={"zhangs_metric": "zhang"})
    return metrics.reindex(range(len(n)))
