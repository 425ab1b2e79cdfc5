"""What a rebuild tells while it runs and afterwards, whichever way it is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory_pipeline.rebuild.steps import SOURCES, only_from

if TYPE_CHECKING:
    from collections.abc import Iterable

HAS_ROWS = "has_rows"
"""The expectation, in every contract that has it, that there is anything at all."""


@dataclass(frozen=True)
class StepEvent:
    """One step of a rebuild began or ended.

    Parameters
    ----------
    step
        Name of the step, or of the step whose contract is evaluated.
    kind
        `asset` or `contract`.
    state
        `started`, `succeeded`, `failed`, or `skipped` (because of a failure before it).
    number, total
        How many steps have ended, and how many there are.
    rows
        Rows that the step's table or frame has now, where it has rows; known when it succeeded.
    seconds
        How long the step took; known when it ended.
    message
        Why it failed.
    """

    step: str
    kind: str
    state: str
    number: int
    total: int
    rows: int | None = None
    seconds: float | None = None
    message: str | None = None


@dataclass(frozen=True)
class CheckFailure:
    """An expectation of a contract that was violated or could not be evaluated."""

    contract: str
    expectation: str
    outcome: str
    observed: str
    why: str
    is_blocking: bool

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.contract}.{self.expectation} {self.outcome}: {self.observed}. {self.why}"


def warnings_of(failures: Iterable[CheckFailure]) -> tuple[CheckFailure, ...]:
    """Return the failures that do not block, without those that another one explains.

    Where a source has no rows, the steps that rest on it alone have none either: one line says so.
    """
    shown = [one for one in failures if not one.is_blocking]
    empty = {one.contract for one in shown if one.expectation == HAS_ROWS}
    explained = {name for source in empty.intersection(SOURCES) for name in only_from(source)}
    return tuple(one for one in shown if not (one.expectation == HAS_ROWS and one.contract in explained))


@dataclass(frozen=True)
class RebuildReport:
    """What a rebuild did.

    Parameters
    ----------
    run_id
        Dagster's id of the run; the UI shows it under `/runs/<run_id>`. None where Dagster did not run it.
    seconds
        How long it took.
    steps
        The steps that ended, in order.
    warnings
        Expectations that do not hold and do not block.
    abandoned_runs
        Ids of earlier runs whose process had been killed; they are marked as failed now.
    """

    run_id: str | None
    seconds: float
    steps: tuple[StepEvent, ...]
    warnings: tuple[CheckFailure, ...]
    abandoned_runs: tuple[str, ...] = ()

    @property
    def rows(self) -> dict[str, int]:
        """Rows per step."""
        return {one.step: one.rows for one in self.steps if one.rows is not None}


class RebuildError(RuntimeError):
    """The rebuild did not finish; the message says which steps failed and why.

    Parameters
    ----------
    report
        What was done up to there.
    violations
        The blocking expectations that do not hold.
    otherwise
        What went wrong, where neither a contract nor a step says so.
    """

    def __init__(
        self, report: RebuildReport, violations: tuple[CheckFailure, ...], *, otherwise: str = ""
    ) -> None:
        super().__init__(_explain(report, violations, otherwise))
        self.report = report
        self.violations = violations


def _explain(report: RebuildReport, violations: tuple[CheckFailure, ...], otherwise: str) -> str:
    """Return what went wrong: each violated contract and each failed step, then what was not done."""
    lines = ["the rebuild did not finish:"]
    lines += [f"  contract {one}" for one in violations]
    broken = {one.contract for one in violations}
    lines += [
        f"  {one.kind} {one.step} failed: {one.message}"
        for one in report.steps
        if one.state == "failed" and not (one.kind == "contract" and one.step in broken)
    ]
    if len(lines) == 1:
        lines.append(f"  {otherwise}")
    skipped = [one.step for one in report.steps if one.state == "skipped" and one.kind == "asset"]
    if skipped:
        lines.append(f"  not done because of it: {', '.join(skipped)}")
    lines.append(
        "What the steps before it wrote stands, the rest is as it was. "
        "Mend the cause and run `memory-pipeline rebuild` again."
    )
    return "\n".join(lines)
