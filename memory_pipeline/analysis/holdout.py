"""Findings mined on the earlier part of history, tried on the later part: how many hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.adjustment import holds
from memory_pipeline.analysis.patterns import search_patterns
from memory_pipeline.analysis.replication import later_rows
from memory_pipeline.analysis.significance import Sample, cell_tests, wilson_interval
from memory_pipeline.analysis.targets import is_hit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.evidence import Evidence

EDGES = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
"""Confidences at which `reliability` cuts."""


def try_on_later_history(
    evidence: Evidence, *, share: float, min_attempts: int = 30, **search: Any
) -> pd.DataFrame:
    """Mine the earlier part of the history, and test each finding on the later part.

    Parameters
    ----------
    evidence
        With periods; its outcomes are `targets.outcome_labels`.
    share
        Share of the attempts to mine.
    min_attempts
        Attempts of the later part, inside and outside, without which a finding is not tried.
    search
        Arguments of `search_patterns`.

    Returns
    -------
    DataFrame
        The findings of the earlier part, with `later_attempts`, `tried_difference`, `tried_p_value` (of
        the later part alone, allowing for repetition) and `held`: whether the difference has the same
        sign (None where it could not be tried).

    Raises
    ------
    ValueError
        When the evidence has no two periods.
    """
    later = later_rows(evidence, share)
    if later is None:
        raise ValueError("the evidence has no two periods; count it with a period, such as the month")
    found = search_patterns(evidence.part(~later), **search)
    rest = evidence.part(later)
    unit = None if rest.unit is None else rest.codes(rest.unit)[0]
    rows = []
    for _, row in found.iterrows():
        hits = rest.counts @ np.array([is_hit(label, row["target"]) for label in rest.outcomes])
        sample = Sample(rest.n, hits, unit)
        inside = holds(rest, row["conditions"])
        test = cell_tests(sample, inside.astype(np.int64), np.array([1]), icc=sample.intraclass_correlation())
        n = int(test.n[0])
        enough = min(n, sample.total - n) >= min_attempts
        same = bool(np.sign(test.difference[0]) == np.sign(row["risk_difference"]))
        rows.append((n, float(test.difference[0]), float(test.p_value[0]), same if enough else None))
    columns = ["later_attempts", "tried_difference", "tried_p_value", "held"]
    return pd.concat([found, pd.DataFrame(rows, columns=columns, index=found.index)], axis=1)


def reliability(tried: pd.DataFrame, *, edges: Sequence[float] = EDGES) -> pd.DataFrame:
    """Compare how sure findings were said to be with how many held.

    Parameters
    ----------
    tried
        Of `try_on_later_history`, perhaps several, one below the other.
    edges
        Where confidences are cut, ascending.

    Returns
    -------
    DataFrame
        One row per class of confidences that has findings: `predicted` (mean confidence), `observed` (share
        that held) with Wilson's 95% interval `ci_low` and `ci_high`, and `findings`.
    """
    known = tried[tried["held"].notna()]
    confidence, held = known["confidence"].to_numpy(dtype=float), known["held"].to_numpy(dtype=bool)
    rows = []
    place = np.clip(np.searchsorted(edges, confidence, side="left"), 1, len(edges) - 1)
    for one in np.unique(place):
        inside = place == one
        low, high = wilson_interval(int(held[inside].sum()), int(inside.sum()))
        rows.append((confidence[inside].mean(), held[inside].mean(), low, high, int(inside.sum())))
    return pd.DataFrame(rows, columns=["predicted", "observed", "ci_low", "ci_high", "findings"])
