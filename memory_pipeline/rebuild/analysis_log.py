"""The log of the analysis: what a rebuild or a discovery that ended did, whichever way it ran."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from memory_pipeline.rebuild.code_version import code_version
from memory_pipeline.store.analysis_log import WITHOUT_DAGSTER, changes_since, record_run
from memory_pipeline.store.rebuilds import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from memory_pipeline.rebuild.report import CheckFailure, RebuildReport, StepEvent
    from memory_pipeline.store.database import Store
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
            "id": report.run_id or f"{WITHOUT_DAGSTER}{uuid4()}",
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


def log_discovery(
    store: Store, found: Mapping[str, Any], *, trigger: str, began_at: datetime, is_complete: bool
) -> None:
    """Record a discovery that ended, also one that failed, was interrupted or reached its limits.

    Parameters
    ----------
    found
        Its row of `discovery_runs`, with its `id`.
    trigger
        Who or what asked for it, as in `log_rebuild`.
    began_at
        When it began; it ended now.
    is_complete
        Whether nothing is missing.
    """
    ended_at = clock(store)
    state = "succeeded" if is_complete else "failed"
    step = {
        "step": "conversation with Claude",
        "kind": "discovery",
        "state": state,
        "rows": len(found["claims"]),
        "seconds": round((ended_at - began_at).total_seconds(), 3),
        "message": found["message"],
    }
    counted = ("patterns_created", "patterns_updated", "claims_refused")
    spent = ("turns", "requests", "retries", "refusals", "input_tokens", "output_tokens", "cost_usd")
    refused = [
        f"refused: {claim['name']}: {claim['reason']}"
        for claim in found["claims"]
        if claim["verdict"] == "refused"
    ]
    record_run(
        store,
        {
            "id": found["id"],
            "kind": "discovery",
            "trigger": trigger,
            "state": state,
            "began_at": began_at,
            "ended_at": ended_at,
            "versions": {**versions(), "model": found["model"]},
            "steps": [step],
            "changes": {name: found[name] for name in (*counted, *spent)},
            "warnings": refused,
            "violations": [],
            "error": None if is_complete else found["message"],
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
