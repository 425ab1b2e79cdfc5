"""Why is a known pattern no longer among the findings?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.features.outcomes import pattern_type

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from memory_pipeline.analysis.evidence.evidence import Evidence


def explain_absence(
    evidence: Evidence,
    pattern: Mapping[str, Any],
    *,
    searched: Collection[str],
    min_sample_size: int,
    min_units: int,
) -> str:
    """Return why a search of the evidence did not find a pattern.

    Parameters
    ----------
    evidence
        The counts that were searched; their outcomes are `features.outcomes.outcome_labels`.
    pattern
        `conditions`, `target` and `pattern_type`.
    searched
        The targets that were searched.
    min_sample_size, min_units
        Limits of the search.

    Returns
    -------
    str
        A definite reason (the column or value is gone, the target was not searched, too few attempts or
        units), or else the current figures, which did not pass the tests.
    """
    target = pattern["target"]
    gone = _what_is_gone(evidence, pattern, searched)
    if gone is not None:
        return gone
    inside = evidence.rows_with(pattern["conditions"])
    n, total = int(evidence.n[inside].sum()), int(evidence.n.sum())
    units = n if evidence.unit is None else len(np.unique(evidence.codes(evidence.unit)[0][inside]))
    if min(n, total - n) < min_sample_size:
        which = "match" if n < min_sample_size else "do not match"
        few = min(n, total - n)
        return f"below the sample: {few} attempts {which}, MEMORY_MIN_SAMPLE_SIZE is {min_sample_size}"
    if evidence.unit is not None and units < min_units:
        return f"below the sample: {units} units, MEMORY_MIN_UNITS is {min_units}"
    hits = evidence.hits(target)
    rate, others = hits[inside].sum() / n, hits[~inside].sum() / (total - n)
    figures = f"{target} {rate:.1%} over {n:,} attempts of {units:,} units, {others:.1%} over the others"
    if pattern_type(target, rate - others) != pattern["pattern_type"]:
        return f"leans the other way: {figures}"
    return (
        f"no longer significant: {figures} (the tests do not tell this from chance, it is too small, "
        "or a pattern with fewer conditions says as much)"
    )


def _what_is_gone(evidence: Evidence, pattern: Mapping[str, Any], searched: Collection[str]) -> str | None:
    for column, value in pattern["conditions"].items():
        if column not in evidence.conditions:
            return f"its column is gone: {column} is not recorded any more, or says the same of all attempts"
        if value not in evidence.codes(column)[1]:
            return (
                f"its value is gone: {column} = {value} is not told apart any more "
                "(no attempts, too few of them, or numbers are cut elsewhere)"
            )
    if pattern["target"] not in searched:
        return f"its target is gone: {pattern['target']} is not among the frequent ones any more"
    return None
