"""Fixtures of a small history and a few members in the store, as steps, assets and checks see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_history import member_rows, outcome_rows
from sqlalchemy import insert

from memory_pipeline.store.models import Member, PackagingOutcome
from memory_pipeline.store.session import Session, open_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store


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
    """The memory as steps, assets and checks get it."""
    return open_session(settings, store)
