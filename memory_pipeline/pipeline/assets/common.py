"""What all assets share: how they are declared, and how they get at the memory."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import dagster as dg

from memory_pipeline.pipeline.metadata import column_schema
from memory_pipeline.rebuild.steps import step
from memory_pipeline.store.retries import do_again_when_away

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from memory_pipeline.store.session import Session

TEAM = "team:analysts"
RESOURCES = {"memory", "rebuild_lock"}


def memory_asset(
    *,
    group: str,
    kinds: set[str],
    deps: tuple[str, ...] | None = None,
    code_version: str = "1",
    schema: dg.TableSchema | None = None,
    metadata: Mapping[str, Any] | None = None,
    resources: Collection[str] = frozenset(RESOURCES),
    is_repeatable: bool = True,
) -> Callable[[Callable[..., dg.MaterializeResult[None]]], dg.AssetsDefinition]:
    """Declare an asset of the memory; its name and its description are the function's.

    Its `deps` are what the step of the same name reads (`rebuild.steps`); else those given.
    Raise `code_version` when the same input gives another result: the UI then shows what is out of date.
    Unless `is_repeatable` is off, it is done again where the database went away and came back.
    """
    shown = dict(metadata or {})

    def declare(compute: Callable[..., dg.MaterializeResult[None]]) -> dg.AssetsDefinition:
        described = {**shown, "dagster/column_schema": schema or column_schema(compute.__name__)}
        return dg.asset(
            group_name=group,
            kinds=kinds,
            deps=list(step(compute.__name__).reads if deps is None else deps),
            owners=[TEAM],
            code_version=code_version,
            required_resource_keys=set(resources),
            metadata=described,
        )(_repeated(compute) if is_repeatable else compute)

    return declare


def _repeated(
    compute: Callable[..., dg.MaterializeResult[None]],
) -> Callable[..., dg.MaterializeResult[None]]:
    @wraps(compute)
    def repeated(context: dg.AssetExecutionContext, **values: Any) -> dg.MaterializeResult[None]:
        return do_again_when_away(memory_of(context).store, lambda: compute(context, **values))

    return repeated


def memory_of(context: dg.AssetExecutionContext) -> Session:
    """Return the memory that a run works on."""
    memory: Session = context.resources.memory
    return memory
