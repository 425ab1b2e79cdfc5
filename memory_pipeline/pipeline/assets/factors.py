"""Success factors: what one setting changes, everything else being equal."""

from typing import Any

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import markdown_table, picture, preview
from memory_pipeline.rebuild.rows import records

MAX_SHOWN = 20
_SHOWN = ("description", "is_factor", "confidence")


@memory_asset(group="factors", kinds={"postgres", "python"})
def success_factors(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Factors: what one setting changes against its usual alternative, everything else being equal.

    **What it is for.** Patterns say what goes with success; factors say what a person can change. Each is a
    difference in the share of successes, adjusted for the context and the other settings, so that a setting
    does not get the credit for the easy applications it happens to be used with.

    **How to read it.** `effectiveness` of +0.10 means ten more successes in a hundred attempts than with
    the `reference`. Every comparison that could be made is listed; `is_factor` in the details says which
    ones matter beyond chance (MEMORY_FALSE_DISCOVERY_RATE). Where the crude difference has the other sign,
    the setting went with easy or hard applications, and is flagged. `applicability_conditions` says where
    the effect holds. Two settings that do not add up are a row of their own. The details name what each
    rests on: the attempts on both sides, how far they are comparable, the patterns that say the same, past
    attempts to look at, and the caveats; `memory-pipeline factor ID` shows them.
    """
    import pandas as pd  # noqa: PLC0415

    from memory_pipeline import charts  # noqa: PLC0415 - imports Altair
    from memory_pipeline.rebuild.factors import update_factors  # noqa: PLC0415 - needs scipy

    updated = update_factors(memory_of(context))
    factors = updated.factors
    shown = [row for row in records(factors) if row["is_factor"] and not row["is_mirrored"]]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": updated.rows,
            "taken over": updated.is_reused,
            "shown to matter": int(factors["is_factor"].sum()),
            "sign flipped by adjustment": int(factors["is_sign_flipped"].sum()),
            "pairs that matter together": int((factors["settings"].map(len) > 1).sum()),
            "what they rest on": dg.MetadataValue.md(
                markdown_table([_rests_on(row) for row in shown[:MAX_SHOWN]])
            ),
            "effects": picture(charts.factor_effects, pd.DataFrame(updated.stored)),
            "preview": preview(factors, _SHOWN),
        }
    )


def _rests_on(factor: dict[str, Any]) -> dict[str, Any]:
    return {
        "factor": factor["factor_name"],
        "against": " and ".join(factor["reference_settings"].values()),
        "attempts": f"{factor['attempts_with_value']:,} : {factor['attempts_with_reference']:,}",
        "units with both": factor["units_with_both"],
        "comparable": f"{factor['overlap']:.0%}",
        "patterns": len(factor["patterns"]),
        "caveats": " ".join(factor["caveats"]),
    }
