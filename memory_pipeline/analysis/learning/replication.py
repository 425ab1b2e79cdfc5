"""Replication: how many findings from an earlier part of history hold in a later part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.evidence.count import count_evidence
from memory_pipeline.analysis.evidence.periods import later_rows
from memory_pipeline.analysis.features.encoding import FLOORS, encoded_columns, learn_conditions
from memory_pipeline.analysis.features.outcomes import outcome_labels
from memory_pipeline.analysis.learning.measures import measure_row, period_starts
from memory_pipeline.analysis.names import CONFIDENCE_CALIBRATION, FINDING_REPLICATION, OUTCOME, PERIOD
from memory_pipeline.analysis.patterns.find import search_patterns
from memory_pipeline.analysis.stats.clustered_tests import cell_tests
from memory_pipeline.analysis.stats.intervals import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from memory_pipeline.analysis.evidence.evidence import Evidence


EDGES = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
"""Confidences at which `reliability` cuts into classes."""


def replicate_on_later_history(
    evidence: Evidence, *, share: float, min_attempts: int = 30, **search: Any
) -> pd.DataFrame:
    """Find patterns in the earlier part of the history, and test each on the later part.

    Parameters
    ----------
    evidence
        Counted with periods; its outcomes are `features.outcomes.outcome_labels`.
    share
        Share of the attempts in the earlier part.
    min_attempts
        Attempts of the later part that a finding needs, both inside and outside of it, to be tested.
    search
        Arguments of `search_patterns`.

    Returns
    -------
    DataFrame
        The findings of the earlier part, with `later_attempts`, `tried_difference`, `tried_p_value` (on the
        later part alone, cluster-robust) and `held`: whether the difference has the same sign (None where it
        could not be tested).

    Raises
    ------
    ValueError
        When the evidence has fewer than two periods.
    """
    later = later_rows(evidence, share)
    if later is None:
        raise ValueError("the evidence has fewer than two periods; count it with a period, such as the month")
    found = search_patterns(evidence.part(~later), **search)
    return replicate_findings(found, evidence.part(later), min_attempts=min_attempts)


def replicate_findings(found: pd.DataFrame, rest: Evidence, *, min_attempts: int = 30) -> pd.DataFrame:
    """Test findings on evidence that they were not found in.

    Returns
    -------
    DataFrame
        As `replicate_on_later_history`.
    """
    rows = []
    for _, row in found.iterrows():
        sample = rest.sample(row["target"])
        inside = rest.rows_with(row["conditions"])
        test = cell_tests(sample, inside.astype(np.int64), np.array([1]), icc=sample.intraclass_correlation())
        n = int(test.n[0])
        enough = min(n, sample.total - n) >= min_attempts
        same = bool(np.sign(test.difference[0]) == np.sign(row["risk_difference"]))
        rows.append((n, float(test.difference[0]), float(test.p_value[0]), same if enough else None))
    columns = ["later_attempts", "tried_difference", "tried_p_value", "held"]
    return pd.concat([found, pd.DataFrame(rows, columns=columns, index=found.index)], axis=1)


def replication_rows(
    outcomes: pd.DataFrame,
    *,
    conditions: Sequence[str],
    unit: str,
    quarters: Collection[pd.Timestamp] | None = None,
    min_history: int = 500,
    max_quarters: int = 4,
    min_attempts: int = 30,
    min_sample_size: int = 30,
    min_units: int = 5,
    **search: Any,
) -> Iterator[tuple[pd.Timestamp, list[dict[str, Any]]]]:
    """Measure, quarter by quarter, how many findings from the history before it held in it.

    For each quarter that is over (there are attempts after it), categories are fitted and findings about
    success searched on the attempts before it; each is then tested on the quarter's attempts alone.

    Parameters
    ----------
    outcomes
        Flat attempts with `occurred_at`, shape (attempts, any).
    conditions, unit
        Columns to search, and the column whose values repeat.
    quarters
        First moments of the quarters to measure; by default all. Of these only the newest `max_quarters` are
        measured, since a search takes long.
    min_history
        Attempts that a quarter needs before it.
    min_attempts
        Attempts of the quarter that a finding needs, both inside and outside of it, to be tested.
    min_sample_size, min_units, search
        Of `search_patterns`.

    Yields
    ------
    tuple of Timestamp and list of dict
        First moment of the quarter, and its rows; none where no finding could be tested.
        `finding_replication` is the share of findings whose difference has the same sign, with Wilson's 95%
        interval (which treats findings as independent); `confidence_calibration` is that share minus the mean
        confidence: 0 is calibrated, below 0 overconfident. `sample_size` counts the findings tested;
        `details` has the mean confidence and the Brier score of the confidences (0 is perfect, 0.25 is that
        of a coin).
    """
    starts = period_starts(outcomes, "QS")
    past = [one for one in finished_quarters(outcomes) if int((starts < one).sum()) >= min_history]
    chosen = [one for one in past if quarters is None or one in quarters]
    for start in chosen[-max_quarters:]:
        tried = _replicate_in(
            outcomes[starts < start],
            outcomes[starts == start],
            conditions=conditions,
            unit=unit,
            min_attempts=min_attempts,
            limits=(min_sample_size, min_units),
            search=search,
        )
        yield start, _replication(start, tried)


def finished_quarters(outcomes: pd.DataFrame) -> list[pd.Timestamp]:
    """Return the first moments of the quarters that have attempts, and attempts after them."""
    return sorted(period_starts(outcomes, "QS").unique())[:-1]


def _replicate_in(
    before: pd.DataFrame,
    quarter: pd.DataFrame,
    *,
    conditions: Sequence[str],
    unit: str,
    min_attempts: int,
    limits: tuple[int, int],
    search: Mapping[str, Any],
) -> pd.DataFrame:
    """Find patterns in the attempts before a quarter, and test each in the quarter."""
    size, units = limits
    encoding = learn_conditions(before, conditions, unit=unit, floors=FLOORS.at_most(size, units))
    columns = encoded_columns(encoding)

    def counted(part: pd.DataFrame, values: pd.DataFrame, period: pd.Series | None) -> Evidence:
        beside = {OUTCOME: outcome_labels(part, "success"), unit: part[unit]}
        if period is not None:
            beside[PERIOD] = period
        frame = pd.concat([values, pd.DataFrame(beside)], axis=1)
        name = None if period is None else PERIOD
        return count_evidence(frame, conditions=columns, outcome=OUTCOME, unit=unit, period=name)

    months = period_starts(before).dt.strftime("%Y-%m")
    mined = counted(before, encoding.apply(before), months)
    found = search_patterns(mined, min_sample_size=size, min_units=units, is_adjusted=False, **search)
    rest = counted(quarter, encoding.apply(quarter), None)
    return replicate_findings(found, rest, min_attempts=min_attempts)


def _replication(start: pd.Timestamp, tried: pd.DataFrame) -> list[dict[str, Any]]:
    known = tried[tried["held"].notna()]
    if known.empty:
        return []
    held, confidence = known["held"].to_numpy(dtype=bool), known["confidence"].to_numpy(dtype=float)
    low, high = wilson_interval(int(held.sum()), len(held))
    rate, mean = float(held.mean()), float(confidence.mean())
    details = {
        "found": len(tried),
        "held": int(held.sum()),
        "mean_confidence": mean,
        "brier": float(np.mean((confidence - held) ** 2)),
    }
    return [
        measure_row(FINDING_REPLICATION, start, rate, len(held), interval=(low, high), details=details),
        measure_row(
            CONFIDENCE_CALIBRATION,
            start,
            rate - mean,
            len(held),
            interval=(low - mean, high - mean),
            details=details,
        ),
    ]


def reliability(tried: pd.DataFrame, *, edges: Sequence[float] = EDGES) -> pd.DataFrame:
    """Compare the confidence of findings with the share that held, by class of confidence.

    Parameters
    ----------
    tried
        From `replicate_on_later_history`, one or several concatenated.
    edges
        Bounds of the classes, ascending.

    Returns
    -------
    DataFrame
        One row per class of confidences that has findings: `predicted` (mean confidence), `observed` (share
        that held) with Wilson's 95% interval `ci_low` and `ci_high`, and `findings`.
    """
    known = tried[tried["held"].notna()]
    confidence, held = known["confidence"].to_numpy(dtype=float), known["held"].to_numpy(dtype=bool)
    rows = []
    class_of = np.clip(np.searchsorted(edges, confidence, side="left"), 1, len(edges) - 1)
    for one in np.unique(class_of):
        inside = class_of == one
        low, high = wilson_interval(int(held[inside].sum()), int(inside.sum()))
        rows.append((confidence[inside].mean(), held[inside].mean(), low, high, int(inside.sum())))
    return pd.DataFrame(rows, columns=["predicted", "observed", "ci_low", "ci_high", "findings"])
