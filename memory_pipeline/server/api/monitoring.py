"""Is the memory worth its keep: a document for each topic."""

import hashlib
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.documentation import NOT_MODIFIED
from memory_pipeline.server.schemas import monitoring as schemas
from memory_pipeline.server.tables import answer_document, check_parameters
from memory_pipeline.service.records import to_json

router = APIRouter(
    prefix="/api/memory/monitoring", tags=["learning"], dependencies=[Depends(check_parameters)]
)


def _answers(model: type[schemas.Monitored]) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": model}, **NOT_MODIFIED}


def _answer(request: Request, memory: OpenedMemory, topic: str) -> Response:
    """Answer with a topic; its tag is a hash of the content, since served answers have no version."""
    document = memory.monitored(topic).to_dict()
    version = hashlib.blake2b(to_json(document).encode(), digest_size=12).hexdigest()
    return answer_document(request, version, lambda: document)


@router.get(
    "/effectiveness",
    summary="The verified gain of following advice",
    response_model=None,
    responses=_answers(schemas.Effectiveness),
)
def effectiveness(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Return what following advice changed, by rebuild, and the verdict as a sentence."""
    return _answer(request, memory, "effectiveness")


@router.get(
    "/learning-rate",
    summary="Prior knowledge by month",
    response_model=None,
    responses=_answers(schemas.LearningRate),
)
def learning_rate(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Return how well what was known before each month foretold its attempts."""
    return _answer(request, memory, "learning-rate")


@router.get(
    "/performance",
    summary="Durations, retries and interventions",
    response_model=None,
    responses=_answers(schemas.Performance),
)
def performance(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Return what attempts cost: by month, by what became of the advice, before and since the first."""
    return _answer(request, memory, "performance")


@router.get(
    "/quality",
    summary="Success and reasons of failure by month",
    response_model=None,
    responses=_answers(schemas.Quality),
)
def quality(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Return the success of each month, and its most frequent reasons of failure."""
    return _answer(request, memory, "quality")


@router.get("/usage", summary="How advice is used", response_model=None, responses=_answers(schemas.Usage))
def usage(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Return the answers of each month, what became of them, and the unknown values that were asked for."""
    return _answer(request, memory, "usage")
