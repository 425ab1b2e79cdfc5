"""Running a rebuild in this process without Dagster: all steps in order, each followed by its contract."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from memory_pipeline.contracts.contract import load_contracts
from memory_pipeline.rebuild.report import (
    CheckFailure,
    RebuildError,
    RebuildReport,
    StepEvent,
    warnings_of,
)
from memory_pipeline.rebuild.steps import SOURCES, STEPS
from memory_pipeline.store.errors import explain
from memory_pipeline.store.retries import do_again_when_away

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from memory_pipeline.contracts.contract import Contract
    from memory_pipeline.store.session import Session


class StepResult(Protocol):
    """What every step returns: beside its own, how many rows its table or frame has; None for a verdict."""

    @property
    def rows(self) -> int | None:
        """Rows."""


def rebuild(
    session: Session,
    *,
    on_step: Callable[[StepEvent], None] | None = None,
    contracts: Iterable[Contract] | None = None,
    trigger: str = "program",
) -> RebuildReport:
    """Compute all findings anew, in this process and without Dagster.

    The tables and frames are those that the Dagster job leaves, and `store.reads.last_rebuild` counts it; the
    UI does not show it.

    Parameters
    ----------
    session
        The memory.
    on_step
        Called when a step begins and ends, for a display.
    contracts
        Contracts to evaluate; by default all of `data_contracts/`.
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
        When a step failed or a critical contract was violated. Steps that do not depend on it were done all
        the same; the first step's own exception is the cause.
    """
    from memory_pipeline.rebuild.after import after_rebuild  # noqa: PLC0415 - SciPy
    from memory_pipeline.store.rebuilds import clock, record_rebuild  # noqa: PLC0415 - needs SQLAlchemy

    by_name = {one.name: one for one in (load_contracts() if contracts is None else contracts)}
    began = time.monotonic()
    with session.store.rebuild_lock():
        began_at = clock(session.store)
        session.frames.remove_half_written()
        run = _Run(session, by_name, on_step or (lambda _: None))
        run.go()
        report = RebuildReport(
            run_id=None,
            seconds=time.monotonic() - began,
            steps=tuple(run.ended),
            warnings=warnings_of(run.failures),
        )
        violations = tuple(one for one in run.failures if one.is_blocking)
        error = RebuildError(report, violations) if run.broken else None
        if error is None:
            record_rebuild(session.store, began_at)
    after_rebuild(session, report, trigger=trigger, began_at=began_at, violations=violations, error=error)
    if error is not None:
        raise error from run.first_error
    return report


@dataclass
class _Run:
    """The state of one rebuild: what has ended, and what must not be built on."""

    session: Session
    contracts: Mapping[str, Contract]
    on_step: Callable[[StepEvent], None]
    ended: list[StepEvent] = field(default_factory=list)
    failures: list[CheckFailure] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    first_error: Exception | None = None
    total: int = 0

    def go(self) -> None:
        functions = _functions()
        order = [*((name, ()) for name in SOURCES), *((one.name, one.reads) for one in STEPS)]
        self.total = len(order) + sum(name in self.contracts for name, _ in order)
        for name, reads in order:
            if self.broken.intersection(reads):
                self.broken.add(name)
                self._skip(name)
            elif self._do(name, "asset", partial(self._rows, functions[name])):
                if name in self.contracts:
                    self._do(name, "contract", partial(self._check, self.contracts[name]))
            elif name in self.contracts:
                self._end(self._event(name, "contract", "skipped"))

    def _do(self, name: str, kind: str, work: Callable[[], int | None]) -> bool:
        """Do one thing, and return whether what is downstream may build on it."""
        started = self._event(name, kind, "started")
        self.on_step(started)
        began = time.monotonic()
        try:
            rows = do_again_when_away(self.session.store, work)
        except Exception as error:  # noqa: BLE001 - reported in the end; what does not depend on it goes on
            self.broken.add(name)
            if not isinstance(error, _ContractViolatedError):
                self.first_error = self.first_error or error
            message = str(explain(error) or f"{type(error).__name__}: {error}")
            self._end(replace(started, state="failed", message=message))
            return False
        self._end(replace(started, state="succeeded", seconds=time.monotonic() - began, rows=rows))
        return True

    def _rows(self, function: Callable[[Session], StepResult]) -> int | None:
        return function(self.session).rows

    def _check(self, contract: Contract) -> None:
        from memory_pipeline.contracts.check import check_contract  # noqa: PLC0415 - needs pandas
        from memory_pipeline.contracts.evaluate import parameters  # noqa: PLC0415

        verdicts = check_contract(self.session, contract, parameters(self.session.settings))
        failed = [
            CheckFailure(
                contract=contract.name,
                expectation=one.expectation.id,
                outcome=one.outcome,
                observed=one.observed,
                why=one.expectation.description,
                is_blocking=one.expectation.is_critical,
            )
            for one in verdicts
            if not one.passed
        ]
        self.failures += failed
        if any(one.is_blocking for one in failed):
            raise _ContractViolatedError(", ".join(str(one) for one in failed if one.is_blocking))

    def _skip(self, name: str) -> None:
        for kind in ("asset", *(["contract"] if name in self.contracts else [])):
            self._end(self._event(name, kind, "skipped"))

    def _event(self, name: str, kind: str, state: str) -> StepEvent:
        return StepEvent(name, kind, state, len(self.ended), self.total)

    def _end(self, event: StepEvent) -> None:
        ended = replace(event, number=len(self.ended) + 1)
        self.ended.append(ended)
        self.on_step(ended)


class _ContractViolatedError(Exception):
    """A critical expectation does not hold."""


@dataclass(frozen=True)
class _Counted:
    rows: int


def _count(table: str, session: Session) -> _Counted:
    from memory_pipeline.store.columns import count_rows  # noqa: PLC0415 - needs SQLAlchemy

    return _Counted(count_rows(session.store, table))


def _functions() -> dict[str, Callable[[Session], StepResult]]:
    """Return what each source and step runs, by name; imported here, because it takes seconds."""
    from memory_pipeline.rebuild.associations import update_associations  # noqa: PLC0415
    from memory_pipeline.rebuild.evidence import update_evidence  # noqa: PLC0415
    from memory_pipeline.rebuild.factors import update_factors  # noqa: PLC0415
    from memory_pipeline.rebuild.features import update_features  # noqa: PLC0415
    from memory_pipeline.rebuild.measures import update_measures  # noqa: PLC0415
    from memory_pipeline.rebuild.members import (  # noqa: PLC0415
        update_label_merges,
        update_member_candidates,
        update_member_features,
        update_member_patterns,
        update_questions,
    )
    from memory_pipeline.rebuild.names import update_name_merges  # noqa: PLC0415
    from memory_pipeline.rebuild.patterns import update_patterns  # noqa: PLC0415
    from memory_pipeline.rebuild.predictability import update_predictability  # noqa: PLC0415
    from memory_pipeline.rebuild.recommendations import update_recommendations  # noqa: PLC0415
    from memory_pipeline.rebuild.verification import update_verification  # noqa: PLC0415

    return {
        **{name: partial(_count, name) for name in SOURCES},
        "outcome_features": update_features,
        "name_merges": update_name_merges,
        "outcome_evidence": update_evidence,
        "pattern_identifications": update_patterns,
        "condition_associations": update_associations,
        "outcome_predictability": update_predictability,
        "success_factors": update_factors,
        "approach_recommendations": update_recommendations,
        "advice_verification": update_verification,
        "learning_measures": update_measures,
        "member_features": update_member_features,
        "label_merges": update_label_merges,
        "member_candidates": update_member_candidates,
        "member_patterns": update_member_patterns,
        "question_prompts": update_questions,
    }
