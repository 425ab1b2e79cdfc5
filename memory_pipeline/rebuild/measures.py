"""Learning measures: each from what it rests on, stored; kept ones are not computed again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.features import encode
from memory_pipeline.analysis.learning import backtest, backtest_measures, replay, replication
from memory_pipeline.analysis.learning.measures import measure_row, measure_table, period_starts
from memory_pipeline.analysis.learning.success_rate import success_over_time
from memory_pipeline.analysis.learning.verification import gain_rows
from memory_pipeline.analysis.names import REPLAYED_UPLIFT
from memory_pipeline.analysis.recommendations.current import fit_current_policy
from memory_pipeline.rebuild.features import read_features
from memory_pipeline.rebuild.kept_measures import KeptMeasures
from memory_pipeline.rebuild.verification import read_advised_attempts
from memory_pipeline.settings import parse_interval
from memory_pipeline.store.findings import save_learning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.learning import ReplayResult
    from memory_pipeline.analysis.learning.advised import AdvisedAttempts
    from memory_pipeline.rebuild.features import Features
    from memory_pipeline.settings import Settings
    from memory_pipeline.store.session import Session

_MAX_SEGMENTS = 9
_MAX_SEGMENT_COLUMNS = 6
_MAX_QUARTERS = 3
_MAX_CELLS = 10_000
"""Cells that the models of former times are fitted to: they are many, and none of them advises."""

_SETTINGS = (
    "unit",
    "min_sample_size",
    "min_units",
    "confidence_threshold",
    "evidence_half_life",
    "false_discovery_rate",
    "pattern_tier",
)
"""Settings that a measure may rest on."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class History:
    """What is measured: the flat attempts, their columns, and the settings.

    Attributes
    ----------
    features
        Flat attempts, shape (attempts, any).
    approach, context
        Columns that were chosen, and columns known before; the unit is in neither.
    segments
        The context columns by which things are told apart.
    settings
        Of the memory.
    """

    features: pd.DataFrame
    approach: tuple[str, ...]
    context: tuple[str, ...]
    segments: tuple[str, ...]
    settings: Settings

    @classmethod
    def of(cls, features: Features, settings: Settings) -> History:
        """Return the history of features, with the segments chosen."""
        segments = tuple(segment_columns(features.frame, features.context))
        return cls(features.frame, features.approach, features.context, segments, settings)

    @property
    def rests_on(self) -> dict[str, Any]:
        """Everything beside the attempts that a measure may rest on, JSON-able."""
        used = {name: getattr(self.settings, name) for name in _SETTINGS}
        return {"approach": self.approach, "context": self.context, "segments": sorted(self.segments), **used}


@dataclass(frozen=True)
class UpdatedMeasures:
    """The measures.

    Attributes
    ----------
    measures
        Columns `learning.measures.MEASURE_COLUMNS`.
    segments
        Context columns by which success is followed.
    computed, reused
        How many periods were measured now, and how many were taken over.
    """

    measures: pd.DataFrame
    segments: tuple[str, ...]
    computed: int
    reused: int

    @property
    def rows(self) -> int:
        """Points: measures times periods times segments."""
        return len(self.measures)


def update_measures(session: Session) -> UpdatedMeasures:
    """Measure whether results get better and whether what is known and advised holds, and store it."""
    history = History.of(read_features(session), session.settings)
    kept = KeptMeasures(session.frames, history.rests_on)
    measures = measure_learning(history, read_advised_attempts(session), kept)
    save_learning(session.store, measures)
    kept.save()
    return UpdatedMeasures(measures, history.segments, kept.computed, kept.reused)


def measure_learning(history: History, advised: AdvisedAttempts, kept: KeptMeasures) -> pd.DataFrame:
    """Compute all measures; returns a frame with `learning.measures.MEASURE_COLUMNS`.

    Parameters
    ----------
    history
        What is measured.
    advised
        The attempts for which there was advice.
    kept
        What earlier rebuilds measured; what is computed now is added, but not saved.
    """
    success = success_over_time(history.features, context=history.segments)
    rows = [
        *knowledge_by_month(history, kept),
        *gain_rows(advised),
        *replication_by_quarter(history, kept),
        *replayed(history, kept),
    ]
    return pd.concat([success, measure_table(rows)], ignore_index=True) if rows else success


