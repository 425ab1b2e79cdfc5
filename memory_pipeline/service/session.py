"""Which memory is asked: opening and closing it, and what every part of the service works on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from memory_pipeline.settings import Settings
from memory_pipeline.store import open_store
from memory_pipeline.store.frames import FrameStore
from memory_pipeline.store.session import Session

if TYPE_CHECKING:
    from types import TracebackType

    from memory_pipeline.store import Store


class Service:
    """An opened memory; the parts of the service add the questions.

    Parameters
    ----------
    settings
        The MEMORY_* settings.
    store
        The database.
    frames
        The Parquet frames; None for those that the settings name.
    """

    def __init__(self, settings: Settings, store: Store, frames: FrameStore | None = None) -> None:
        self.settings = settings
        self.store = store
        self.frames = frames or FrameStore(settings.storage)

    @property
    def session(self) -> Session:
        """The opened memory as the steps of a rebuild take it."""
        return Session(self.settings, self.store, self.frames)

    @classmethod
    def open(cls, settings: Settings | None = None) -> Self:
        """Open the memory that the settings name, by default those of the environment."""
        settings = settings or Settings()
        return cls(settings, open_store(settings))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def store_served(self) -> None:
        """Move served answers that wait to the database; here none wait, see `ServingService`."""

    def close(self) -> None:
        """Close the connections to the database."""
        self.store.close()
