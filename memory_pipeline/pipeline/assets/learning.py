"""Learning: whether results get better, what was known beforehand, what following it would bring."""

from typing import TYPE_CHECKING

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of, read_features
from memory_pipeline.pipeline.describe import picture, preview

if TYPE_CHECKING:
    import pandas as pd

    from memory_pipeline.analysis.learning import ReplayResult

REPLAYED_UPLIFT = "replayed_uplift"
_MAX_SEGMENTS = 9
_MAX_SEGMENT_COLUMNS = 6


@memory_asset(group="learning", kinds={"postgres", "python"}, deps=("outcome_features",))
def learning_measures(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Whether results get better, and since when, month by month.

    **What it is for.** Three questions. Is the share of successes rising, for everything and by context?
    Did the memory know beforehand: how well does each month follow from the months before it, against
    simply expecting the average? That one does not move when easier applications come in. And would it have
    helped: advice learned from the first half of the history, tried on the second (`replayed_uplift`).

    **How to read it.** One row per measure, month and part of the history, with its interval and sample.
    A change that the intervals do not separate may be chance. Without enough evidence, a replay's
    interval is everything from -1 to 1, and `details` says why.
    """
    import pandas as pd  # noqa: PLC0415

    from memory_pipeline import charts  # noqa: PLC0415 - imports Altair
    from memory_pipeline.analysis.learning import (  # noqa: PLC0415
        prior_knowledge,
        replay,
        success_over_time,
    )
    from memory_pipeline.store.findings import save_learning  # noqa: PLC0415

    memory = memory_of(context)
    settings = memory.settings
    features, approach, known = read_features(memory)
    before = [column for column in known if column != settings.unit]
    segments = segment_columns(features, before)
    replayed = replay(
        features,
        approach=approach,
        context=before,
        unit=settings.unit,
        min_sample_size=settings.min_sample_size,
        confidence_threshold=settings.confidence_threshold,
    )
    measures = pd.concat(
        [
            success_over_time(features, context=segments),
            prior_knowledge(features, approach=approach, context=before, unit=settings.unit),
            replay_measure(replayed),
        ],
        ignore_index=True,
    )
    save_learning(memory.store, measures)
    whole = measures[measures["segment_column"] == ""]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(measures),
            "measures": int(measures["measure"].nunique()),
            "would following it have helped": replayed.reason,
            "success over time": picture(charts.success_over_time(measures)),
            **{
                f"success by {column}": picture(charts.success_by_segment(measures, column))
                for column in segments
            },
            "prior knowledge": picture(charts.prior_knowledge(measures)),
            "preview": preview(whole.sort_values("period_start", ascending=False)),
        }
    )


def segment_columns(features: "pd.DataFrame", context: list[str]) -> list[str]:
    """Name the context columns by which success is followed: those with few values, fewest first."""
    counts = {
        column: int(features[column].nunique())
        for column in context
        if not features[column]
        .map(lambda value: hasattr(value, "__len__") and not isinstance(value, str))
        .any()
    }
    few = [column for column, count in counts.items() if 2 <= count <= _MAX_SEGMENTS]  # noqa: PLR2004
    return sorted(few, key=lambda column: (counts[column], column))[:_MAX_SEGMENT_COLUMNS]


def replay_measure(replayed: "ReplayResult") -> "pd.DataFrame":
    """Write a replay as a measure at the begin of its later part; nothing where that part is empty."""
    import pandas as pd  # noqa: PLC0415

    from memory_pipeline.analysis.learning import MEASURE_COLUMNS  # noqa: PLC0415

    row = {
        "measure": REPLAYED_UPLIFT,
        "period_start": pd.Timestamp(replayed.split_at),
        "segment_column": "",
        "segment_value": "",
        "value": replayed.uplift,
        "ci_low": replayed.ci_low,
        "ci_high": replayed.ci_high,
        "sample_size": replayed.attempts_after,
        "details": replayed.to_dict(),
    }
    rows = [row] if replayed.attempts_after else []
    return pd.DataFrame(rows, columns=list(MEASURE_COLUMNS))