def knowledge_by_month(history: History, kept: KeptMeasures) -> Rows:
    """Measure what was known before each month: prior knowledge, coverage of advice, drift."""
    if history.features.empty:
        return []
    settings, half_life = history.settings, history.settings.evidence_half_life
    months = sorted(period_starts(history.features).unique())
    ends = {month: month + pd.offsets.MonthBegin() for month in months}
    rows = {month: kept.rows("month", month, ends[month]) for month in months}
    views = backtest.backtest_months(
        history.features,
        approach=history.approach,
        context=history.context,
        unit=settings.unit,
        months=[month for month in months if rows[month] is None],
        min_sample_size=settings.min_sample_size,
        confidence_threshold=settings.confidence_threshold,
        half_life=None if half_life is None else parse_interval(half_life),
        max_cells=_MAX_CELLS,
    )
    texts: dict[str, pd.Series] = {}
    for view in views:
        # Where all months are kept, nothing needs the encoded segments.
        texts = texts or _segment_texts(history)
        measured = [
            *backtest_measures.skill_rows(view, unit=settings.unit),
            *backtest_measures.coverage_rows(view, texts),
            *backtest_measures.drift_rows(view),
        ]
        rows[view.start] = kept.keep("month", view.start, ends[view.start], measured)
    return [row for month in months for row in rows[month] or []]


def _segment_texts(history: History) -> dict[str, pd.Series]:
    """Return the level of each attempt in each segment column, shape (attempts,) each."""
    segments = encode(history.features, history.segments).frame
    return {str(column): segments[column].astype(str) for column in segments}


def replication_by_quarter(history: History, kept: KeptMeasures) -> Rows:
    """Measure how many findings of the history before a quarter held in it."""
    if history.features.empty:
        return []
    settings = history.settings
    quarters = replication.finished_quarters(history.features)
    ends = {quarter: quarter + pd.offsets.QuarterBegin(startingMonth=1) for quarter in quarters}
    rows = {quarter: kept.rows("quarter", quarter, ends[quarter]) for quarter in quarters}
    # Mining takes its time: what was said of older quarters stands.
    for quarter in quarters[:-_MAX_QUARTERS]:
        if rows[quarter] is None:
            rows[quarter] = kept.former_rows("quarter", quarter)
    measured = replication.replication_rows(
        history.features,
        conditions=[*history.context, *history.approach],
        unit=settings.unit,
        quarters=[quarter for quarter in quarters[-_MAX_QUARTERS:] if rows[quarter] is None],
        max_quarters=_MAX_QUARTERS,
        min_sample_size=settings.min_sample_size,
        min_units=settings.min_units,
        # A rebuild gives half of the error rate to findings about success.
        fdr=settings.false_discovery_rate / 2,
        tier=settings.pattern_tier,
    )
    for quarter, found in measured:
        rows[quarter] = kept.keep("quarter", quarter, ends[quarter], found)
    return [row for quarter in quarters for row in rows[quarter] or []]


def replayed(history: History, kept: KeptMeasures) -> Rows:
    """Measure what following the memory would have changed in the second half of the history."""
    if history.features.empty:
        return []
    months = period_starts(history.features)
    first, end = months.min(), months.max() + pd.offsets.MonthBegin()
    rows = kept.rows("replay", first, end)
    if rows is None:
        settings, half_life = history.settings, history.settings.evidence_half_life
        result = replay(
            history.features,
            approach=history.approach,
            context=history.context,
            unit=settings.unit,
            min_sample_size=settings.min_sample_size,
            confidence_threshold=settings.confidence_threshold,
            fit=fit_current_policy,
            max_cells=_MAX_CELLS,
            half_life=None if half_life is None else parse_interval(half_life),
        )
        rows = kept.keep("replay", first, end, replay_rows(result))
    return rows


def replay_rows(result: ReplayResult) -> Rows:
    """Return a replay as a measure at the begin of its later part; nothing where that part is empty."""
    if not result.attempts_after:
        return []
    split_at = pd.Timestamp(result.split_at)
    interval = (result.ci_low, result.ci_high)
    details = result.to_dict()
    after = result.attempts_after
    return [measure_row(REPLAYED_UPLIFT, split_at, result.uplift, after, interval=interval, details=details)]


def segment_columns(features: pd.DataFrame, context: Sequence[str]) -> list[str]:
    """Return the context columns by which success is followed: those with few values, fewest first."""
    counts = {
        column: int(features[column].nunique())
        for column in context
        if not features[column]
        .map(lambda value: hasattr(value, "__len__") and not isinstance(value, str))
        .any()
    }
    few = [column for column, count in counts.items() if 2 <= count <= _MAX_SEGMENTS]  # noqa: PLR2004
    return sorted(few, key=lambda column: (counts[column], column))[:_MAX_SEGMENT_COLUMNS]
