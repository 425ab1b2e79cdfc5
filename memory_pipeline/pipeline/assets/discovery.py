"""Claude's look at the members: it costs money, so no rebuild and no running schedule includes it."""

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import markdown_table

BY_HAND = "__ASSET_JOB"
"""Dagster's own name for the job of what its UI materializes."""
_LEFT_OUT = (
    "It costs money, so it is left out where several assets are materialized at once, as by `Materialize "
    "all`. Materialize it alone, or run the job discover_member_patterns."
)


class DiscoveryConfig(dg.Config):
    """What a discovery is asked to look at first."""

    focus_areas: list[str] = []  # noqa: RUF012 - pydantic copies it


@memory_asset(
    group="members",
    kinds={"postgres", "python"},
    deps=("member_patterns",),
    resources={"memory"},
    is_repeatable=False,  # it costs money
)
def discovery_runs(context: dg.AssetExecutionContext, config: DiscoveryConfig) -> dg.MaterializeResult[None]:
    """Patterns that Claude proposes among the members, each verified by code; one row per run.

    **What it is for.** Claude joins what statistics found into stories, names them, asks questions, and finds
    links that a search for sets does not. It needs ANTHROPIC_API_KEY and costs money, up to
    MEMORY_DISCOVERY_MAX_COST; without a key it does nothing and says so. The patterns themselves go to
    `member_patterns`' table, with `found_by` claude.

    **How to read it.** `status` says how the run ended; other than complete, something is missing, and
    `message` says what and what to do. `claims` lists everything that was proposed, and why what was refused
    was refused. What the model says is a claim; what `evidence.verified` of a pattern says was recomputed.
    """
    if context.run.job_name == BY_HAND and len(set(context.job_def.asset_layer.executable_asset_keys)) > 1:
        return dg.MaterializeResult(metadata={"status": "left out", "message": _LEFT_OUT})
    from memory_pipeline.agent import PatternFinderAgent  # noqa: PLC0415
    from memory_pipeline.pipeline.triggers import trigger_of  # noqa: PLC0415
    from memory_pipeline.service.members import MemberService  # noqa: PLC0415

    resource = memory_of(context)
    agent = PatternFinderAgent(MemberService(resource.settings, resource.store, resource.frames))
    result = agent.discover_patterns(config.focus_areas, trigger=trigger_of(context.run.tags))
    used = result.usage
    metadata: dict[str, dg.MetadataValue | str | int | float] = {
        "dagster/row_count": 1,
        "status": result.status,
        "message": result.message,
        "run": result.run_id,
        "model": used.model,
        "turns": used.turns,
        "requests": used.requests,
        "retries": used.retries,
        "refusals": used.refusals,
        "tokens": used.tokens,
        "cost in US dollars": "unknown" if used.cost_usd is None else round(used.cost_usd, 4),
        "prices as of": result.prices_as_of,
        "patterns created": result.counted("created"),
        "patterns updated": result.counted("updated"),
        "claims refused": result.counted("refused"),
        "claims": dg.MetadataValue.md(markdown_table(result.claims, columns=["name", "verdict", "reason"])),
    }
    if not result.is_complete:
        raise dg.Failure(description=result.message, metadata=metadata, allow_retries=False)
    return dg.MaterializeResult(metadata=metadata)
