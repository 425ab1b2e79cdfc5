"""The memory as one object: what a notebook or a program asks and tells.

The questions are in `service`, a module each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.service.advice import Answer
from memory_pipeline.service.alerts import AlertService
from memory_pipeline.service.approaches import ApproachCheck, ApproachService
from memory_pipeline.service.contexts import ContextService
from memory_pipeline.service.members import MemberService
from memory_pipeline.service.monitoring import MonitoringService
from memory_pipeline.service.outcome_summaries import OutcomeSummary, OutcomeSummaryService
from memory_pipeline.service.outcomes import Case
from memory_pipeline.service.overview import OverviewService
from memory_pipeline.service.progress import ProgressService
from memory_pipeline.service.rebuilds import RebuildService
from memory_pipeline.service.records import to_records
from memory_pipeline.service.serving import ServedAnswer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answer", "ApproachCheck", "Case", "Memory", "OutcomeSummary", "ServedAnswer"]


class Memory(
    ApproachService,
    RebuildService,
    MonitoringService,
    ProgressService,
    OutcomeSummaryService,
    ContextService,
    MemberService,
    OverviewService,
    AlertService,
):
    """An organisation's memory.

    Records go in by `ingest`, and `rebuild` computes the findings. What came of them is in `outcomes`,
    `patterns`, `factors`, `recommend`, `learning`, `members` and their like, each a pandas frame or a small
    object; `status` counts it all.

    Parameters
    ----------
    settings
        The MEMORY_* settings.
    store
        The database; `Memory.open` opens the one that the settings name.
    frames
        The Parquet frames; None for those that the settings name.

    Examples
    --------
    >>> with Memory.open() as memory:
    ...     memory.recommend(installer_type="msi").advice.recommended_approach
    {...'silent_switch': ...}
    """

    @staticmethod
    def to_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
        """Return the rows of a frame as dicts of plain Python values, as `--json` prints them.

        NaN, NaT and infinite numbers are None, NumPy values are Python's, and times are `datetime`.
        """
        return to_records(frame)
