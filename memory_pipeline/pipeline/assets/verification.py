"""Verification: whether advice that was served helped."""

from typing import TYPE_CHECKING

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of, read_features
from memory_pipeline.pipeline.metadata import markdown_table

if TYPE_CHECKING:
    import pandas as pd

    from memory_pipeline.store.session import Session

_HOME = "installer_type"


@memory_asset(group="learning", kinds={"postgres", "python"}, deps=("outcome_features",))
def advice_verification(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Whether following the advice changed anything, as far as the attempts that name it can tell.

    **What it is for.** Proof. Attempts report the id of the advice that they were given and whether they
    followed it. Where a share of the answers was withheld at random (MEMORY_CONTROL_SHARE), attempts with
    and without advice are compared as in an experiment. Otherwise followed and not followed are compared
    within strata of installer type and of difficulty, since advice is followed more on easy cases.

    **How to read it.** `gain` is the difference in success with its interval; `conclusive` says whether it
    excludes 0. *Not enough evidence* is an answer: each side needs 30 attempts of 5 applications
    that have a counterpart on the other side.
    """
    from memory_pipeline.analysis.learning.verification import verify_advice  # noqa: PLC0415
    from memory_pipeline.store.findings import save_verification  # noqa: PLC0415

    memory = memory_of(context)
    attempts, strata = advised_attempts(memory)
    found = verify_advice(attempts, unit=memory.settings.unit, strata=strata)
    save_verification(memory.store, found.to_dict())
    return dg.MaterializeResult(
        metadata={
            "did advice help": found.reason,
            "attempts that name advice": len(attempts),
            "verification": dg.MetadataValue.md(
                markdown_table([{"what": key, "value": value} for key, value in found.to_dict().items()])
            ),
        }
    )


def advised_attempts(memory: "Session") -> tuple["pd.DataFrame", list[str]]:
    """Read the attempts that name advice, with their strata: the installer type and the difficulty."""
    from memory_pipeline.analysis.learning.prognosis import prognostic_bands, prognostic_score  # noqa: PLC0415
    from memory_pipeline.store.reads import read_advised_outcomes  # noqa: PLC0415

    unit = memory.settings.unit
    features, _, known = read_features(memory)
    advised = read_advised_outcomes(memory.store)[["id", "followed", "is_control", "served_at"]]
    attempts = features.merge(advised, on="id", how="inner")
    first = advised["served_at"].min()
    history = features[~features["id"].isin(advised["id"])]
    if len(advised):
        history = history[history["occurred_at"] < first]
    expected = prognostic_score(
        attempts, history, context=[column for column in known if column != unit], unit=unit
    )
    attempts["difficulty"] = prognostic_bands(expected)
    return attempts, [*([_HOME] if _HOME in attempts else []), "difficulty"]
