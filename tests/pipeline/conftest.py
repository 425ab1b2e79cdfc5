"""A small history and a few members in the store, and no trace of other tests' Dagster runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from stored_history import add_members, add_outcomes, memory

from memory_pipeline.pipeline.instance import URL_VARIABLE

if TYPE_CHECKING:
    from memory_pipeline.store import Store

__all__ = ["add_members", "add_outcomes", "memory"]


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
