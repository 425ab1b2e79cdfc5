"""The organisation goes on with advice: what stands on record, and what is truly gained."""

from __future__ import annotations

import numpy as np
import pytest

from memory_pipeline.worlds import Answer, continue_with_advice, sample_organisation

CLOSE = {"close_processes": "yes", "prerequisites": ["vcredist"]}


@pytest.fixture(scope="module")
def organisation():
    return sample_organisation(3, attempts=600, applications=60)


def every_other(approach):
    """Advise the same to everybody, and withhold it from every second one."""
    return lambda contexts: [Answer(f"id-{i}", None if i % 2 else approach) for i, _ in enumerate(contexts)]


def test_what_was_asked_and_what_became_of_it(organisation):
    seen = []

    def ask(contexts):
        seen.extend(contexts)
        return every_other(CLOSE)(contexts)

    went_on = continue_with_advice(organisation, ask, attempts=300)
    assert len(seen) == len(went_on.outcomes) == 300
    known = {record["application_name"] for record in organisation.outcomes}
    for i, (context, record) in enumerate(zip(seen, went_on.outcomes, strict=True)):
        assert record["recommendation_id"] == f"id-{i}"
        assert (record["recommendation_followed"] is None) == bool(i % 2)
        assert {**record, **record["context"]}.items() >= context.items()
        assert record["application_name"] in known
        assert record["occurred_at"] >= organisation.outcomes[-1]["occurred_at"]
        if record["recommendation_followed"]:
            details = record["approach_details"]
            assert (details["close_processes"], details["prerequisites"]) == ("yes", ["vcredist"])
    assert (went_on.followed + went_on.not_followed, went_on.without) == (150, 150)
    assert went_on.followed > went_on.not_followed > 10
    ids = {record["source_record_id"] for record in (*organisation.outcomes, *went_on.outcomes)}
    assert len(ids) == 900


def test_good_advice_helps_bad_advice_harms_and_no_advice_changes_nothing(organisation):
    good = continue_with_advice(organisation, every_other(CLOSE), attempts=400)
    bad = continue_with_advice(organisation, every_other({"detection_method": "file"}), attempts=400)
    none = continue_with_advice(
        organisation, lambda contexts: [Answer("x", None) for _ in contexts], attempts=400
    )
    assert good.true_gain > 0.02
    assert bad.true_gain < -0.02
    assert (none.true_gain, none.followed, none.without) == (0.0, 0, 400)


def test_the_true_gain_is_what_many_organisations_gain(organisation):
    differences, gains = [], []
    for seed in range(12):
        one = sample_organisation(seed, attempts=300, applications=60)
        went_on = continue_with_advice(one, every_other(CLOSE), attempts=2000)
        won = np.array([record["outcome_status"] == "success" for record in went_on.outcomes], float)
        differences.append(won[::2].mean() - won[1::2].mean())
        gains.append(went_on.true_gain)
    error = np.std(np.subtract(differences, gains), ddof=1) / np.sqrt(len(gains))
    assert np.mean(differences) == pytest.approx(np.mean(gains), abs=3 * error)
    assert error < 0.02
