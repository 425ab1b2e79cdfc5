"""Which conditions travel together, and which patterns cover the same attempts."""

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import json_value, picture, preview

_SHOWN = ("column_a", "column_b", "cramers_v", "q_value", "is_sure", "effective_attempts", "units", "group")
_OVERLAPS = ("pattern_a", "targets_a", "pattern_b", "targets_b", "attempts_both", "jaccard", "inside")
_DESCRIBED = {
    "column_a": "A condition column.",
    "column_b": "Another one.",
    "cramers_v": "Strength of their association, 0 to 1, without its bias.",
    "p_value": "Of independence, allowing for repeated attempts of a unit.",
    "q_value": "False discovery rate at which it is found, over all pairs.",
    "is_sure": "Whether that is at most MEMORY_FALSE_DISCOVERY_RATE.",
    "attempts": "Attempts behind it.",
    "effective_attempts": "How many independent attempts they are worth.",
    "units": "Units (MEMORY_UNIT) behind it.",
    "group": "The group of conditions that both travel with; 0 where there is none.",
    "position_a": "Place of the first column in an order that puts what goes together side by side.",
    "position_b": "Place of the second column in that order.",
}
_SCHEMA = dg.TableSchema(
    columns=[dg.TableColumn(name, description=text) for name, text in _DESCRIBED.items()]
)


@memory_asset(
    group="patterns",
    kinds={"parquet", "scipy"},
    schema=_SCHEMA,
)
def condition_associations(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """How strongly every two conditions go together, and which patterns are one under two names.

    **What it is for.** Where one vendor always uses one installer type, a pattern about the vendor and one
    about the installer type may be the same finding, and no analysis can tell which of the two matters. The
    map shows what travels together; `pattern overlaps` names patterns that cover the same attempts.

    **How to read it.** `cramers_v` is 0 where two conditions say nothing about each other and 1 where one
    tells the other. Conditions that stay the same for an application look associated by the few applications
    that there are: `effective_attempts` says how many independent attempts the figure is worth, and
    `is_sure` whether it is more than chance. Conditions with the same `group` travel together.
    """
    from memory_pipeline import charts  # noqa: PLC0415 - imports Altair
    from memory_pipeline.analysis.patterns.associations import associated_groups  # noqa: PLC0415
    from memory_pipeline.rebuild.associations import update_associations  # noqa: PLC0415 - needs scipy

    updated = update_associations(memory_of(context))
    found = updated.associations
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": updated.rows,
            "sure": int(found["is_sure"].sum()),
            "travel together": json_value(associated_groups(found)),
            "not compared": json_value(updated.left_out),
            "association map": picture(charts.association_map, found),
            "pattern overlaps": preview(updated.overlaps, _OVERLAPS),
            "preview": preview(found, _SHOWN),
        }
    )
