"""The process of one job: `python -m memory_pipeline.server.job_process ID`.

It is a process of its own so that no answer waits for its work, and so that it outlives the server. It ends
when its job is cancelled: by an interrupt, which lets it put things in order, and a while later by force.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from memory_pipeline.memory import Memory
from memory_pipeline.settings import Settings
from memory_pipeline.store import jobs
from memory_pipeline.store.errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.rebuild.report import StepEvent

    Note = Callable[[dict[str, Any]], None]

_HEARTBEAT = 1.0
_PATIENCE = 20.0
"""Seconds from the interrupt to the end by force."""
_LONGEST_ERROR = 4_000


class JobFailedError(RuntimeError):
    """The work ended, and not well.

    Parameters
    ----------
    result
        What there is of it all the same.
    """

    def __init__(self, message: str, result: dict[str, Any]) -> None:
        super().__init__(message)
        self.result = result


def rebuild(memory: Memory, _: dict[str, Any], note: Note) -> dict[str, Any]:
    """Rebuild all findings; returns the run's id, its time, the rows of each asset, and the warnings."""
    from memory_pipeline.pipeline.run import rebuild as run_rebuild  # noqa: PLC0415 - imports Dagster

    ended: list[dict[str, Any]] = []

    def on_step(event: StepEvent) -> None:
        step = {key: value for key, value in vars(event).items() if value is not None}
        if event.state != "started":
            ended.append(
                {key: step[key] for key in ("step", "kind", "state", "rows", "seconds") if key in step}
            )
        note(step | {"ended": ended})

    report = run_rebuild(memory.settings, memory.store, on_step=on_step)
    return {
        "run_id": report.run_id,
        "seconds": round(report.seconds, 2),
        "rows": report.rows,
        "warnings": [str(one) for one in report.warnings],
    }


def discover(memory: Memory, arguments: dict[str, Any], note: Note) -> dict[str, Any]:
    """Find member patterns by statistics, then by Claude where there is a key and it was not left out."""
    note({"step": "statistics", "state": "started", "number": 0, "total": 2})
    by_category = memory.find_member_patterns()
    result: dict[str, Any] = {"patterns": sum(by_category.values()), "by_category": by_category}
    if arguments.get("statistics_only"):
        return result | {"discovery": None}
    from memory_pipeline.agent import PatternFinderAgent  # noqa: PLC0415

    note({"step": "claude", "state": "started", "number": 1, "total": 2})
    found = PatternFinderAgent(memory).discover_patterns(arguments.get("focus_areas") or (), trigger="server")
    result["discovery"] = found.to_dict()
    if not found.is_complete:
        raise JobFailedError(found.message, result)
    return result


WORK = {"rebuild": rebuild, "discover": discover}


def run_job(memory: Memory, identity: str) -> None:
    """Do the work of a job that waits, and write how far it is and how it ended."""
    store = memory.store
    with store.job_lock(identity):
        job = jobs.start_job(store, identity)
        if job is None:
            return
        _watch(memory, identity)
        try:
            result = WORK[job["kind"]](
                memory, job["arguments"], lambda progress: jobs.note_progress(store, identity, progress)
            )
        except KeyboardInterrupt:
            jobs.finish_job(store, identity, "cancelled", error="it was cancelled; what it wrote stands")
        except JobFailedError as error:
            jobs.finish_job(store, identity, "failed", result=error.result, error=str(error)[:_LONGEST_ERROR])
        except Exception as error:
            said = str(explain(error) or error)[:_LONGEST_ERROR] or type(error).__name__
            jobs.finish_job(store, identity, "failed", error=said)
            raise
        else:
            jobs.finish_job(store, identity, "succeeded", result=result)


def _watch(memory: Memory, identity: str) -> None:
    """Write that the process is alive every second, and end it when its job is cancelled."""

    def watch() -> None:
        asked_at: float | None = None
        while True:
            time.sleep(_HEARTBEAT)
            with suppress(SQLAlchemyError):
                if jobs.note_alive(memory.store, identity) and asked_at is None:
                    asked_at = time.monotonic()
                    os.kill(os.getpid(), signal.SIGINT)
            if asked_at is not None and time.monotonic() - asked_at > _PATIENCE:
                os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="watch").start()


def main(arguments: list[str]) -> None:
    """Run the job whose id is the only argument, on the memory that the settings name."""
    # A process that is started in the background ignores interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Memory.open(Settings()) as memory:
        run_job(memory, arguments[0])


if __name__ == "__main__":
    main(sys.argv[1:])
