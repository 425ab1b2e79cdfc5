"""Verification: whether advice that was served helped."""

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import markdown_table


@memory_asset(group="learning", kinds={"postgres", "python"})
def advice_verification(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Whether following the advice changed anything, as far as the attempts that name it can tell.

    **What it is for.** Proof. Attempts report the id of the advice that they were given and whether they
    followed it. Where a share of the answers was withheld at random (MEMORY_CONTROL_SHARE), attempts with
    and without advice are compared as in an experiment. Otherwise followed and not followed are compared,
    within applications and adjusted for all that is recorded (doubly robust), since advice is followed more
    on easy cases; what nobody recorded stays in the difference.

    **How to read it.** `verdict` is what may be said: *helped* by an experiment alone, and only where the
    interval that holds at every look (`anytime_low` to `anytime_high`) excludes 0; *consistent with helping*
    otherwise, with the strength that something unrecorded would need to explain it away (`e_value`). *Not
    enough evidence* is an answer: each side needs 30 attempts of 5 applications that can be compared.
    """
    from memory_pipeline.rebuild.verification import update_verification  # noqa: PLC0415 - needs scipy

    updated = update_verification(memory_of(context))
    found = updated.verification
    return dg.MaterializeResult(
        metadata={
            "did advice help": found.reason,
            "verdict": found.verdict,
            "attempts that name advice": len(updated.attempts.frame),
            "verification": dg.MetadataValue.md(
                markdown_table([{"what": key, "value": value} for key, value in found.to_dict().items()])
            ),
        }
    )
