"""Running the rebuild in this process, against the memory's Dagster instance, with progress for a display."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from memory_pipeline.pipeline.instance import (
    LOCK_HOLDER_TAG,
    fail_abandoned_runs,
    lock_holder,
    open_instance,
)
from memory_pipeline.pipeline.progress import CheckFailure, StepEvent, Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dagster import ExecuteInProcessResult

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store
    from memory_pipeline.store.frames import FrameStore

_NO_CONSOLE = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class RebuildReport:
    """What a rebuild did.

    Parameters
    ----------
    run_id
        Dagster's id of the run; the UI shows it under `/runs/<run_id>`.
    seconds
        How long it took.
    steps
        The steps that ended, in order.
    warnings
        Expectations that do not hold and do not block.
    abandoned_runs
        Ids of earlier runs whose process had been killed; they are marked as failed now.
    """

    run_id: str
    seconds: float
    steps: tuple[StepEvent, ...]
    warnings: tuple[CheckFailure, ...]
    abandoned_runs: tuple[str, ...]

    @property
    def rows(self) -> dict[str, int]:
        """Rows per asset."""
        return {one.step: one.rows for one in self.steps if one.rows is not None}


class RebuildError(RuntimeError):
    """The rebuild did not finish; the message says which steps failed and why.

    Parameters
    ----------
    report
        What was done up to there.
    violations
        The blocking expectations that do not hold.
    """

    def __init__(self, message: str, report: RebuildReport, violations: tuple[CheckFailure, ...]) -> None:
        super().__init__(message)
        self.report = report
        self.violations = violations


def rebuild(
    settings: Settings,
    store: Store,
    *,
    on_step: Callable[[StepEvent], None] | None = None,
    verbose: bool = False,
    only: Sequence[str] | None = None,
) -> RebuildReport:
    """Work out all findings anew, in this process.

    Parameters
    ----------
    settings, store
        The memory.
    on_step
        Called when a step begins and ends, for a display; in this thread.
    verbose
        Whether Dagster's own log goes to stderr.
    only
        Names of the assets to work out; None for all. What the others found stays as it is, and nobody takes
        it for a rebuild: what is new is new to the others still.

    Returns
    -------
    RebuildReport
        What was done.

    Raises
    ------
    RebuildInProgressError
        When another process rebuilds this memory.
    RebuildError
        When a step failed or a critical contract was violated. Independent steps were done all the same.
    KeyboardInterrupt
        When the process was interrupted (Ctrl-C); the run is marked as failed.
    """
    from dagster import AssetKey  # noqa: PLC0415

    from memory_pipeline.pipeline.build import build_definitions  # noqa: PLC0415 - imports Dagster
    from memory_pipeline.pipeline.jobs import JOB_NAME  # noqa: PLC0415
    from memory_pipeline.pipeline.resources import given_resources  # noqa: PLC0415
    from memory_pipeline.store.session import open_session  # noqa: PLC0415

    with store.rebuild_lock(), open_instance(settings, store) as instance, _quiet(verbose=verbose):
        abandoned = fail_abandoned_runs(instance)
        memory = open_session(settings, store)
        _remove_half_written(memory.frames)
        run_id = str(uuid4())
        watcher = Watcher(on_step or (lambda _: None))
        instance.add_event_listener(run_id, watcher.on_event)
        began = time.monotonic()
        definitions = build_definitions(given_resources(memory), settings=settings)
        if only is None:
            job = definitions.resolve_job_def(JOB_NAME)
        else:
            selection = {AssetKey(name) for name in only}
            job = definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection=selection)
        watcher.steps = [node.name for node in job.nodes_in_topological_order]
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            raise_on_error=False,
            run_config={} if verbose else _NO_CONSOLE,
            tags={LOCK_HOLDER_TAG: lock_holder(), "memory_pipeline/because": "command"},
        )
        seconds = time.monotonic() - began
        watcher.note_skipped()
    if watcher.is_interrupted:
        raise KeyboardInterrupt
    report = RebuildReport(
        run_id=run_id,
        seconds=seconds,
        steps=tuple(watcher.ended),
        warnings=tuple(one for one in watcher.failed_checks if not one.is_blocking),
        abandoned_runs=tuple(abandoned),
    )
    if not result.success:
        violations = tuple(one for one in watcher.failed_checks if one.is_blocking)
        raise RebuildError(_explain(result, report, violations), report, violations)
    return report


def _remove_half_written(frames: FrameStore) -> None:
    """Remove what killed processes began to write; whoever holds the rebuild lock is the only writer."""
    for path in frames.filesystem.glob(f"{frames.root}/*.part"):
        frames.filesystem.rm(path)


@contextmanager
def _quiet(*, verbose: bool) -> Iterator[None]:
    """Keep Dagster's own log off stderr, also where it does not go through the run's loggers."""
    logger = logging.getLogger("dagster")
    before = logger.level
    if not verbose:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _explain(
    result: ExecuteInProcessResult, report: RebuildReport, violations: tuple[CheckFailure, ...]
) -> str:
    """Write what went wrong: each violated contract and each failed asset, then what was not done."""
    lines = ["the rebuild did not finish:"]
    lines += [f"  contract {one}" for one in violations]
    broken = {one.contract for one in violations}
    lines += [
        f"  {one.kind} {one.step} failed: {one.message}"
        for one in report.steps
        if one.state == "failed" and not (one.kind == "contract" and one.step in broken)
    ]
    if len(lines) == 1:
        lines.append(f"  {_run_failure(result)}")
    skipped = [one.step for one in report.steps if one.state == "skipped" and one.kind == "asset"]
    if skipped:
        lines.append(f"  not done because of it: {', '.join(skipped)}")
    lines.append(
        "What the steps before it wrote stands, the rest is as it was. "
        "Mend the cause and run `memory-pipeline rebuild` again."
    )
    return "\n".join(lines)


def _run_failure(result: ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_job_failure and event.job_failure_data.error is not None:
            return event.job_failure_data.error.message.strip()
    return "no step reported an error; look at the run in the UI"
