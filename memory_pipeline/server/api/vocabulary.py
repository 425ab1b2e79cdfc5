"""What can be said: for forms, and for agents that describe an application."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.documentation import NOT_MODIFIED
from memory_pipeline.server.schemas.vocabulary import Vocabulary
from memory_pipeline.server.tables import answer_document, check_parameters

router = APIRouter(prefix="/api/memory", tags=["vocabulary"], dependencies=[Depends(check_parameters)])


@router.get(
    "/vocabulary",
    summary="Columns, settings and values that attempts have",
    response_model=None,
    responses={200: {"model": Vocabulary}, **NOT_MODIFIED},
)
def vocabulary(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Return what a form or an agent may say.

    The context columns and settings with the values that occur and how often, and the words that filters
    take. Counted by the last rebuild; what came later is added without a count.
    """
    return answer_document(request, memory.version("outcomes", "features"), memory.vocabulary)
