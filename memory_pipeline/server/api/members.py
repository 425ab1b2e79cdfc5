"""What members have in common, and questions worth asking them; nobody who may not be seen is named."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from memory_pipeline.memory import Memory
from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.documentation import NOT_FOUND, NOT_MODIFIED, table_answers
from memory_pipeline.server.pages import descending
from memory_pipeline.server.problems import ProblemError
from memory_pipeline.server.schemas.members import (
    Category,
    DiscoveryRun,
    DiscoveryRunPage,
    LabelMerge,
    LabelMergePage,
    MemberPattern,
    MemberPatternDetail,
    MemberPatternPage,
    Question,
    QuestionPage,
)
from memory_pipeline.server.tables import PageQuery, Table, answer_document, answer_table, check_parameters

router = APIRouter(prefix="/api/v1", tags=["members"], dependencies=[Depends(check_parameters)])

PATTERNS = Table(
    MemberPattern,
    ("id", "name", "category", "description", "member_count", "question_prompts"),
    lambda row: (-row["member_count"], row["name"]),
)
QUESTIONS = Table(Question, ("question", "audience", "why", "pattern_name"), lambda row: (row["id"],))
LABELS = Table(
    LabelMerge,
    ("field", "raw_label", "label", "why", "members"),
    lambda row: (-row["members"], row["field"], row["raw_label"], row["id"]),
)
RUNS = Table(
    DiscoveryRun,
    ("id", "status", "message", "patterns_created", "patterns_updated", "claims_refused", "started_at"),
    lambda row: (descending(row["started_at"]), row["id"]),
)
InCategory = Annotated[Category | None, Query(description="Only this category.")]
Text = Annotated[str | None, Query(max_length=500)]


@router.get(
    "/patterns",
    summary="Patterns among the members",
    response_model=None,
    responses=table_answers(MemberPattern, MemberPatternPage),
)
def member_patterns(
    *,
    memory: OpenedMemory,
    _: Reader,
    query: Annotated[PageQuery, Depends()],
    category: InCategory = None,
    include_retired: Annotated[bool, Query(description="List inactive patterns too.")] = False,
) -> Response:
    """List patterns among the members with questions worth asking, the largest first."""
    return answer_table(
        query,
        PATTERNS,
        memory.version("members"),
        lambda: memory.member_patterns(category=category, include_retired=include_retired),
    )


@router.get(
    "/patterns/{pattern_id}",
    summary="One pattern among the members",
    response_model=None,
    responses={200: {"model": MemberPatternDetail}, **NOT_MODIFIED, **NOT_FOUND},
)
def member_pattern(
    request: Request, memory: OpenedMemory, _: Reader, pattern_id: Annotated[int, Path(ge=1, le=2**31 - 1)]
) -> Response:
    """Return one pattern among the members, active or not."""
    return answer_document(request, memory.version("members"), lambda: _pattern(memory, pattern_id))


def _pattern(memory: Memory, identity: int) -> dict[str, object]:
    found = memory.member_pattern(identity)
    if found is None:
        raise ProblemError(404, f"no member pattern has the id {identity}; /api/v1/patterns lists them")
    return found


@router.get(
    "/questions",
    summary="Questions worth asking members",
    response_model=None,
    responses=table_answers(Question, QuestionPage),
)
def questions(
    memory: OpenedMemory, _: Reader, query: Annotated[PageQuery, Depends()], category: InCategory = None
) -> Response:
    """List questions worth asking, whom to ask, and what the answers are good for."""
    return answer_table(
        query, QUESTIONS, memory.version("members"), lambda: memory.questions(category=category)
    )


@router.get(
    "/members/labels",
    summary="Labels that are read as another",
    response_model=None,
    responses=table_answers(LabelMerge, LabelMergePage),
)
def labels(
    *,
    memory: OpenedMemory,
    _: Reader,
    query: Annotated[PageQuery, Depends()],
    field: Annotated[Text, Query(description="Only this field, such as `skills`.")] = None,
    why: Annotated[
        Text, Query(description="Only what was changed for this reason, such as `same spelling`.")
    ] = None,
) -> Response:
    """List which labels of members are read as another, and which look alike, the most frequent first."""
    return answer_table(
        query, LABELS, memory.version("members"), lambda: memory.label_merges(member_field=field, why=why)
    )


@router.get(
    "/discovery-runs",
    summary="Runs of the pattern finder",
    response_model=None,
    responses=table_answers(DiscoveryRun, DiscoveryRunPage),
)
def discovery_runs(memory: OpenedMemory, _: Reader, query: Annotated[PageQuery, Depends()]) -> Response:
    """List the runs of the pattern finder, the newest first."""
    return answer_table(query, RUNS, memory.version("members"), memory.discovery_runs)
