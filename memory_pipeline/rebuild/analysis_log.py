"""The log of the analysis: what a rebuild that ended did, whichever way it ran."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from memory_pipeline.rebuild.code_version import code_version
from memory_pipeline.store.analysis_log import changes_since, record_run
from memory_pipeline.store.rebuilds import clock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memory_pipeline.rebuild.report import CheckFailure, RebuildReport, StepEvent
    from memory_pipeline.store.session import Session


def log_rebuild(
    session: Session,
    report: RebuildReport,
    *,
    trigger: str,
    began_at: datetime,
    violations: Iterable[CheckFailure] = (),
    error: Exception | None = None,
    ended_at: datetime | None = None,
) -> None:
    """Record a rebuild that ended.

    Parameters
    ----------
    report
        What it did.
    trigger
        Who or what asked for it: `command`, `program`, `schedule`, `sensor`, or `Dagster's UI`.
    began_at, ended_at
        When it began, and ended: by default now.
    violations
        Blocking expectations that do not hold.
    error
        Why it did not finish; None where it did.
    """
    record_run(
        session.store,
        {
            "id": report.run_id or f"rebuild-{uuid4()}",
            "kind": "rebuild",
            "trigger": trigger,
            "state": "succeeded" if error is None else "failed",
            "began_at": began_at,
            "ended_at": ended_at or clock(session.store),
            "versions": versions(),
            "steps": [_step(one) for one in report.steps],
            "changes": changes_since(session.store, began_at),
            "warnings": [str(one) for one in report.warnings],
            "violations": [_violation(one) for one in violations],
            "error": None if error is None else str(error),
        },
    )


def versions() -> dict[str, str]:
    """Return what computes: the version of the project, a hash of its code, and Python's version."""
    return {
        "memory_pipeline": version("memory-pipeline"),
        "code": code_version("memory_pipeline.analysis", "memory_pipeline.rebuild"),
        "python": platform.python_version(),
    }


def _step(event: StepEvent) -> dict[str, Any]:
    kept = {key: value for key, value in asdict(event).items() if key not in {"number", "total"}}
    seconds = kept["seconds"]
    return kept | {"seconds": None if seconds is None else round(seconds, 3)}


def _violation(failure: CheckFailure) -> dict[str, str]:
    return {
        "contract": failure.contract,
        "expectation": failure.expectation,
        "observed": failure.observed,
        "why": failure.why,
    }
