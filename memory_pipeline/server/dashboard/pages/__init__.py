"""The pages, a module each: what it reads of the memory, and which template shows it."""

from fastapi import APIRouter

from memory_pipeline.server.dashboard.pages import change, learning, patterns, today
from memory_pipeline.server.dashboard.pages import (
    admin,
    learning,
    members,
    patterns,
    quarantine,
    today,
    tokens,
)

PAGES: tuple[APIRouter, ...] = (
    today.router,
    patterns.router,
    learning.router,
    change.router,
from memory_pipeline.server.dashboard.pages import advice, factors, outcomes, patterns, today

PAGES: tuple[APIRouter, ...] = (
    today.router,
    outcomes.router,
    patterns.router,
    factors.router,
    advice.router,
    members.router,
    quarantine.router,
    admin.router,
    tokens.router,
)
