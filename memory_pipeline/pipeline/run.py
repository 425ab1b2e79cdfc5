"""Running the rebuild in this process, against the memory's Dagster instance, with progress for a display."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from memory_pipeline.pipeline.instance import (
    LOCK_HOLDER_TAG,
    fail_abandoned_runs,
    lock_holder,
    open_instance,
    show_with_jobs,
)
from memory_pipeline.pipeline.progress import Watcher, is_step
from memory_pipeline.pipeline.triggers import BECAUSE_TAG
from memory_pipeline.rebuild.report import RebuildError, RebuildReport, warnings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dagster import ExecuteInProcessResult

    from memory_pipeline.rebuild.report import StepEvent
    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store

_NO_CONSOLE = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def rebuild(
    settings: Settings,
    store: Store,
    *,
    on_step: Callable[[StepEvent], None] | None = None,
    verbose: bool = False,
    only: Sequence[str] | None = None,
    trigger: str = "command",
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
    trigger
        Who or what asked for it, for the log of the analysis.

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
    from memory_pipeline.rebuild.after import after_rebuild  # noqa: PLC0415 - SciPy
    from memory_pipeline.store.rebuilds import clock  # noqa: PLC0415
    from memory_pipeline.store.session import open_session  # noqa: PLC0415

    with store.rebuild_lock(), _quiet(verbose=verbose), open_instance(settings, store) as instance:
        abandoned = fail_abandoned_runs(instance)
        memory = open_session(settings, store)
        memory.frames.remove_half_written()
        run_id = str(uuid4())
        watcher = Watcher(on_step or (lambda _: None))
        show_with_jobs(instance)
        instance.add_event_listener(run_id, watcher.on_event)
        began, began_at = time.monotonic(), clock(store)
        definitions = build_definitions(given_resources(memory), settings=settings)
        if only is None:
            job = definitions.resolve_job_def(JOB_NAME)
        else:
            selection = {AssetKey(name) for name in only}
            job = definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection=selection)
        watcher.steps = [node.name for node in job.nodes_in_topological_order if is_step(node.name)]
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            raise_on_error=False,
            run_config={} if verbose else _NO_CONSOLE,
            tags={LOCK_HOLDER_TAG: lock_holder(), BECAUSE_TAG: "command"},
        )
        seconds = time.monotonic() - began
        watcher.note_skipped()
    report = RebuildReport(
        run_id=run_id,
        seconds=seconds,
        steps=tuple(watcher.ended),
        warnings=warnings_of(watcher.failed_checks),
        abandoned_runs=tuple(abandoned),
    )
    violations = tuple(one for one in watcher.failed_checks if one.is_blocking)
    error = None if result.success else RebuildError(report, violations, otherwise=_run_failure(result))
    if only is None:
        after_rebuild(memory, report, trigger=trigger, began_at=began_at, violations=violations, error=error)
    if watcher.is_interrupted:
        raise KeyboardInterrupt
    if error is not None:
        raise error
    return report


@contextmanager
def _quiet(*, verbose: bool) -> Iterator[None]:
    """Keep Dagster's own log off stderr, also where it does not go through the run's loggers."""
    logger, root = logging.getLogger("dagster"), logging.getLogger()
    before = logger.level
    # A root without handlers gets one at the first warning, which would print what is below a warning too.
    plain = logging.lastResort if not root.handlers else None
    if plain is not None:
        root.addHandler(plain)
    if not verbose:
        logger.setLevel(logging.CRITICAL)
        root.addFilter(_is_news)
    try:
        yield
    finally:
        root.removeFilter(_is_news)
        logger.setLevel(before)
        if plain is not None:
            root.removeHandler(plain)


def _is_news(record: logging.LogRecord) -> bool:
    """Return whether a record of the root logger is not one of Dagster's about a database that is away.

    There are several for each try; what is said once in the end is enough.
    """
    return not record.getMessage().startswith("Retrying failed database connection")


def _run_failure(result: ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_job_failure and event.job_failure_data.error is not None:
            return event.job_failure_data.error.message.strip()
    return "no step reported an error; look at the run in the UI"
