"""How large is the difference between two values of a setting at each level of what was known before?

The differences are unadjusted: they show where a factor could be seen, not what it causes. At which levels an
adjusted effect holds is tested in `factors.effect_modification`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.stats.against_rest import ALIKE_SUMS, effective_attempts, newcombe_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.analysis.arrays import Mask
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts

BY_CONTEXT_COLUMNS = (
    "column",
    "level",
    "attempts_with_value",
    "attempts_with_reference",
    "rate",
    "reference_rate",
    "difference",
    "ci_low",
    "ci_high",
)
_MOST_LEVELS = 8
_LEAST_ATTEMPTS = 10


def differences_by_context(
    counts: GroupedCounts,
    settings: Mapping[str, str],
    reference: Mapping[str, str],
    *,
    context: Sequence[str],
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare two choices at each level of each context column.

    Parameters
    ----------
    counts
        Attempts and successes by condition and unit. Within a unit attempts are alike; the intervals allow
        for it by an effective number of attempts (Rao and Scott 1992), which counts both sides as independent
        of each other.
    settings, reference
        The two choices: encoded columns and their levels.
    context
        Columns by whose levels to compare.
    confidence
        Probability with which each interval covers.

    Returns
    -------
    DataFrame
        Columns `BY_CONTEXT_COLUMNS`, for each column the levels with most attempts, at most 8, that have at
        least 10 on both sides.
    """
    return differences_by_level(
        counts, counts.where(settings), counts.where(reference), columns=context, confidence=confidence
    )


def differences_by_level(
    counts: GroupedCounts,
    with_value: Mask,
    with_reference: Mask,
    *,
    columns: Sequence[str],
    most: int = _MOST_LEVELS,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare two disjoint parts of the attempts at each level of each column.

    Parameters
    ----------
    counts, confidence
        As `differences_by_context`.
    with_value, with_reference
        Which cells are in either part, shape (cells,).
    columns
        Columns by whose levels to compare; one that was not counted is left out.
    most
        Most levels of a column, those with most attempts.

    Returns
    -------
    DataFrame
        As `differences_by_context`.
    """
    cells = with_value | with_reference
    both, is_value = counts.take(cells), with_value[cells]
    known = [column for column in columns if column in counts.columns]
    tables = [_by_level(both, is_value, column, most=most, confidence=confidence) for column in known]
    found = [one for one in tables if len(one)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(BY_CONTEXT_COLUMNS))


def _by_level(
    both: GroupedCounts, is_value: Mask, column: str, *, most: int, confidence: float
) -> pd.DataFrame:
    levels = np.array(both.levels_of(column), dtype=object)[both.codes_of(column)]
    cells = pd.DataFrame({"level": levels, "side": is_value, "unit": both.unit, "n": both.n, "k": both.k})
    units = cells.groupby(["level", "side", "unit"]).sum()
    n, k = units["n"], units["k"]
    sums = dict(zip(ALIKE_SUMS, (n * n, n**3, k * k, n * k), strict=True))
    groups = units.assign(**sums).groupby(["level", "side"]).sum()
    groups = groups.rename(columns={"n": "attempts", "k": "successes"})
    groups = groups.assign(worth=effective_attempts(groups)).reset_index()
    groups = groups[groups["attempts"] >= _LEAST_ATTEMPTS]
    table = groups[groups["side"]].merge(groups[~groups["side"]], on="level", suffixes=("", "_reference"))
    table = table.assign(size=table["attempts"] + table["attempts_reference"])
    table = table.sort_values(["size", "level"], ascending=[False, True]).head(most)
    rate = (table["successes"] / table["attempts"]).to_numpy(float)
    reference_rate = (table["successes_reference"] / table["attempts_reference"]).to_numpy(float)
    worth, reference_worth = table["worth"].to_numpy(), table["worth_reference"].to_numpy()
    low, high = newcombe_bounds(rate, worth, reference_rate, reference_worth, confidence)
    return pd.DataFrame(
        {
            "column": column,
            "level": table["level"].to_numpy(),
            "attempts_with_value": table["attempts"].to_numpy(int),
            "attempts_with_reference": table["attempts_reference"].to_numpy(int),
            "rate": rate,
            "reference_rate": reference_rate,
            "difference": rate - reference_rate,
            "ci_low": low,
            "ci_high": high,
        }
    )
