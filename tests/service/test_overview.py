"""What changed with the last rebuild, and how advice is used."""

from __future__ import annotations

from memory_pipeline.memory import Memory

OUTCOME = {
    "application_name": "Ledger",
    "occurred_at": "2026-05-01T12:00:00Z",
    "outcome_status": "success",
    "approach_details": {},
    "installer_type": "msi",
}


def test_an_empty_memory_has_no_changes_and_no_use(settings, store):
    with Memory(settings, store) as memory:
        changes = memory.last_changes()
        assert changes["began"] is None
        assert all(len(changes[name]) == 0 for name in ("new_patterns", "gone_patterns", "advice"))
        assert set(memory.usage().values()) == {0}


def test_use_is_counted_from_answers_and_reports(kept_sample, tmp_path):
    with kept_sample.copy(tmp_path / "home") as (settings, store), Memory(settings, store) as memory:
        before = memory.usage()
        asked = [memory.recommend(installer_type="msi").recommendation_id for _ in range(3)]
        memory.report_outcomes(
            [
                {**OUTCOME, "recommendation_id": asked[0], "recommendation_followed": True},
                {**OUTCOME, "recommendation_id": asked[1], "recommendation_followed": False},
                OUTCOME,
            ]
        )
        after = memory.usage()
        assert {name: after[name] - before[name] for name in after} == {
            "asked": 3,
            "withheld": 0,
            "reported": 2,
            "followed": 1,
            "not_followed": 1,
        }


def test_the_version_changes_with_what_is_recorded(settings, store):
    with Memory(settings, store) as memory:
        before = memory.overview_version()
        assert memory.overview_version() == before
        memory.report_outcomes([OUTCOME])
        assert memory.overview_version() != before


def test_patterns_of_the_first_rebuild_are_new(rebuilt):
    with Memory.open(rebuilt) as memory:
        changes = memory.last_changes()
        assert set(changes["new_patterns"]["id"]) == set(memory.patterns()["id"])
        assert len(changes["gone_patterns"]) == 0
