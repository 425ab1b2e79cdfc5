"""Whether results get better and why they changed, whether advice helped, and how it changed."""

from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.documentation import NOT_MODIFIED, table_answers
from memory_pipeline.server.pages import descending
from memory_pipeline.server.schemas.change import Change
from memory_pipeline.server.schemas.learning import (
    AdviceChange,
    AdviceChangePage,
    LearningPage,
    LearningPoint,
    LearningSummary,
    Measure,
    Verification,
    VerificationPage,
)
from memory_pipeline.server.spans import ChangeQuery, wanted_change
from memory_pipeline.server.tables import PageQuery, Table, answer_document, answer_table, check_parameters
from memory_pipeline.service.progress import current_month

router = APIRouter(prefix="/api/memory", tags=["learning"], dependencies=[Depends(check_parameters)])

Text = Annotated[str | None, Query(max_length=500)]


def _point_key(row: Any) -> tuple[Any, ...]:
    names = ("measure", "segment_column", "segment_value")
    recorded = row.get("recorded_at")
    return (
        *(row[name] for name in names),
        -descending(row["period_start"]),
        -descending(recorded) if recorded else 0,
    )


LEARNING = Table(
    LearningPoint, ("measure", "period_start", "value", "ci_low", "ci_high", "sample_size"), _point_key
)
VERIFICATIONS = Table(
    Verification,
    ("gain", "ci_low", "ci_high", "conclusive", "reason", "verified_at"),
    lambda row: (-row["id"],),
)
CHANGES = Table(
    AdviceChange, ("conditions", "change", "after", "why", "changed_at"), lambda row: (-row["id"],)
)


@router.get(
    "/learning",
    summary="Learning measures over time",
    response_model=None,
    responses=table_answers(LearningPoint, LearningPage),
)
def learning(
    *,
    memory: OpenedMemory,
    _: Reader,
    query: Annotated[PageQuery, Depends()],
    measure: Annotated[Measure | None, Query(description="Only this measure.")] = None,
    segment_column: Annotated[
        Text, Query(description="Only this split of the history; `whole`: the history as a whole.")
    ] = None,
    segment_value: Annotated[Text, Query(description="Only this part of the split.")] = None,
    history: Annotated[bool, Query(description="What each rebuild measured, a row for each change.")] = False,
) -> Response:
    """List measures by month: success rate, knowledge, gain and coverage of advice, replication, drift."""

    def load() -> pd.DataFrame:
        return memory.learning(
            measure, history=history, segment_column=segment_column, segment_value=segment_value
        )

    return answer_table(query, LEARNING, memory.version("learning"), load)


@router.get(
    "/learning/summary",
    summary="Where the memory stands, in sentences",
    response_model=None,
    responses={200: {"model": LearningSummary}, **NOT_MODIFIED},
)
def learning_summary(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Return one sentence for each measure."""
    return answer_document(
        request, memory.version("learning"), lambda: {"sentences": memory.learning_summary()}
    )


@router.get(
    "/change",
    summary="Why success changed between two spans",
    response_model=None,
    responses={200: {"model": Change}, **NOT_MODIFIED},
)
def change(
    *,
    request: Request,
    memory: OpenedMemory,
    _: Reader,
    wanted: Annotated[ChangeQuery, Depends()],
) -> Response:
    """Split the difference in success into mix (other cases) and rates (the same cases), by contributor."""

    def load() -> dict[str, Any]:
        return memory.explain_change(**wanted_change(wanted.parameters)).to_dict()

    return answer_document(request, f"{memory.version('features')} {current_month()}", load)


@router.get(
    "/verification",
    summary="Whether following advice helped",
    response_model=None,
    responses=table_answers(Verification, VerificationPage),
)
def verification(memory: OpenedMemory, _: Reader, query: Annotated[PageQuery, Depends()]) -> Response:
    """List what following advice changed, as each rebuild estimated it, the newest first."""
    return answer_table(query, VERIFICATIONS, memory.version("verification"), memory.advice_verifications)


@router.get(
    "/advice-changes",
    summary="How the advice changed, and why",
    response_model=None,
    responses=table_answers(AdviceChange, AdviceChangePage),
)
def advice_changes(memory: OpenedMemory, _: Reader, query: Annotated[PageQuery, Depends()]) -> Response:
    """List what rebuilds and decisions changed in the advice, the newest first."""
    return answer_table(query, CHANGES, memory.version("verification"), memory.advice_changes)
