"""Learning measures of a memory: what is computed again, and what is taken over."""

from __future__ import annotations

from datetime import UTC, datetime
from shutil import copytree, ignore_patterns
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from made_history import outcome_rows
from sqlalchemy import insert, update

from memory_pipeline.analysis.learning.advised import AdvisedAttempts
from memory_pipeline.analysis.names import MEASURES
from memory_pipeline.rebuild import code_version, measures
from memory_pipeline.rebuild.features import read_features, update_features
from memory_pipeline.rebuild.kept_measures import KeptMeasures
from memory_pipeline.store.findings import save_learning
from memory_pipeline.store.models import PackagingOutcome
from memory_pipeline.store.session import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store


@pytest.fixture
def measure(settings: Settings, store: Store) -> Any:
    """Measure learning as a rebuild does: `measure(**settings) -> (measures, periods computed)`."""

    def run(**changes: Any) -> tuple[pd.DataFrame, KeptMeasures]:
        memory = open_session(settings.model_copy(update={"min_sample_size": 10} | changes), store)
        update_features(memory)
        history = measures.History.of(read_features(memory), memory.settings)
        kept = KeptMeasures(memory.frames, history.rests_on)
        nobody = history.features.head(0).assign(is_control=False, followed=None)
        advised = AdvisedAttempts(nobody, memory.settings.unit, ())
        found = measures.measure_learning(history, advised, kept)
        save_learning(store, found)
        kept.save()
        return found, kept

    return run


def add(store: Store, count: int, *, first: int = 0, **fixed: Any) -> None:
    with store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), outcome_rows(count, first=first, **fixed))


def starts(measures: pd.DataFrame, measure: str) -> list[str]:
    rows = measures[(measures["measure"] == measure) & (measures["segment_column"] == "")]
    return [f"{one:%Y-%m}" for one in rows["period_start"]]


def test_only_what_rests_on_other_attempts_is_computed_again(store: Store, measure: Any) -> None:
    add(store, 1200)  # January 2025 to March 2026, 80 or so a month
    first, kept = measure()
    months = starts(first, "prior_knowledge")
    assert months == starts(first, "advice_coverage") == starts(first, "drift")
    assert months[-1] == "2026-03"
    assert starts(first, "finding_replication") == ["2025-10"]  # 500 attempts before it, and some after
    assert kept.reused == 0
    computed = kept.computed
    assert computed == len(months) + 2  # the quarter, and the replay of the whole

    again, kept = measure()
    assert (kept.computed, kept.reused) == (0, computed)
    pd.testing.assert_frame_equal(again, first)

    # A new month is computed, and the quarter that is over by it; the months before are taken over.
    add(store, 60, first=1200, occurred_at=datetime(2026, 4, 15, tzinfo=UTC))
    third, kept = measure()
    assert starts(third, "prior_knowledge") == [*months, "2026-04"]
    assert starts(third, "finding_replication") == ["2025-10", "2026-01"]
    assert kept.computed == 3
    old = third[third["period_start"] < pd.Timestamp("2026-04-01", tz="UTC")]
    for name in ("prior_knowledge", "advice_coverage", "drift"):
        columns = ["period_start", "segment_column", "segment_value", "value", "sample_size"]
        kept_rows, before = (one[one["measure"] == name][columns] for one in (old, first))
        assert kept_rows.to_dict("records") == before.to_dict("records")

    # A change of an attempt in February touches that month and what comes after it.
    with store.transaction() as connection:
        first_days = PackagingOutcome.occurred_at.between(
            datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)
        )
        connection.execute(update(PackagingOutcome).where(first_days).values(outcome_status="partial"))
    _, kept = measure()
    assert kept.computed == 3 + 1 + 1  # February to April, the quarter from January, the replay
    assert kept.reused == len(months) - 2 + 1


def test_what_was_measured_of_older_quarters_stands(store: Store, measure: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(measures, "_MAX_QUARTERS", 1)
    add(store, 1200)
    measure()
    add(store, 60, first=1200, occurred_at=datetime(2026, 4, 15, tzinfo=UTC))
    before, _ = measure()
    assert starts(before, "finding_replication") == ["2025-10", "2026-01"]
    # A late arrival in the first month of all.
    add(store, 1, first=1260, occurred_at=datetime(2025, 1, 15, tzinfo=UTC))
    after, _ = measure()
    assert starts(after, "finding_replication") == ["2025-10", "2026-01"]


def test_measures_rest_on_how_the_features_were_made(store: Store, measure: Any) -> None:
    add(store, 300)
    _, kept = measure()
    computed = kept.computed
    # A key that was a number has a text in it now: every month's features are written anew.
    last = outcome_rows(1, first=300)[0]
    last["approach_details"] = {**last["approach_details"], "retries": "none"}
    with store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), [last])
    _, kept = measure()
    assert kept.reused == 0
    assert kept.computed == computed


def test_other_settings_or_code_start_from_nothing(
    store: Store, measure: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add(store, 300)
    _, kept = measure()
    everything = kept.computed
    assert everything > 1
    _, kept = measure(confidence_threshold=0.9)
    assert (kept.computed, kept.reused) == (everything, 0)
    _, kept = measure(confidence_threshold=0.9)
    assert (kept.computed, kept.reused) == (0, everything)
    # The same code at another place makes no difference; one line in a module deep inside does.
    copytree(
        code_version.ROOT / "memory_pipeline", tmp_path / "memory_pipeline", ignore=ignore_patterns("*.pyc")
    )
    monkeypatch.setattr(code_version, "ROOT", tmp_path)
    _, kept = measure(confidence_threshold=0.9)
    assert (kept.computed, kept.reused) == (0, everything)
    with (tmp_path / "memory_pipeline/analysis/evidence/counting/entries.py").open("a") as module:
        module.write("# changed\n")
    _, kept = measure(confidence_threshold=0.9)
    assert (kept.computed, kept.reused) == (everything, 0)


def test_without_attempts_there_are_no_measures(measure: Any) -> None:
    measures, kept = measure()
    assert measures.empty
    assert kept.computed == 0


def test_what_is_kept_is_what_was_measured(store: Store, measure: Any) -> None:
    add(store, 400)
    measured, _ = measure()
    kept, _ = measure()
    assert set(kept["measure"]) <= set(MEASURES)
    assert [type(one) for one in kept["details"]] == [type(one) for one in measured["details"]]
    assert kept["details"].tolist() == measured["details"].tolist()
