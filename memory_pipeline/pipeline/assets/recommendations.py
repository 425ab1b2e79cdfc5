"""Recommendations: for each context that occurs, what to do and what to avoid."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of, read_features
from memory_pipeline.pipeline.metadata import markdown_table, picture, preview, records

if TYPE_CHECKING:
    from memory_pipeline.store.session import Session

MAX_CHANGES = 20
_BY = ("application_type", "installer_type")
_SHOWN = (*_BY, "recommended_approach", "success_rate", "ci_low", "ci_high", "confidence", "sample_size")
_PREVIEW = (*_BY, "recommended_approach", "success_rate", "confidence", "sample_size")


@memory_asset(
    group="recommendations",
    kinds={"postgres", "python"},
    deps=("success_factors", "outcome_evidence"),
)
def approach_recommendations(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """For each application type and installer type that occurs: what to do, what to avoid, what to expect.

    **What it is for.** The answer to "how should I package this?", worked out beforehand for every context
    that the history has. Small samples borrow strength from the installer type and from everything; the
    same policy answers questions about other contexts.

    **How to read it.** `success_rate` is what to expect with the advised approach, with its interval.
    An empty `recommended_approach` means *not enough evidence* (MEMORY_CONFIDENCE_THRESHOLD,
    MEMORY_MIN_SAMPLE_SIZE), which is an answer. What a rebuild changed, and why, is a table in the metadata
    (`advice_changes`); where a change over time was detected, older evidence is left out and said to be.
    No advice rests on a factor that a person suppressed; the reasons say who decided so.
    """
    import pandas as pd  # noqa: PLC0415

    from memory_pipeline import charts  # noqa: PLC0415 - imports Altair
    from memory_pipeline.analysis.recommendations.current import fit_current_policy  # noqa: PLC0415
    from memory_pipeline.analysis.recommendations.table import (  # noqa: PLC0415
        advise_contexts,
        contexts_that_occur,
        levels_of,
        with_decisions,
    )
    from memory_pipeline.settings import parse_interval  # noqa: PLC0415
    from memory_pipeline.store.decisions import read_factor_decisions, read_nameable_patterns  # noqa: PLC0415
    from memory_pipeline.store.findings import save_advice_changes, save_recommendations  # noqa: PLC0415
    from memory_pipeline.store.frames import POLICY  # noqa: PLC0415 - needs pyarrow

    memory = memory_of(context)
    settings = memory.settings
    features, approach, known = read_features(memory)
    half_life = settings.evidence_half_life
    policy = fit_current_policy(
        features,
        approach=approach,
        context=[column for column in known if column != settings.unit],
        unit=settings.unit,
        patterns=read_nameable_patterns(memory.store),
        min_sample_size=settings.min_sample_size,
        confidence_threshold=settings.confidence_threshold,
        half_life=None if half_life is None else parse_interval(half_life),
    )
    # A decision that is made meanwhile waits, and then finds this policy.
    with memory.store.advice_lock():
        policy = with_decisions(policy, read_factor_decisions(memory.store, levels_of(policy)))
        before, policy_before = earlier_advice(memory)
        rows, changes = advise_contexts(
            policy, contexts_that_occur(features), before=before, policy_before=policy_before
        )
        memory.frames.write_json(POLICY, policy.to_dict())
        save_recommendations(memory.store, rows)
        save_advice_changes(memory.store, changes)
    shown = pd.DataFrame(rows, columns=[*_SHOWN, "conditions"])
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(rows),
            "contexts with advice": sum(row["recommended_approach"] is not None for row in rows),
            "policy version": policy.version,
            "changes of the advice": dg.MetadataValue.md(markdown_table(changes[:MAX_CHANGES])),
            "decided by persons": dg.MetadataValue.md(
                markdown_table([{"decision": one.sentence} for one in policy.decisions])
            ),
            "drift": dg.MetadataValue.md(markdown_table(policy.changes)),
            "expected success": picture(charts.recommendation_rates(shown)),
            "preview": preview(shown, _PREVIEW),
        }
    )


def earlier_advice(memory: "Session") -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Read the recommendation table and the policy that the rebuild before left."""
    from memory_pipeline.store.frames import POLICY  # noqa: PLC0415 - needs pyarrow
    from memory_pipeline.store.models import ApproachRecommendation  # noqa: PLC0415
    from memory_pipeline.store.reads import read_table  # noqa: PLC0415

    rows = read_table(memory.store, ApproachRecommendation)
    try:
        policy = memory.frames.read_json(POLICY)
    except FileNotFoundError:
        policy = {}
    return records(rows), policy
