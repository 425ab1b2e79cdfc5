"""What assets, checks and the sensor get handed: the memory's settings, database and frames, and the lock.

Concept: https://docs.dagster.io/guides/build/external-resources
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from memory_pipeline.pipeline.instance import LOCK_HOLDER_TAG, fail_abandoned_runs, lock_holder
from memory_pipeline.settings import Settings
from memory_pipeline.store.session import Session, open_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def default_resources() -> dict[str, Any]:
    """Return the resources of the UI, the schedule and the sensor: what the environment's settings name."""
    return {"memory": _memory_of_environment, "rebuild_lock": _lock_of_run}


def given_resources(memory: Session) -> dict[str, Any]:
    """Return the resources of a caller that opened the memory and has the rebuild lock."""
    return {"memory": memory, "rebuild_lock": True}


@dg.resource(description="The memory that the MEMORY_* settings name: database, Parquet frames, settings.")
def _memory_of_environment(_context: dg.InitResourceContext) -> Session:
    return open_session(Settings())


@dg.resource(
    description="Lets one run at a time write the analysis; a run fails at once where another one writes.",
    required_resource_keys={"memory"},
)
def _lock_of_run(context: dg.InitResourceContext) -> Iterator[bool]:
    memory: Session = context.resources.memory
    with memory.store.rebuild_lock():
        if context.run is not None and context.instance is not None:
            fail_abandoned_runs(context.instance)
            tags: Mapping[str, str] = {LOCK_HOLDER_TAG: lock_holder()}
            context.instance.add_run_tags(context.run.run_id, tags)
        yield True
