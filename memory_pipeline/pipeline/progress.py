"""A rebuild step by step: Dagster's events turned into what a display and a report need."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from memory_pipeline.rebuild.report import CheckFailure, StepEvent
from memory_pipeline.rebuild.steps import SOURCES, STEPS
from memory_pipeline.store.errors import explain_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from dagster import EventLogEntry
    from dagster._core.events import DagsterEvent

CONTRACT_SUFFIX = "_contract"
"""What is behind an asset's name in the name of the step that evaluates its contract."""
_OF_A_REBUILD = frozenset((*SOURCES, *(one.name for one in STEPS)))


def is_step(name: str) -> bool:
    """Return whether a step of a run, or an asset, is one of a rebuild; the alerts after it are not."""
    return name.removesuffix(CONTRACT_SUFFIX) in _OF_A_REBUILD


@dataclass
class Watcher:
    """Turns a run's events into what a display and a report need.

    Attributes
    ----------
    on_step
        Called when a step begins and ends.
    steps
        Names of the steps that are to run, in their order.
    ended, failed_checks, rows, is_interrupted
        What happened.
    """

    on_step: Callable[[StepEvent], None]
    steps: list[str] = field(default_factory=list)
    ended: list[StepEvent] = field(default_factory=list)
    failed_checks: list[CheckFailure] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    is_interrupted: bool = False

    def on_event(self, entry: EventLogEntry) -> None:
        """Take note of one event of the run."""
        from dagster import DagsterEventType  # noqa: PLC0415

        event = entry.dagster_event
        if event is None:
            return
        kind = event.event_type
        if kind == DagsterEventType.ASSET_MATERIALIZATION and event.asset_key is not None:
            count = event.materialization.metadata.get("dagster/row_count")
            name = event.asset_key.to_user_string()
            if is_step(name) and count is not None and isinstance(count.value, int):
                self.rows[name] = count.value
        elif kind == DagsterEventType.ASSET_CHECK_EVALUATION:
            self._note_check(event)
        elif event.step_key is not None and is_step(event.step_key):
            self._note_step(event, event.step_key)

    def _note_check(self, event: DagsterEvent) -> None:
        check = event.asset_check_evaluation_data
        if check.passed:
            return
        said = {key: str(value.value) for key, value in check.metadata.items()}
        self.failed_checks.append(
            CheckFailure(
                contract=check.asset_key.to_user_string(),
                expectation=check.check_name,
                outcome=said.get("outcome", "failed"),
                observed=said.get("observed", ""),
                why=said.get("why", ""),
                is_blocking=bool(check.blocking),
            )
        )

    def note_skipped(self) -> None:
        """Report the steps that never began, because of a failure before them."""
        over = {(one.step, one.kind) for one in self.ended}
        for key in self.steps:
            begun = self._started(key)
            if (begun.step, begun.kind) not in over:
                self._end(replace(begun, state="skipped"))

    def _started(self, key: str) -> StepEvent:
        kind = "contract" if key.endswith(CONTRACT_SUFFIX) else "asset"
        name = key.removesuffix(CONTRACT_SUFFIX)
        return StepEvent(name, kind, "started", len(self.ended), len(self.steps))

    def _end(self, event: StepEvent) -> None:
        ended = replace(event, number=len(self.ended) + 1)
        self.ended.append(ended)
        self.on_step(ended)

    def _note_step(self, event: DagsterEvent, key: str) -> None:
        began = self._started(key)
        if event.is_step_start:
            self.on_step(began)
            return
        if event.is_step_success:
            duration = event.step_success_data.duration_ms / 1000
            rows = self.rows.get(began.step) if began.kind == "asset" else None
            self._end(replace(began, state="succeeded", seconds=duration, rows=rows))
        elif event.is_step_failure:
            message = _reason(event)
            self.is_interrupted |= message.startswith("DagsterExecutionInterruptedError")
            self._end(replace(began, state="failed", message=message))


def _reason(event: DagsterEvent) -> str:
    """Return the error that a step's own code raised, without what Dagster wraps it in."""
    error = event.step_failure_data.error
    if error is None:
        return "no error was reported"
    if error.cls_name == "DagsterExecutionStepExecutionError" and error.cause is not None:
        error = error.cause
    # The message begins with the class, and where it was defined.
    said = error.message.split(f"{error.cls_name}: ", 1)[-1].strip()
    meaning = explain_message(said)
    return f"{error.cls_name}: {said}" if meaning == said else meaning
