"""Tested patterns: which conditions go with success, failure or a person stepping in."""

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import json_value, picture, preview

_SHOWN = ("sentence", "confidence", "tier", "q_value")


@memory_asset(group="patterns", kinds={"postgres", "scipy"})
def pattern_identifications(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Conditions whose attempts succeed, fail or need a person more or less often than all others.

    **What it is for.** What is worth knowing before an attempt. Every combination of up to three conditions
    is tried, for success, for needing a person, and for the most frequent failure reasons. Tests allow for
    the same application being tried many times, and the false discovery rate
    (MEMORY_FALSE_DISCOVERY_RATE) holds over everything searched, all targets together.

    **How to read it.** `description` says each finding as a sentence. `confidence` is the probability that
    it holds up on later attempts, `impact` has the effect with its interval. A pattern is an association:
    whether changing the setting helps is the question of `success_factors`. Patterns that a rebuild does
    not find again are retired with the reason, not deleted; what a person decided about one stands.
    """
    import pandas as pd  # noqa: PLC0415

    from memory_pipeline import charts  # noqa: PLC0415 - imports Altair
    from memory_pipeline.rebuild.patterns import update_patterns  # noqa: PLC0415 - needs scipy

    updated = update_patterns(memory_of(context))
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": updated.rows,
            "taken over": updated.is_reused,
            "found": updated.found,
            "lost to MEMORY_MAX_PATTERNS": updated.crowded_out,
            "retired": updated.retired,
            "searched by target": json_value(updated.searched),
            "effects": picture(charts.pattern_effects, pd.DataFrame(updated.stored)),
            "preview": preview(updated.kept, _SHOWN),
        }
    )
