"""Whether an approach failed before: the rule, its counts, and what it says of little evidence."""

from __future__ import annotations

import pytest
from made_policy import made_policy, made_records, open_made

from memory_pipeline.memory import Memory
from memory_pipeline.service.approaches import decide_verdict
from memory_pipeline.service.descriptions import DescriptionError
from memory_pipeline.store.cases import AttemptCounts


@pytest.fixture(scope="module")
def policy():
    return made_policy()


@pytest.fixture
def memory(settings, store, policy):
    with open_made(settings, store, policy) as opened:
        yield opened


def counts(units, rate):
    return AttemptCounts(attempts=units, successes=round(units * rate), units=units, rate=rate)


@pytest.mark.parametrize(
    ("approach", "others", "verdict"),
    [
        # Wilson's interval of 5 in 20 is 11% to 47%, of 18 in 20 is 70% to 97%.
        (counts(20, 0.25), counts(20, 0.48), "failed_before"),
        (counts(20, 0.25), counts(20, 0.46), "unknown"),
        (counts(20, 0.9), counts(20, 0.79), "worked_before"),
        (counts(20, 0.9), counts(20, 0.81), "unknown"),
        (counts(4, 0.0), counts(50, 0.9), "unknown"),
        (counts(5, 0.0), counts(50, 0.9), "failed_before"),
        (counts(50, 0.0), counts(4, 0.9), "unknown"),
        (counts(0, 0.0), counts(0, 0.0), "unknown"),
    ],
)
def test_the_verdict_follows_the_rule(approach, others, verdict):
    assert decide_verdict(approach, others, min_units=5) == verdict


@pytest.mark.parametrize(
    ("mode", "verdict", "first"), [("b", "failed_before", "failure"), ("a", "worked_before", "success")]
)
def test_what_failed_and_what_worked_is_told_with_counts_and_cases(memory, mode, verdict, first):
    check = memory.check_approach({"installer_type": "msi"}, {"mode": mode})
    own = [
        one
        for one in made_records()
        if one["installer_type"] == "msi" and one["approach_details"]["mode"] == mode
    ]
    succeeded = sum(one["outcome_status"] == "success" for one in own)
    assert (check.verdict, check.attempts, check.successes) == (verdict, len(own), succeeded)
    assert check.units == len({one["application_name"] for one in own})
    assert check.ci_low < check.success_rate < check.ci_high
    assert (
        f"{succeeded} of {len(own)} attempts with mode = {mode} where installer type is msi" in check.sentence
    )
    assert [one.outcome_status for one in check.cases] == [
        first,
        {"failure": "success"}.get(first, "failure"),
    ]
    assert check.notes == ()


def test_what_was_never_tried_is_unknown(memory):
    check = memory.check_approach({}, {"mode": "zz"})
    assert (check.verdict, check.attempts, check.cases) == ("unknown", 0, ())
    assert check.sentence == "Unknown: no attempt with mode = zz is recorded."
    assert "'zz' never occurred" in check.notes[0]
    nothing = memory.check_approach({}, {"moode": "a"})
    assert (nothing.verdict, nothing.approach) == ("unknown", {})
    assert nothing.notes == ("No attempt has 'moode', so it was left out; the nearest known name is 'mode'.",)


def test_a_setting_that_is_not_known_is_left_out_and_case_is_corrected(memory):
    alone = memory.check_approach({"installer_type": "msi"}, {"mode": "b"})
    more = memory.check_approach({"installer_type": "MSI"}, {"mode": "B", "colour": "red"})
    assert (more.verdict, more.attempts, more.approach) == (alone.verdict, alone.attempts, {"mode": "b"})
    assert len(more.notes) == 3


def test_what_cannot_be_checked_is_refused(memory):
    with pytest.raises(ValueError, match="approach is empty; name at least one setting"):
        memory.check_approach({}, {})
    with pytest.raises(DescriptionError, match="the memory knows nothing about colour"):
        memory.check_approach({"colour": "red"}, {"mode": "a"})


def test_attempts_are_checked_before_anything_was_learned(settings, store):
    with Memory(settings, store) as memory:
        memory.ingest(made_records(), source="made")
        assert memory.check_approach({"team": "red"}, {"mode": "b"}).verdict == "failed_before"
