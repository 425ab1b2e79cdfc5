"""The pages, a module each: what it reads of the memory, and which template shows it."""

from fastapi import APIRouter

from memory_pipeline.server.dashboard.pages import (
    admin,
    learning,
    patterns,
    quarantine,
    today,
    tokens,
)

PAGES: tuple[APIRouter, ...] = (
    today.router,
    patterns.router,
    learning.router,
    quarantine.router,
    admin.router,
    tokens.router,
)
