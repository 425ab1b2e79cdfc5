"""Advice for a described application, answers that were served, and whether an approach failed before."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from memory_pipeline.memory import Memory
from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.pages import descending, page_of
from memory_pipeline.server.problems import FieldError, ProblemError
from memory_pipeline.server.schemas.advice import (
    ApproachCheckAnswer,
    ApproachRequest,
    ContextPage,
    RecommendationAnswer,
    RecommendationRequest,
    ServedRecord,
)
from memory_pipeline.service.descriptions import DescriptionError
from memory_pipeline.service.records import plain_value, to_json, to_records
from memory_pipeline.store.served import Asked

router = APIRouter(prefix="/api/memory", tags=["advice"])
Detail = Annotated[
    Literal["brief", "full"], Query(description="`full` adds all approaches that were compared.")
]
Look = Annotated[
    bool, Query(description="Only look: nothing is logged, withheld or drawn, and there is no id to report.")
]
_OPTIONS = {"detail", "look", "limit", "cursor"}
_NOT_STORED = {"Cache-Control": "no-store"}


@router.post("/recommendations", response_model=RecommendationAnswer)
async def recommend(
    body: RecommendationRequest,
    memory: OpenedMemory,
    grant: Reader,
    detail: Detail = "brief",
    look: Look = False,
) -> Response:
    """Advise on an application that is described in the body, and log the answer."""
    asked = Asked("http", grant.name)
    return await _answer(memory, body.context, "body.context", asked=asked, detail=detail, look=look)


@router.get(
    "/recommendations",
    response_model=RecommendationAnswer | ContextPage,
    openapi_extra={
        "parameters": [
            {
                "name": "context",
                "in": "query",
                "style": "form",
                "explode": True,
                "description": "What is known about the application: any context column with its value, "
                "such as `installer_type=msi`; several values of one column are a list.",
                "schema": {"type": "object", "additionalProperties": {"type": "string"}},
                "example": {"installer_type": "msi"},
            }
        ]
    },
)
async def recommend_by_query(
    request: Request,
    memory: OpenedMemory,
    grant: Reader,
    *,
    detail: Detail = "brief",
    look: Look = False,
    limit: Annotated[int, Query(ge=1, le=500, description="Most contexts of a page.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=500, description="`next_cursor` of the page before.")
    ] = None,
) -> Response:
    """Advise on an application that the query describes, and log the answer.

    Without any context column: the contexts that occur with the advice for each, a page at a time.
    """
    context: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name not in _OPTIONS:
            earlier = context.get(name)
            context[name] = value if earlier is None else [*_as_list(earlier), value]
    if not context:
        return _json(await run_in_threadpool(_context_page, memory, limit, cursor))
    asked = Asked("http", grant.name)
    return await _answer(memory, context, "query", asked=asked, detail=detail, look=look)


@router.get("/recommendations/{recommendation_id}", response_model=ServedRecord)
def served(recommendation_id: str, memory: OpenedMemory, _: Reader, detail: Detail = "brief") -> Response:
    """Return an answer that was served: what was asked, what was answered, and when."""
    found = memory.served(recommendation_id)
    if detail == "brief":
        del found["candidates"]
    return _json(found)


@router.post("/approaches/check", response_model=ApproachCheckAnswer)
def check_approach(body: ApproachRequest, memory: OpenedMemory, _: Reader) -> Response:
    """Check whether an approach that is about to be taken failed before; nothing is logged."""
    try:
        check = memory.check_approach(body.context, body.approach)
    except DescriptionError as error:
        raise _description_problem(
            error, lambda column: f"body.{'context' if column in body.context else 'approach'}"
        ) from error
    return _json(check.to_dict())


async def _answer(
    memory: Memory, context: Mapping[str, Any], where: str, *, asked: Asked, detail: str, look: bool
) -> Response:
    """Answer from what is kept, without the database or another thread; otherwise work it out in a thread."""
    serving = memory.serving
    try:
        question = serving.ask(context, log=not look)
        if question is None or not serving.is_ready(question):
            question = await run_in_threadpool(serving.prepare, question or context, log=not look)
        answer = serving.give(question, asked)
    except DescriptionError as error:
        raise _description_problem(error, lambda _: where) from error
    except FileNotFoundError:  # nothing was learned yet
        raise
    except OSError as error:
        raise ProblemError(
            507,
            f"the answer could not be logged ({error.strerror or error}); "
            "free some space under MEMORY_HOME and ask again",
        ) from error
    body = answer.to_json(is_full=detail == "full")
    return Response(body, media_type="application/json", headers=_NOT_STORED)


def _description_problem(error: DescriptionError, where: Callable[[str], str]) -> ProblemError:
    return ProblemError(
        422,
        str(error),
        tuple(
            FieldError(f"{where(one.column)}.{one.column}", one.value, one.remedy, one.nearest)
            for one in error.problems
        ),
    )


def _context_page(memory: Memory, limit: int, cursor: str | None) -> dict[str, Any]:
    """Return a page of the recommendation table: the most attempts first, then by id."""
    rows = to_records(memory.recommendations())
    page = page_of(
        rows,
        lambda row: (descending(row["sample_size"]), row["id"]),
        scope="recommendations",
        cursor=cursor,
        limit=limit,
    )
    return page.to_dict()


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _json(data: Any) -> Response:
    return Response(to_json(plain_value(data), indent=None), media_type="application/json")
