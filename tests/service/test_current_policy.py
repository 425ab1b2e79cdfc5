"""The policy is read once, and again as soon as what it rests on changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.recommendations import fit_policy
from memory_pipeline.service import current_policy
from memory_pipeline.service.current_policy import CurrentPolicy
from memory_pipeline.store import decisions, findings
from memory_pipeline.store.frames import POLICY, FrameStore
from memory_pipeline.store.identity import factor_id

PATTERN = {
    "pattern_type": "success",
    "pattern_name": "mode is a",
    "description": "with mode a more succeed",
    "target": "success",
    "conditions": {"mode": "a"},
    "impact": {"risk_difference": 0.4, "q_value": 0.001},
    "confidence": 0.9,
    "sample_size": 90,
    "units": 9,
    "related_outcomes": [],
}
FACTOR = {
    "factor_name": "mode a",
    "description": "mode a helps",
    "effectiveness": 0.4,
    "confidence": 0.99,
    "ci_low": 0.2,
    "ci_high": 0.5,
    "sample_size": 90,
    "units": 9,
    "applicability_conditions": {},
    "implementation_details": {"column": "mode", "value": "a", "reference": "b"},
}


@pytest.fixture(scope="module")
def fitted():
    """A policy that was fitted to attempts of which those with mode a succeed more often."""
    random = np.random.default_rng(3)
    mode = random.choice(["a", "b"], 240)
    outcomes = pd.DataFrame(
        {
            "id": [str(number) for number in range(240)],
            "application_name": [f"app {number % 24}" for number in range(240)],
            "occurred_at": pd.date_range("2026-01-01", periods=240, freq="6h", tz="UTC"),
            "installer_type": "msi",
            "mode": mode,
            "outcome_status": np.where(
                random.random(240) < np.where(mode == "a", 0.9, 0.4), "success", "failure"
            ),
        }
    )
    return fit_policy(
        outcomes, approach=["mode"], context=["installer_type"], unit="application_name"
    ).to_dict()


@pytest.fixture
def frames(tmp_path, fitted):
    kept = FrameStore(str(tmp_path / "frames"))
    kept.write_json(POLICY, fitted)
    return kept


@pytest.fixture
def reads(monkeypatch):
    """How often the policy was read as a whole."""
    count, read = [0], current_policy._read_policy

    def counted(*given):
        count[0] += 1
        return read(*given)

    monkeypatch.setattr(current_policy, "_read_policy", counted)
    return count


def test_it_is_read_once_while_nothing_changes(store, frames, reads):
    current = CurrentPolicy(store, frames)
    first = current.read()
    assert current.read() is first
    assert reads == [1]
    assert CurrentPolicy(store, frames).read().version == first.version
    assert first.recommend({"installer_type": "msi"}).recommended_approach == {"mode": "a"}


def test_a_new_file_is_read(store, frames, fitted, reads):
    current = CurrentPolicy(store, frames)
    first = current.read()
    frames.write_json(POLICY, fitted | {"limits": fitted["limits"] | {"min_sample_size": 10_000}})
    assert current.read().limits.min_sample_size == 10_000
    assert first.limits.min_sample_size == 30
    assert reads == [2]


def test_decisions_are_known_at_once(store, frames, reads):
    current = CurrentPolicy(store, frames)
    assert current.read().decisions == ()
    findings.save_factors(store, [FACTOR])
    one = factor_id("mode", "a", "b")
    decisions.decide(store, "factor", one, by="ann", decision="suppress")
    assert [each.decided_by for each in current.read().decisions] == ["ann"]
    decisions.decide(store, "factor", one, by="bo", decision="reset")
    assert current.read().decisions == ()
    before = reads[0]
    current.read()
    assert reads[0] == before


def test_what_a_rebuild_finds_is_known_with_its_policy(store, frames):
    current = CurrentPolicy(store, frames)
    before = current.read()
    findings.save_patterns(store, [PATTERN])  # a step of a rebuild that has not written its policy yet
    assert current.read() is before
    frames.write_json(POLICY, frames.read_json(POLICY))
    assert len(current.read().patterns) == 1


def test_a_write_that_was_begun_first_and_committed_last_is_seen(store, frames):
    findings.save_factors(store, [FACTOR])
    findings.save_patterns(store, [PATTERN])
    decisions.decide(store, "factor", factor_id("mode", "a", "b"), by="ann", decision="suppress")
    decisions.decide(store, "pattern", stored(store)[0]["id"], by="ann", decision="activate")
    current = CurrentPolicy(store, frames)
    first = current.read()
    with store.engine.connect() as early, store.engine.connect() as late:
        for connection, kind in ((early, "factor"), (late, "pattern")):
            connection.exec_driver_sql("update decisions set note = 'new' where kind = %s", (kind,))
        late.commit()
        second = current.read()
        assert second is not first
        early.commit()
    assert current.read() is not second


def stored(store):
    with store.transaction() as connection:
        return connection.exec_driver_sql("select id from pattern_identifications").mappings().all()


def test_threads_that_ask_at_once_share_one_reading(store, frames, reads):
    current, together = CurrentPolicy(store, frames), Barrier(8)

    def ask(_):
        together.wait()
        return current.read()

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(8)))
    assert all(one is found[0] for one in found)
    assert reads == [1]


def test_without_a_policy_it_says_what_to_do(store, tmp_path, frames):
    with pytest.raises(FileNotFoundError, match="run `memory-pipeline rebuild`"):
        CurrentPolicy(store, FrameStore(str(tmp_path / "nothing"))).read()
    frames.write_json(POLICY, {"version": "of long ago"})
    with pytest.raises(RuntimeError, match="written by another version; run `memory-pipeline rebuild`"):
        CurrentPolicy(store, frames).read()
