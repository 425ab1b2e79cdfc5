"""Computing the findings anew, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory_pipeline.service.session import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.rebuild import RebuildReport, StepEvent


class RebuildService(Service):
    """The rebuild of a memory, as a data scientist starts it."""

    def rebuild(self, *, on_step: Callable[[StepEvent], None] | None = None) -> RebuildReport:
        """Compute all findings anew: features, evidence, patterns, factors, advice, learning, members.

        The tables are those that `memory-pipeline rebuild` leaves; Dagster's UI does not show the run.

        Parameters
        ----------
        on_step
            Called when a step begins and ends, for a display.

        Raises
        ------
        RebuildInProgressError
            When another process rebuilds this memory.
        RebuildError
            When a step failed or a critical contract was violated; what does not depend on it was done.
        """
        from memory_pipeline.rebuild import rebuild  # noqa: PLC0415 - SciPy, Numba

        return rebuild(self.session, on_step=on_step)
