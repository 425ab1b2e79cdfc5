"""Whether the process is alive and can answer, and what the memory holds."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import text

from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.problems import ProblemError

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def is_alive() -> dict[str, str]:
    """Return that the process answers; asks nothing of the database."""
    return {"status": "alive"}


@router.get("/readyz")
def is_ready(memory: OpenedMemory) -> dict[str, str]:
    """Return that the database answers, so that requests can be served."""
    try:
        with memory.store.transaction() as connection:
            connection.execute(text("select 1"))
    except Exception as error:
        raise ProblemError(503, f"the database does not answer ({type(error).__name__})") from error
    return {"status": "ready"}


@router.get("/api/memory/status")
def status(memory: OpenedMemory, _: Reader) -> dict[str, Any]:
    """Return what the memory holds, when it was last fed and rebuilt, and what it is worth."""
    return memory.status()
