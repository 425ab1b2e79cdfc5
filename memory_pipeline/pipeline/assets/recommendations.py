"""Recommendations: for each context that occurs, what to do and what to avoid."""

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import markdown_table, picture, preview

MAX_CHANGES = 20
_BY = ("application_type", "installer_type")
_SHOWN = (*_BY, "recommended_approach", "success_rate", "ci_low", "ci_high", "confidence", "sample_size")
_PREVIEW = (*_BY, "recommended_approach", "success_rate", "confidence", "attempts_in_context", "sample_size")


@memory_asset(group="recommendations", kinds={"postgres", "python"})
def approach_recommendations(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """For each application type and installer type that occurs: what to do, what to avoid, what to expect.

    **What it is for.** The answer to "how should I package this?", worked out beforehand for every context
    that the history has. Small samples borrow strength from their pool (mostly the installer type) and from
    everything; the same policy answers questions about other contexts.

    **How to read it.** `success_rate` is what to expect with the advised approach, with its interval.
    An empty `recommended_approach` means *not enough evidence* (MEMORY_CONFIDENCE_THRESHOLD,
    MEMORY_MIN_SAMPLE_SIZE), which is an answer. What a rebuild changed, and why, is a table in the metadata
    (`advice_changes`); where a change over time was detected, older evidence is left out and said to be.
    No advice rests on a factor that a person suppressed; the reasons say who decided so.
    """
    import pandas as pd  # noqa: PLC0415

    from memory_pipeline import charts  # noqa: PLC0415 - imports Altair
    from memory_pipeline.rebuild.recommendations import update_recommendations  # noqa: PLC0415 - needs scipy

    updated = update_recommendations(memory_of(context))
    policy = updated.policy
    shown = pd.DataFrame(updated.stored, columns=[*_SHOWN, "conditions"])
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": updated.rows,
            "taken over": updated.is_reused,
            "contexts with advice": sum(row["recommended_approach"] is not None for row in updated.stored),
            "policy version": policy.version,
            "changes of the advice": dg.MetadataValue.md(markdown_table(updated.changes[:MAX_CHANGES])),
            "decided by persons": dg.MetadataValue.md(
                markdown_table([{"decision": one.sentence} for one in policy.decisions])
            ),
            "drift": dg.MetadataValue.md(markdown_table(policy.changes)),
            "expected success": picture(charts.recommendation_rates, shown),
            "preview": preview(shown, _PREVIEW),
        }
    )
