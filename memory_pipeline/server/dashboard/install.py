"""Add the pages, and the files that they load, to the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory_pipeline.server.dashboard import live, sign_in, static_files
from memory_pipeline.server.dashboard.pages import PAGES
from memory_pipeline.service.kept import KeptValues

if TYPE_CHECKING:
    from fastapi import FastAPI


_KEPT = 256


def install(app: FastAPI) -> None:
    """Add the pages to an application; they are not part of its OpenAPI document."""
    app.state.kept = KeptValues(_KEPT)
    for router in (static_files.router, sign_in.router, live.router, *PAGES):
        app.include_router(router, include_in_schema=False)
