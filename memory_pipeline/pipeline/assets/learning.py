"""Learning: whether results get better, what was known beforehand, whether advice and findings hold."""

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import markdown_table, picture, preview


@memory_asset(group="learning", kinds={"postgres", "python"})
def learning_measures(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Whether results get better, and whether what the memory knows and advises holds, month by month.

    **What it is for.** Six questions. Is the share of successes rising, for everything and by context
    (`success_rate`)? Did the memory know beforehand: how well does each month follow from the months before
    it, against simply expecting the average (`prior_knowledge`)? Did following advice change anything
    (`advice_gain`)? For which share of the attempts was there advice (`advice_coverage`)? Do findings hold in
    the quarter after, as often as they were said to (`finding_replication`, `confidence_calibration`)? What
    has changed (`drift`, `drift_change`)? And would it have helped: advice learned from the first half of the
    history, tried on the second (`replayed_uplift`).

    **How to read it.** One row per measure, month (or quarter) and part of the history, with its interval and
    sample. A change that the intervals do not separate may be chance. Without enough evidence the
    interval of a gain is everything from -1 to 1, and `details` says why. Months that are over are not
    computed again while the attempts up to them stay as they are.
    """
    from memory_pipeline import charts  # noqa: PLC0415 - imports Altair
    from memory_pipeline.analysis.learning.text import learning_sentences  # noqa: PLC0415
    from memory_pipeline.rebuild.measures import update_measures  # noqa: PLC0415 - needs scipy

    updated = update_measures(memory_of(context))
    measures = updated.measures
    whole = measures[measures["segment_column"] == ""]
    sentences = learning_sentences(measures)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": updated.rows,
            "measures": int(measures["measure"].nunique()),
            "computed anew": f"{updated.computed} periods, {updated.reused} taken over",
            "in short": dg.MetadataValue.md(
                markdown_table([{"measure": name, "now": text} for name, text in sentences.items()])
            ),
            "success over time": picture(charts.success_over_time, measures),
            **{
                f"success by {column}": picture(charts.success_by_segment, measures, column)
                for column in updated.segments
            },
            "prior knowledge": picture(charts.prior_knowledge, measures),
            "coverage of advice": picture(charts.advice_coverage, measures),
            "findings that held": picture(charts.finding_replication, measures),
            "preview": preview(whole.sort_values("period_start", ascending=False)),
        }
    )
