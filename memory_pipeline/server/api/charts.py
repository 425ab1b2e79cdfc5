"""Charts of what the memory learned: Vega-Lite to explore, or a picture."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from memory_pipeline.memory import Memory
from memory_pipeline.server.caching import cache_headers, entity_tag, not_modified
from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.documentation import NOT_FOUND, NOT_MODIFIED, NOT_REBUILT, problem_answer
from memory_pipeline.server.formats import choose_format
from memory_pipeline.server.pictures import KINDS, MEANINGS, MEDIA, MOST_FINDINGS, segment_columns
from memory_pipeline.server.problems import FieldError, ProblemError, unknown_value
from memory_pipeline.server.schemas.charts import ChartIndex
from memory_pipeline.server.spans import ChangeQuery
from memory_pipeline.server.tables import answer_document, check_parameters

router = APIRouter(
    prefix="/api/memory/visualizations", tags=["visualizations"], dependencies=[Depends(check_parameters)]
)

_VEGALITE = "application/vnd.vegalite.v6+json"
_FORMS = {**MEDIA, "vegalite": _VEGALITE}
_PICTURES = {
    "description": "The chart.",
    "content": {
        _VEGALITE: {"schema": {"type": "object", "description": "Vega-Lite 6."}},
        MEDIA["json"]: {"schema": {"type": "object", "description": "Vega-Lite 6."}},
        MEDIA["png"]: {"schema": {"type": "string", "format": "binary"}},
        MEDIA["svg"]: {"schema": {"type": "string"}},
    },
}


@router.get(
    "", summary="Kinds of charts", response_model=None, responses={200: {"model": ChartIndex}, **NOT_MODIFIED}
)
def visualizations(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """List the charts that can be had, with what each can be told."""
    return answer_document(request, memory.version("learning"), lambda: _index(memory))


def _index(memory: Memory) -> dict[str, Any]:
    values = {"segment_column": segment_columns(memory)}
    items = [
        {
            "kind": name,
            "title": kind.title,
            "address": f"{router.prefix}/{name}",
            "parameters": [
                {"name": one, "meaning": MEANINGS[one], "values": values.get(one, [])}
                for one in kind.parameters
            ],
        }
        for name, kind in KINDS.items()
    ]
    return {"items": items, "formats": list(MEDIA)}


@router.get(
    "/{kind}",
    summary="One chart",
    response_class=Response,
    response_model=None,
    responses={
        200: _PICTURES,
        **NOT_MODIFIED,
        **NOT_FOUND,
        **NOT_REBUILT,
        406: problem_answer("None of the formats that the client accepts."),
    },
)
def visualization(
    *,
    request: Request,
    memory: OpenedMemory,
    _: Reader,
    kind: str,
    segment_column: Annotated[
        str | None, Query(max_length=500, description="Column that splits the history.")
    ] = None,
    limit: Annotated[int | None, Query(ge=1, le=MOST_FINDINGS, description="Most findings drawn.")] = None,
    wanted: Annotated[ChangeQuery, Depends()],
    format: Annotated[  # noqa: A002 - the parameter's public name
        Literal["json", "png", "svg"] | None,
        Query(description="Form of the chart; it wins over the `Accept` header."),
    ] = None,
) -> Response:
    """Return one chart: as Vega-Lite, which browsers draw and explore, or as a picture (PNG or SVG)."""
    if kind not in KINDS:
        error = unknown_value("path.kind", kind, KINDS)
        raise ProblemError(404, f"there is no chart {kind[:200]!r}: {error.remedy}", (error,))
    media, form = _form(request, format)
    given = {"segment_column": segment_column, "limit": limit, **wanted.parameters}
    parameters = {name: value for name, value in given.items() if value is not None}
    _check(memory, kind, parameters)
    version = KINDS[kind].version(memory)
    tag = entity_tag(request, version, media)
    if (answer := not_modified(request, tag)) is not None:
        return answer
    try:
        drawn = request.app.state.pictures.draw(memory, kind, parameters, form, version)
    except (ValueError, TypeError) as error:
        remedy = "ask for format=json, or for fewer findings"
        raise ProblemError(422, f"the chart {kind} cannot be drawn as {form} ({error}); {remedy}") from error
    return Response(drawn, media_type=media, headers=cache_headers(tag))


def _form(request: Request, name: str | None) -> tuple[str, str]:
    """Return the media type and the form that are wanted."""
    if name is not None:
        return MEDIA[name], name
    chosen = choose_format(request.headers.get("accept"), None, _FORMS)
    return _FORMS[chosen], "json" if chosen == "vegalite" else chosen


def _check(memory: Memory, kind: str, parameters: dict[str, Any]) -> None:
    """Refuse parameters that the chart does not take."""
    for name, value in parameters.items():
        if name not in KINDS[kind].parameters:
            remedy = f"leave it out: the chart {kind} does not take it"
            raise ProblemError(
                422, f"query.{name}: {remedy}", (FieldError(f"query.{name}", str(value), remedy),)
            )
    column = parameters.get("segment_column")
    if column is not None and column not in (known := segment_columns(memory)):
        error = unknown_value("query.segment_column", column, known)
        raise ProblemError(422, f"query.segment_column: {error.remedy}", (error,))
