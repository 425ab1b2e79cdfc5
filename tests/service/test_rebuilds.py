"""A rebuild as a data scientist starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from quick_rebuilds import leave_out_looks

from memory_pipeline.memory import Memory
from memory_pipeline.store.database import RebuildInProgressError
from memory_pipeline.worlds import sample_organisation

if TYPE_CHECKING:
    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store


def test_a_memory_is_rebuilt_in_this_process(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out_looks(monkeypatch)
    memory = Memory(settings, store)
    memory.ingest(sample_organisation(attempts=200, applications=40).outcomes, source="made")
    assert not memory.is_rebuilt()
    steps = []
    report = memory.rebuild(on_step=lambda event: steps.append((event.step, event.state)))
    assert report.rows["outcome_features"] == 200
    assert ("outcome_features", "succeeded") in steps
    assert memory.is_rebuilt()
    assert memory.status()["last_rebuild"] is not None
    assert memory.recommend(log=False).advice.sample_size <= 200


def test_a_second_rebuild_at_once_is_refused(settings: Settings, store: Store) -> None:
    with store.rebuild_lock(), pytest.raises(RebuildInProgressError, match="another rebuild"):
        Memory(settings, store).rebuild()
