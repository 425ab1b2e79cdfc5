"""Cleaned features: one flat row per attempt, its conditions as columns, as Parquet."""

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import column_schema, frame_types, lineage, markdown_table, preview
from memory_pipeline.rebuild.rows import records

_NAMES = dg.TableSchema(
    columns=[
        dg.TableColumn("column_name", "str", description="Such as application_name or application_vendor."),
        dg.TableColumn("raw_name", "str", description="The name as recorded; of two alike the rarer one."),
        dg.TableColumn("name", "str", description="The name as it is read, or that it looks like."),
        dg.TableColumn("why", "str", description="The reason; looks alike was not merged."),
        dg.TableColumn("attempts", "int64", description="Attempts that have the name as recorded."),
        dg.TableColumn("similarity", "float64", description="Of names that look alike, from 0 to 1."),
    ]
)


@memory_asset(group="features", kinds={"parquet", "pandas"})
def outcome_features(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """One flat row per attempt, ready for analysis.

    **What it is for.** Every later stage reads this frame instead of the raw records: each thing known
    before the attempt (*context*) and each setting that somebody chose (*approach*) is a column of its own.
    What is known only afterwards (reasons, interventions) is there as a target, never as a condition.

    **How to read it.** `needed_intervention`, `failure_reason` and `outcome_status` say how the attempt
    ended. A name that is context in one record and approach in another becomes two columns, the second
    with `(approach)` behind it. Empty means not recorded. Spellings of one name stand under the commonest;
    `name_merges` lists them. One file holds one month; only months whose outcomes changed, or whose names
    are read otherwise, are read from the database.
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


@memory_asset(group="features", kinds={"postgres", "scikitlearn"}, schema=_NAMES)
def name_merges(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Which names of applications, vendors and other values are read as another, and which look alike.

    **What it is for.** One application under seven spellings would be seven witnesses, and a finding of its
    own. What was read as one can be checked here, and a person corrects it with
    `memory-pipeline decide name`; the attempts keep what was recorded.

    **How to read it.** `raw_name` was recorded in `attempts` and is read as `name`: for its spelling, because
    a version at its end is left out, or because a person decided it. `looks alike` was not merged and waits
    for a person; `similarity` says how much the two look alike.
    """
    from memory_pipeline.rebuild.names import update_name_merges  # noqa: PLC0415 - needs pandas

    merges = update_name_merges(memory_of(context)).merges
    reasons = merges.groupby("why").agg(names=("raw_name", "size"), attempts=("attempts", "sum"))
    shown = merges.sort_values("attempts", ascending=False)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(merges),
            "reasons": dg.MetadataValue.md(markdown_table(records(reasons.reset_index()))),
            "preview": preview(shown, ["column_name", "raw_name", "name", "why", "attempts"]),
        }
    )
