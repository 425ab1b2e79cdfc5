"""A small history and a few members in the store, and the memory as the assets see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_history import member_rows, outcome_rows
from sqlalchemy import insert, text

from memory_pipeline.pipeline.instance import URL_VARIABLE
from memory_pipeline.store.models import Member, PackagingOutcome
from memory_pipeline.store.session import Session, open_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store


@pytest.fixture(autouse=True)
def _same_environment_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo that opening a Dagster instance sets its variables."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv(URL_VARIABLE, "")


@pytest.fixture(autouse=True)
def _no_runs_of_other_tests(server_store: Store) -> None:
    with server_store.transaction() as connection:
        if connection.scalar(text("select to_regclass('runs') is not null")):
            connection.execute(text("truncate runs, run_tags restart identity"))


@pytest.fixture
def add_outcomes(store: Store) -> Callable[..., None]:
    """Store attempts: `add_outcomes(count, first=0, **columns)`."""

    def add(count: int, *, first: int = 0, **fixed: Any) -> None:
        with store.transaction() as connection:
            connection.execute(insert(PackagingOutcome), outcome_rows(count, first=first, **fixed))

    return add


@pytest.fixture
def add_members(store: Store) -> Callable[[int], None]:
    """Store members: `add_members(count)`."""

    def add(count: int) -> None:
        with store.transaction() as connection:
            connection.execute(insert(Member), member_rows(count))

    return add


@pytest.fixture
def memory(settings: Settings, store: Store) -> Session:
    """The memory as assets and checks get it."""
    return open_session(settings, store)
