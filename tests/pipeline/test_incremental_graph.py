"""A run of the graph says how much it read, and finds what one on an empty home finds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dagster import AssetKey
from made_history import outcome_rows
from quick_rebuilds import leave_out
from sqlalchemy import insert, text

from memory_pipeline.pipeline.instance import open_instance
from memory_pipeline.pipeline.run import rebuild
from memory_pipeline.store.frames import OUTCOME_FEATURES, FrameStore
from memory_pipeline.store.models import PackagingOutcome

if TYPE_CHECKING:
    import pytest

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store


def add(store: Store, rows: list[dict[str, Any]]) -> None:
    with store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), rows)


def test_the_graph_says_what_it_read_and_finds_what_a_fresh_one_finds(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch)
    add(store, outcome_rows(400))
    rebuild(settings, store)
    february = {"occurred_at": datetime(2025, 2, 20, tzinfo=UTC)}
    add(store, outcome_rows(20, first=400, **february))
    with store.transaction() as connection:
        connection.execute(
            text("update packaging_outcomes set outcome_status = 'failure' where id = 'attempt-3'")
        )
    rebuild(settings, store)

    parts, _ = FrameStore(settings.storage).parts(OUTCOME_FEATURES)
    read = parts["2025-01"].rows + parts["2025-02"].rows
    with open_instance(settings, store) as instance:
        for asset, name in (("outcome_features", "read anew"), ("outcome_evidence", "counted anew")):
            event = instance.get_latest_materialization_event(AssetKey(asset))
            assert event is not None
            assert event.asset_materialization is not None
            said = event.asset_materialization.metadata[name].value
            assert said == f"2 of {len(parts)} months, {read} of 420 attempts"

    def found() -> list[Any]:
        with store.transaction() as connection:
            tables = {
                "pattern_identifications": "id, impact, sample_size, units, related_outcomes, is_found",
                "success_factors": "id, effectiveness, ci_low, ci_high, sample_size",
                "approach_recommendations": "id, success_rate, recommended_approach, sample_size",
            }
            return [
                connection.execute(text(f"select {columns} from {table} order by id")).all()  # noqa: S608
                for table, columns in tables.items()
            ]

    incremental = found()
    assert all(incremental)
    rebuild(settings.model_copy(update={"home": settings.home / "fresh"}), store)
    assert found() == incremental
