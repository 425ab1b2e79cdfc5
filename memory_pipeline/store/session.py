"""The memory that is worked on: its settings, its database, and its Parquet frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memory_pipeline.settings import Settings
    from memory_pipeline.store.database import Store
    from memory_pipeline.store.frames import FrameStore


@dataclass(frozen=True)
class Session:
    """An opened memory.

    Attributes
    ----------
    settings
        The MEMORY_* settings.
    store
        The database that they name.
    frames
        The Parquet frames that they name.
    """

    settings: Settings
    store: Store
    frames: FrameStore


def open_session(settings: Settings, store: Store | None = None) -> Session:
    """Open the memory that the settings name; without a store, a process opens each database once."""
    from memory_pipeline.store.frames import FrameStore  # noqa: PLC0415 - needs pyarrow

    return Session(settings, store or _open_once(settings), FrameStore(settings.storage))


@cache
def _open_once(settings: Settings) -> Store:
    from memory_pipeline.store.opening import open_store  # noqa: PLC0415 - needs SQLAlchemy

    return open_store(settings)
