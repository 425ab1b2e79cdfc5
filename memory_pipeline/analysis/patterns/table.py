"""What is reported about each finding, and which attempts are behind it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from memory_pipeline.analysis.features.outcomes import is_hit, outcome_labels, pattern_type
from memory_pipeline.analysis.names import OUTCOME
from memory_pipeline.analysis.patterns.confounding import Adjuster
from memory_pipeline.analysis.patterns.replicability import halves_of, probability_to_hold
from memory_pipeline.analysis.patterns.selected import allow_for_selection
from memory_pipeline.analysis.patterns.text import pattern_sentence
from memory_pipeline.analysis.stats.clustered_tests import difference_variances
from memory_pipeline.analysis.stats.intervals import newcombe_intervals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.evidence.evidence import Evidence
    from memory_pipeline.analysis.patterns.search import SearchResult


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
    "likely_difference",
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
    "separable_from_time",
    "adjusted_difference",
    "adjusted_ci_low",
    "adjusted_ci_high",
    "stratified_difference",
    "stratified_by",
    "turns",
)
_NO_VARIANCE = 1e-12
_MOST_ADJUSTED = 200
"""Findings of one target, the most certain ones, that are adjusted for other columns."""


def matching_attempts(
    encoded: pd.DataFrame, outcomes: pd.DataFrame, pattern: Mapping[str, Any], *, limit: int = 50
) -> tuple[list[str], int]:
    """Return the ids of the attempts behind a pattern, those that agree with it first, the newest first.

    Parameters
    ----------
    encoded
        Condition columns, shape (attempts, conditions).
    outcomes
        The same attempts with `id`, `occurred_at` and the outcome, shape (attempts, any).
    pattern
        A finding: `conditions`, `target` and `risk_difference` (where it is negative, the attempts that do
        *not* end in the target agree with the pattern).
    limit
        Most ids.

    Returns
    -------
    names
        At most `limit` ids.
    count
        Number of attempts that meet the conditions.
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


def describe_findings(
    result: SearchResult, target: str, evidence: Evidence, *, is_adjusted: bool
) -> pd.DataFrame:
    """Build the table of findings, one row each, columns `COLUMNS`.

    Parameters
    ----------
    result
        What a search found.
    target, evidence
        The target and the history that were searched.
    is_adjusted
        Whether the 200 most certain findings are adjusted for the other columns.
    """
    tests, sample = result.tests, result.sample
    total, hits = sample.total, int(sample.k.sum())
    a, b = tests.k + 0.5, tests.n - tests.k + 0.5  # Haldane-Anscombe correction: no division by zero
    c, d = hits - tests.k + 0.5, total - tests.n - (hits - tests.k) + 0.5
    inside = [evidence.rows_with(conditions) for conditions in result.conditions]
    variance = difference_variances(sample, inside, icc=result.icc)
    tested = stats.norm.isf(tests.p_value / 2)
    plain = newcombe_intervals(tests, variance, sample)
    shrunk = result.prior.shrinkage(tests.effect, np.maximum(tests.effect_variance, _NO_VARIANCE))
    selected = allow_for_selection(tests.difference, plain, tested, result.threshold, shrunk)
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
            "likely_difference": selected.likely,
            "ci_low": selected.low,
            "ci_high": selected.high,
            "odds_ratio": (a * d) / (b * c),
            "p_value": tests.p_value,
            "family_wise_p_value": result.family_wise,
            "q_value": result.q_value,
            "tier": pd.Series(result.tier, dtype=object),
            "confidence": probability_to_hold(tests, result.prior, halves),
            "earlier_difference": unknown if halves is None else halves.earlier.difference,
            "later_difference": unknown if halves is None else halves.later.difference,
            "separable_from_time": tests.separable,
        }
    )
    adjusted = _adjusted(evidence, target, frame, most=_MOST_ADJUSTED if is_adjusted else 0)
    frame = pd.concat([frame, rule_metrics(tests.n, tests.k, total, hits), adjusted], axis=1)
    frame["sentence"] = [pattern_sentence(row, evidence.unit) for _, row in frame.iterrows()]
    return frame[list(COLUMNS)]


def _units(evidence: Evidence, inside: Sequence[NDArray[np.bool_]], n: NDArray[Any]) -> NDArray[Any]:
    if evidence.unit is None:
        return n
    codes, _ = evidence.codes(evidence.unit)
    return np.array([len(np.unique(codes[rows])) for rows in inside], dtype=np.int64)


def _adjusted(evidence: Evidence, target: str, found: pd.DataFrame, *, most: int) -> pd.DataFrame:
    """Adjust the first `most` findings for the other columns; see `patterns.confounding`."""
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
    adjuster = Adjuster(evidence, target)
    rows: list[tuple[Any, ...]] = []
    for _, row in found.head(most).iterrows():
        one = adjuster.adjust(row["conditions"])
        turns = one.turns(row["risk_difference"])
        rows.append((one.modelled, one.ci_low, one.ci_high, one.stratified, one.by, turns))
    rows += [(np.nan, np.nan, np.nan, np.nan, None, False)] * (len(found) - len(rows))
    return pd.DataFrame(rows, columns=names, index=found.index)


def rule_metrics(n: NDArray[Any], k: NDArray[Any], total: int, hits: int) -> pd.DataFrame:
    """Compute metrics of the association rules pattern -> target (mlxtend), in the order of the patterns.

    Parameters
    ----------
    n, k
        Attempts, and attempts with the target, of each pattern, shape (patterns,).
    total, hits
        Attempts, and attempts with the target, over all.

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
    # Each pattern is one item, so that its rule has one antecedent.
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
