"""Success factors: what one setting changes, everything else being equal."""

from typing import Any

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of, read_features
from memory_pipeline.pipeline.describe import picture, preview, records

_SHOWN = ("description", "is_factor", "confidence")
_COLUMNS = (
    "factor_name",
    "description",
    "effectiveness",
    "ci_low",
    "ci_high",
    "confidence",
    "sample_size",
    "units",
)


@memory_asset(
    group="factors",
    kinds={"postgres", "python"},
    deps=("pattern_identifications", "outcome_evidence"),
)
def success_factors(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Factors: what one setting changes against its usual alternative, everything else being equal.

    **What it is for.** Patterns say what goes with success; factors say what a person can change. Each is a
    difference in the share of successes, adjusted for the context and the other settings, so that a setting
    does not get the credit for the easy applications it happens to be used with.

    **How to read it.** `effectiveness` of +0.10 means ten more successes in a hundred attempts than with
    the `reference`. Every comparison that could be made is listed; `is_factor` in the details says which
    ones matter beyond chance (MEMORY_FALSE_DISCOVERY_RATE). Where the crude difference has the other sign,
    the setting went with easy or hard applications, and is flagged. `applicability_conditions` says where
    the effect holds.
    """
    import pandas as pd  # noqa: PLC0415

    from memory_pipeline import charts  # noqa: PLC0415 - imports Altair
    from memory_pipeline.analysis.factors import estimate_factors  # noqa: PLC0415
    from memory_pipeline.store.findings import save_factors  # noqa: PLC0415

    memory = memory_of(context)
    settings = memory.settings
    features, approach, known = read_features(memory)
    factors = estimate_factors(
        features,
        approach=approach,
        context=[column for column in known if column != settings.unit],
        unit=settings.unit,
        fdr=settings.false_discovery_rate,
    )
    rows = [factor_row(row) for row in records(factors)]
    save_factors(memory.store, rows)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(factors),
            "shown to matter": int(factors["is_factor"].sum()),
            "sign flipped by adjustment": int(factors["is_sign_flipped"].sum()),
            "effects": picture(charts.factor_effects(pd.DataFrame(rows))),
            "preview": preview(factors, _SHOWN),
        }
    )


def factor_row(factor: dict[str, Any]) -> dict[str, Any]:
    """Write a factor as a row of the table; what has no column of its own goes into the details."""
    details = {key: value for key, value in factor.items() if key not in {*_COLUMNS, "applicability"}}
    return {
        **{key: factor[key] for key in _COLUMNS},
        "applicability_conditions": factor["applicability"],
        "implementation_details": details,
    }
