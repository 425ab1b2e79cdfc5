"""Cleaned features: one flat row per attempt, its conditions as columns, as Parquet."""

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import column_schema, frame_types, lineage, preview


@memory_asset(group="features", kinds={"parquet", "pandas"})
def outcome_features(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """One flat row per attempt, ready for analysis.

    **What it is for.** Every later stage reads this frame instead of the raw records: each thing known
    before the attempt (*context*) and each setting that somebody chose (*approach*) is a column of its own.
    What is known only afterwards (reasons, interventions) is there as a target, never as a condition.

    **How to read it.** `needed_intervention`, `failure_reason` and `outcome_status` say how the attempt
    ended. A name that is context in one record and approach in another becomes two columns, the second
    with `(approach)` behind it. Empty means not recorded. One file holds one month; only months whose
    outcomes changed are read from the database.
    """
    from memory_pipeline.analysis.features.screening import describe_left_out  # noqa: PLC0415 - needs pandas
    from memory_pipeline.rebuild.features import update_features  # noqa: PLC0415 - needs pandas

    memory = memory_of(context)
    features = update_features(memory)
    keys, newest = features.keys, features.parts[max(features.parts)]
    frame = memory.frames.read_parts([newest])
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": features.rows,
            "read anew": str(features.progress),
            "dagster/column_schema": column_schema("outcome_features", frame_types(frame)),
            "dagster/column_lineage": lineage(keys.sources()),
            "approach columns": len(keys.approach),
            "context columns": len(keys.context),
            "columns left out (MEMORY_MAX_COLUMNS)": describe_left_out(features.left_out),
            "preview of the newest month": preview(frame),
        }
    )
