"""The pages, a module each: what it reads of the memory, and which template shows it."""

from fastapi import APIRouter

from memory_pipeline.server.dashboard.pages import (
    admin,
    advice,
    alerts,
    change,
    factors,
    learning,
    members,
    monitoring,
    names,
    outcomes,
    patterns,
    quarantine,
    today,
    tokens,
)

PAGES: tuple[APIRouter, ...] = (
    today.router,
    outcomes.router,
    patterns.router,
    factors.router,
    advice.router,
    learning.router,
    change.router,
    members.router,
    quarantine.router,
    monitoring.router,
    names.router,
    alerts.router,
    admin.router,
    tokens.router,
)
