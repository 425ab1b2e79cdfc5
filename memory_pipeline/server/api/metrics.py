"""The metrics of the server, for Prometheus."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.metrics import write_metrics

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(memory: OpenedMemory, _: Reader) -> Response:
    """Return what the server counts, in the text format of Prometheus."""
    return Response(write_metrics(memory.store), media_type=CONTENT_TYPE_LATEST)
