"""A memory that stays open: what is served, decided and reported in one process fits together."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from memory_pipeline.service.decisions import DecisionService
from memory_pipeline.service.ingest import IngestService
from memory_pipeline.service.serving import Serving
from memory_pipeline.store.served import read_served

if TYPE_CHECKING:
    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store
    from memory_pipeline.store.frames import FrameStore


class ServingService(DecisionService, IngestService):
    """Advice in milliseconds beside the writes that it has to know of."""

    def __init__(self, settings: Settings, store: Store, frames: FrameStore | None = None) -> None:
        super().__init__(settings, store, frames)
        self._serving: Serving | None = None
        self._making = threading.Lock()

    @property
    def serving(self) -> Serving:
        """What gives advice while this memory is open; begins at first use, ends with `close`."""
        with self._making:
            if self._serving is None:
                self._serving = Serving(self.settings, self.store, self.current_policy)
                self._serving.start()
            return self._serving

    def served(self, recommendation_id: str) -> dict[str, Any]:
        """Return an answer that was served: its context, candidates, choice, and when; see `Serving.find`."""
        if self._serving is not None:
            return self._serving.find(recommendation_id)
        return read_served(self.store, recommendation_id)

    def decide(
        self,
        kind: str,
        identity: str,
        decision: str | None = None,
        *,
        by: str,
        note: str | None = None,
        is_whole_id: bool = False,
    ) -> dict[str, Any]:
        """Decide about a finding as `DecisionService.decide` does; served advice follows at once."""
        held = super().decide(kind, identity, decision, by=by, note=note, is_whole_id=is_whole_id)
        if self._serving is not None and self._serving.policy_version is not None:
            self._serving.refresh()
        return held

    def store_served(self) -> None:
        """Move what was served so far to the database, before something reads it there."""
        if self._serving is not None:
            self._serving.flush()

    def close(self) -> None:
        """Stop serving, and close the connections to the database."""
        if self._serving is not None:
            self._serving.close()
            self._serving = None
        super().close()
