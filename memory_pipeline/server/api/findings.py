"""What rebuilds found: patterns, factors, associations, overlaps, and how much the conditions explain."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from memory_pipeline.memory import Memory
from memory_pipeline.server.api.outcomes import OUTCOMES
from memory_pipeline.server.caching import not_modified
from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.documentation import NOT_FOUND, NOT_MODIFIED, NOT_REBUILT, table_answers
from memory_pipeline.server.pages import Page, descending, page_of
from memory_pipeline.server.schemas.findings import (
    Association,
    AssociationPage,
    Factor,
    FactorDetail,
    FactorPage,
    Pattern,
    PatternDetail,
    PatternOverlap,
    PatternOverlapPage,
    PatternPage,
    PatternType,
    Predictability,
    PredictabilityScore,
)
from memory_pipeline.server.tables import (
    MOST_ROWS,
    PageQuery,
    Table,
    answer_document,
    answer_table,
    check_parameters,
    send_page,
)
from memory_pipeline.service.findings import factor_worth
from memory_pipeline.service.records import to_records

router = APIRouter(prefix="/api/memory", tags=["findings"], dependencies=[Depends(check_parameters)])

Row = Mapping[str, Any]
Text = Annotated[str | None, Query(max_length=500)]


def _effect(row: Row) -> float:
    return abs(float(row["impact"]["risk_difference"]))


PATTERN_KEYS = {
    "confidence": lambda row: (descending(row["confidence"]), -_effect(row), row["id"]),
    "impact": lambda row: (-_effect(row), row["id"]),
    "sample_size": lambda row: (descending(row["sample_size"]), -_effect(row), row["id"]),
    "recency": lambda row: (descending(row["updated_at"]), -_effect(row), row["id"]),
}
"""Order key of a pattern, for each of `service.findings.PATTERN_ORDERS`."""
FACTOR_KEYS = {
    "worth": lambda row: (-_worth(row), -abs(row["effectiveness"]), row["id"]),
    "effectiveness": lambda row: (-abs(row["effectiveness"]), row["id"]),
    "confidence": lambda row: (descending(row["confidence"]), -abs(row["effectiveness"]), row["id"]),
    "sample_size": lambda row: (descending(row["sample_size"]), -abs(row["effectiveness"]), row["id"]),
}
"""Order key of a factor, for each of `service.findings.FACTOR_ORDERS`."""
PATTERNS = Table(
    Pattern, ("id", "pattern_type", "pattern_name", "description", "confidence", "sample_size", "active")
)
FACTORS = Table(
    Factor,
    ("id", "factor_name", "description", "effectiveness", "ci_low", "ci_high", "confidence", "sample_size"),
)
ASSOCIATIONS = Table(Association, ("column_a", "column_b", "cramers_v", "is_sure"))
OVERLAPS = Table(PatternOverlap, ("pattern_a", "pattern_b", "jaccard", "inside"))
SCORES = Table(PredictabilityScore, ("question", "model", "brier_skill", "ci_low", "ci_high", "sentence"))


def _worth(row: Row) -> float:
    return float(factor_worth(pd.DataFrame([row])).iloc[0])


@router.get(
    "/patterns",
    summary="Identified patterns",
    response_model=None,
    responses=table_answers(Pattern, PatternPage),
)
def patterns(
    *,
    memory: OpenedMemory,
    _: Reader,
    query: Annotated[PageQuery, Depends()],
    pattern_type: Annotated[PatternType | None, Query(description="Only this type.")] = None,
    min_confidence: Annotated[
        float, Query(ge=0, le=1, description="Only with at least this confidence.")
    ] = 0.0,
    target: Annotated[Text, Query(description="Only about this, such as `failure_reason=timeout`.")] = None,
    condition_column: Annotated[Text, Query(description="Only with a condition on this column.")] = None,
    condition_value: Annotated[Text, Query(description="Only with a condition of this value.")] = None,
    sort: Annotated[
        Literal["confidence", "impact", "sample_size", "recency"], Query(description="Order, the most first.")
    ] = "confidence",
    include_retired: Annotated[bool, Query(description="List retired patterns too.")] = False,
) -> Response:
    """List patterns with their evidence, by default the active ones, the most confident first.

    Where a condition never occurred, `notes` say so, with the nearest that did.
    """
    table = replace(PATTERNS, key=PATTERN_KEYS[sort])
    return answer_table(
        query,
        table,
        memory.version("patterns"),
        lambda: memory.patterns(
            pattern_type=pattern_type,
            min_confidence=min_confidence,
            target=target,
            condition_column=condition_column,
            condition_value=condition_value,
            sort=sort,
            include_retired=include_retired,
        ),
        explain=lambda: memory.unknown_conditions(condition_column, condition_value),
    )


@router.get(
    "/patterns/{pattern_id}",
    summary="One pattern with the outcomes behind it",
    response_model=None,
    responses={200: {"model": PatternDetail}, **NOT_MODIFIED, **NOT_FOUND},
)
def pattern(
    *,
    request: Request,
    memory: OpenedMemory,
    _: Reader,
    pattern_id: str,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS, description="Most outcomes.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=2_000, description="`outcomes.next_cursor` of before.")
    ] = None,
) -> Response:
    """Return one pattern by its id, or a beginning of it that no other has; active or not."""
    version = memory.version("patterns", "outcomes")
    return answer_document(
        request,
        version,
        lambda: _pattern(memory, pattern_id, f"{request.url.path}\n{version}", cursor, limit),
    )


def _pattern(memory: Memory, identity: str, scope: str, cursor: str | None, limit: int) -> dict[str, Any]:
    found = memory.pattern(identity)
    rows = [{**row, "_position": place} for place, row in enumerate(to_records(found["outcomes"]))]
    page = page_of(rows, lambda row: (row["_position"],), scope=scope, cursor=cursor, limit=limit)
    items = [{name: row[name] for name in OUTCOMES.columns} for row in page.items]
    return {**found, "outcomes": Page(items, page.next_cursor, page.total).to_dict()}


@router.get(
    "/factors",
    summary="Key success factors",
    response_model=None,
    responses=table_answers(Factor, FactorPage),
)
def factors(
    *,
    memory: OpenedMemory,
    _: Reader,
    query: Annotated[PageQuery, Depends()],
    application_type: Annotated[Text, Query(description="Only factors that apply to this type.")] = None,
    include_all: Annotated[
        bool, Query(description="Every comparison, also without a shown effect, and suppressed ones.")
    ] = False,
    sort: Annotated[
        Literal["worth", "effectiveness", "confidence", "sample_size"],
        Query(description="Order, the most first; `worth`: what is at least certain of the effect."),
    ] = "worth",
) -> Response:
    """List what single settings change, everything else being equal, the surest gain or harm first.

    Where the type never occurred, `notes` say so, with the nearest that did.
    """
    table = replace(FACTORS, key=FACTOR_KEYS[sort])
    return answer_table(
        query,
        table,
        memory.version("factors"),
        lambda: memory.factors(application_type=application_type, include_all=include_all, sort=sort),
        explain=lambda: memory.unknown_application_type(application_type),
    )


@router.get(
    "/factors/{factor_id}",
    summary="One factor with what is behind it",
    response_model=None,
    responses={200: {"model": FactorDetail}, **NOT_MODIFIED, **NOT_FOUND, **NOT_REBUILT},
)
def factor(request: Request, memory: OpenedMemory, _: Reader, factor_id: str) -> Response:
    """Return one factor by its id, or a beginning of it that no other has; shown to matter or not."""
    version = memory.version("factors", "patterns", "outcomes")
    return answer_document(request, version, lambda: memory.factor(factor_id))


@router.get(
    "/associations",
    summary="Conditions that go together",
    response_model=None,
    responses=table_answers(Association, AssociationPage) | NOT_REBUILT,
)
def associations(
    memory: OpenedMemory,
    _: Reader,
    query: Annotated[PageQuery, Depends()],
    include_all: Annotated[bool, Query(description="Every pair, also those that may be chance.")] = False,
) -> Response:
    """List pairs of conditions that are associated, so that findings about them may be one."""
    return answer_table(
        query,
        ASSOCIATIONS,
        memory.version("associations"),
        lambda: memory.associations(include_all=include_all),
    )


@router.get(
    "/pattern-overlaps",
    summary="Patterns that cover the same attempts",
    response_model=None,
    responses=table_answers(PatternOverlap, PatternOverlapPage) | NOT_REBUILT,
)
def pattern_overlaps(memory: OpenedMemory, _: Reader, query: Annotated[PageQuery, Depends()]) -> Response:
    """List pairs of patterns that cover the same attempts, the most alike first."""
    return answer_table(query, OVERLAPS, memory.version("associations"), memory.pattern_overlaps)


@router.get(
    "/predictability",
    summary="How much the conditions explain",
    response_model=None,
    responses=table_answers(PredictabilityScore, Predictability) | NOT_REBUILT,
)
def predictability(memory: OpenedMemory, _: Reader, query: Annotated[PageQuery, Depends()]) -> Response:
    """Return how much of success the recorded conditions explain, by question and model."""
    columns = query.columns(SCORES)
    version = memory.version("predictability")
    tag = query.tag(version)
    if (answer := not_modified(query.request, tag)) is not None:
        return answer
    frame = memory.predictability()
    info = {"summary": frame.attrs["summary"], "calibration": frame.attrs["calibration"]}
    rows = [{**row, "_position": place} for place, row in enumerate(to_records(frame))]
    page = page_of(
        rows,
        lambda row: (row["_position"],),
        scope=f"{query.scope}\n{version}",
        cursor=query.cursor,
        limit=query.limit,
    )
    return send_page(query, SCORES, columns, page, tag=tag, more=info)
