"""Tested patterns: which conditions go with success, failure or a person stepping in."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of, read_features
from memory_pipeline.pipeline.metadata import json_value, picture, preview, records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from memory_pipeline.settings import Settings

REASONS_SEARCHED = 5
"""Failure reasons, and kinds of intervention, that patterns are sought for: the most frequent ones."""

_IMPACT = (
    "rate",
    "base_rate",
    "risk_difference",
    "ci_low",
    "ci_high",
    "odds_ratio",
    "support",
    "lift",
    "leverage",
    "conviction",
    "zhang",
    "p_value",
    "family_wise_p_value",
    "q_value",
    "tier",
    "earlier_difference",
    "later_difference",
    "adjusted_difference",
    "adjusted_ci_low",
    "adjusted_ci_high",
    "stratified_difference",
    "stratified_by",
    "turns",
)
_SHOWN = ("sentence", "confidence", "tier", "q_value")


@memory_asset(group="patterns", kinds={"postgres", "scipy"}, deps=("outcome_evidence",))
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
    from memory_pipeline.analysis.patterns import matching_attempts, search_patterns  # noqa: PLC0415
    from memory_pipeline.analysis.patterns.retirement import explain_absence  # noqa: PLC0415
    from memory_pipeline.pipeline.monthly_evidence import read_evidence  # noqa: PLC0415
    from memory_pipeline.store.decisions import read_decisions  # noqa: PLC0415
    from memory_pipeline.store.findings import save_patterns  # noqa: PLC0415
    from memory_pipeline.store.identity import pattern_id  # noqa: PLC0415

    memory = memory_of(context)
    settings = memory.settings
    features, _, _ = read_features(memory)
    evidence, encoding = read_evidence(memory.frames)
    found = search_patterns(
        evidence,
        min_sample_size=settings.min_sample_size,
        fdr=settings.false_discovery_rate,
        targets=search_targets(features, settings),
        min_units=settings.min_units,
        tier=settings.pattern_tier,
    )
    searched = {
        target: {"searched": count, "found": int((found["target"] == target).sum())}
        for target, count in found.attrs["searched"].items()
    }
    best = found.sort_values(
        ["confidence", "q_value"], ascending=[False, True], kind="stable", ignore_index=True
    )
    ids = [pattern_id(row["target"], row["pattern_type"], row["conditions"]) for row in records(best)]
    decisions = read_decisions(memory.store, "pattern")
    decided = dict(zip(decisions["finding_id"], decisions["decision"], strict=True))
    has_place = have_place(ids, decided, settings.max_patterns)
    kept = best[has_place].reset_index(drop=True)
    encoded = encoding.apply(features)
    rows = [pattern_row(row, *matching_attempts(encoded, features, row)) for row in records(kept)]
    crowded_out = {one for one, has in zip(ids, has_place, strict=True) if not has}

    def explain(pattern: "Mapping[str, Any]") -> str:
        if pattern["id"] in crowded_out:
            return f"lost to MEMORY_MAX_PATTERNS ({settings.max_patterns}): it holds, others are more certain"
        return explain_absence(
            evidence,
            pattern,
            searched=searched,
            min_sample_size=settings.min_sample_size,
            min_units=settings.min_units,
        )

    retired = save_patterns(memory.store, rows, explain)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(rows),
            "found": len(best),
            "lost to MEMORY_MAX_PATTERNS": len(crowded_out),
            "retired": retired,
            "searched by target": json_value(searched),
            "effects": picture(charts.pattern_effects(pd.DataFrame(rows))),
            "preview": preview(kept, _SHOWN),
        }
    )


def search_targets(features: "pd.DataFrame", settings: "Settings") -> list[str]:
    """Name what patterns are sought for: success, interventions, and the frequent reasons and kinds.

    A reason or kind must occur with as many attempts and applications as a pattern must rest on. Where there
    is only one, it says the same as failure or intervention.
    """
    targets = ["success", "intervention"]
    for column in ("failure_reason", "intervention_kind"):
        groups = features.groupby(column)[settings.unit].agg(["size", "nunique"]).reset_index()
        if len(groups) == 1:
            continue
        enough = groups[
            (groups["size"] >= settings.min_sample_size) & (groups["nunique"] >= settings.min_units)
        ]
        frequent = enough.sort_values(["size", column], ascending=[False, True]).head(REASONS_SEARCHED)
        targets += [f"{column}={value}" for value in frequent[column]]
    return targets


def have_place(ids: "Sequence[str]", decided: "Mapping[str, str | None]", places: int) -> list[bool]:
    """Say which of the patterns found, the most certain first, are stored within MEMORY_MAX_PATTERNS.

    Those that a person keeps active have their place before all others, also while they are not found. Those
    that a person retired are stored, but take no place: they stay inactive.
    """
    free = places - sum(decision == "activate" for decision in decided.values())
    kept = []
    for one in ids:
        is_decided = decided.get(one) is not None
        kept.append(is_decided or free > 0)
        free -= not is_decided
    return kept


def pattern_row(pattern: dict[str, Any], related: list[str], related_count: int) -> dict[str, Any]:
    """Write a finding as a row of the table."""
    return {
        "pattern_type": pattern["pattern_type"],
        "pattern_name": pattern_name(pattern["conditions"]),
        "description": pattern["sentence"],
        "target": pattern["target"],
        "conditions": pattern["conditions"],
        "impact": {key: pattern[key] for key in _IMPACT},
        "confidence": pattern["confidence"],
        "sample_size": int(pattern["sample_size"]),
        "units": int(pattern["units"]),
        "related_outcomes": related,
        "related_count": related_count,
    }


def pattern_name(conditions: dict[str, str]) -> str:
    """Name a pattern by its conditions."""
    return " + ".join(f"{column} = {value}" for column, value in conditions.items())
