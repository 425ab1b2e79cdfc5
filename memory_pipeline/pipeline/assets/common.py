"""What all assets share: how they are declared, and how they get at the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from memory_pipeline.pipeline.metadata import column_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import pandas as pd

    from memory_pipeline.store.session import Session

TEAM = "team:analysts"
RESOURCES = {"memory", "rebuild_lock"}


def memory_asset(
    *,
    group: str,
    kinds: set[str],
    deps: tuple[str, ...] = (),
    code_version: str = "1",
    schema: dg.TableSchema | None = None,
    metadata: Mapping[str, Any] | None = None,
    resources: Collection[str] = frozenset(RESOURCES),
) -> Callable[[Callable[..., dg.MaterializeResult[None]]], dg.AssetsDefinition]:
    """Declare an asset of the memory; its name and its description are the function's.

    Raise `code_version` when the same input gives another result: the UI then shows what is out of date.
    """
    shown = dict(metadata or {})

    def declare(compute: Callable[..., dg.MaterializeResult[None]]) -> dg.AssetsDefinition:
        described = {**shown, "dagster/column_schema": schema or column_schema(compute.__name__)}
        return dg.asset(
            group_name=group,
            kinds=kinds,
            deps=list(deps),
            owners=[TEAM],
            code_version=code_version,
            required_resource_keys=set(resources),
            metadata=described,
        )(compute)

    return declare


def memory_of(context: dg.AssetExecutionContext) -> Session:
    """Give the memory that a run works on."""
    memory: Session = context.resources.memory
    return memory


def read_features(memory: Session) -> tuple[pd.DataFrame, tuple[str, ...], tuple[str, ...]]:
    """Read the flat attempts, and which of the columns are approach and which context.

    Raises
    ------
    ValueError
        When the evidence unit that is set is not one of the columns.
    """
    frame, info = memory.frames.read("outcome_features")
    unit = memory.settings.unit
    if unit not in frame:
        raise ValueError(f"MEMORY_UNIT is {unit!r}, which no attempt has; use one of {sorted(frame.columns)}")
    return frame, tuple(info["approach"]), tuple(info["context"])
