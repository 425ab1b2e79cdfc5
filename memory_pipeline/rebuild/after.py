"""What follows every rebuild, however it ended: it is logged, and the alerts are evaluated."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from memory_pipeline.rebuild.alerts import evaluate_after_rebuild
from memory_pipeline.rebuild.analysis_log import log_rebuild

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memory_pipeline.rebuild.report import CheckFailure, RebuildReport
    from memory_pipeline.store.session import Session


def after_rebuild(
    session: Session,
    report: RebuildReport,
    *,
    trigger: str,
    began_at: datetime,
    violations: Iterable[CheckFailure] = (),
    error: Exception | None = None,
) -> None:
    """Log a rebuild that ended and evaluate the alerts; see `analysis_log.log_rebuild`.

    Whatever goes wrong here is logged: the rebuild's own result stands.
    """
    try:
        log_rebuild(session, report, trigger=trigger, began_at=began_at, violations=violations, error=error)
    except Exception:
        logging.getLogger(__name__).exception("the rebuild could not be logged")
    evaluate_after_rebuild(session)
