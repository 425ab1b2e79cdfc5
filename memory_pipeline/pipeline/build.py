"""Putting the definitions together; everything that runs the graph starts here.

Concept: https://docs.dagster.io/api/dagster/definitions
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from memory_pipeline.contracts.contract import load_contracts
from memory_pipeline.pipeline import assets
from memory_pipeline.pipeline.alerting import alerts_sensor
from memory_pipeline.pipeline.asset_checks import build_contract_checks
from memory_pipeline.pipeline.jobs import (
    discovery_job,
    discovery_schedule,
    new_outcomes_sensor,
    rebuild_job,
    rebuild_schedule,
)
from memory_pipeline.pipeline.resources import default_resources
from memory_pipeline.pipeline.upkeep import (
    backup_job,
    backup_schedule,
    retention_job,
    retention_schedule,
)
from memory_pipeline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from memory_pipeline.contracts.contract import Contract


def build_definitions(
    resources: Mapping[str, Any] | None = None,
    *,
    contracts: Iterable[Contract] | None = None,
    settings: Settings | None = None,
) -> dg.Definitions:
    """Build the graph with everything around it; opens nothing and connects to nothing.

    Parameters
    ----------
    resources
        Overrides of the resources `memory` and `rebuild_lock`.
    contracts
        Contracts to check; by default all of `data_contracts/`.
    settings
        Settings of schedule and sensor; by default the environment's.
    """
    chosen = settings or Settings()
    job, discovery = rebuild_job(), discovery_job()
    return dg.Definitions(
        assets=assets.ALL,
        asset_checks=build_contract_checks(load_contracts() if contracts is None else contracts),
        jobs=[job, discovery, backup_job, retention_job],
        schedules=[
            rebuild_schedule(job, chosen),
            discovery_schedule(discovery, chosen),
            backup_schedule(chosen),
            retention_schedule(chosen),
        ],
        sensors=[new_outcomes_sensor(job, chosen), alerts_sensor()],
        resources=default_resources() | dict(resources or {}),
        # One process for all steps: the contracts' library is loaded once, and one lock covers the run.
        executor=dg.in_process_executor,
    )
