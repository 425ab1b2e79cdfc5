"""Decisions about names: the newest about two names applies, and impossible ones are refused."""

from __future__ import annotations

import pytest

from memory_pipeline.store.names import decide_names, name_decision_log, read_name_decisions

VENDOR = "application_vendor"


@pytest.fixture
def decide(store):
    def decided(name, other, decision="same", **more):
        return decide_names(store, VENDOR, name, other, decision=decision, by="a person", **more)

    return decided


@pytest.fixture
def held(store):
    def read():
        with store.transaction() as connection:
            return {
                (one["name"], one["other_name"], one["decision"]) for one in read_name_decisions(connection)
            }

    return read


def test_the_newest_decision_about_two_names_applies_whichever_way_round(decide, held, store):
    made = decide("Contoso Ltd", "Contoso", note=" the same register entry ")
    assert (made["note"], made["decided_by"]) == ("the same register entry", "a person")
    decide("Contoso", "Contoso Ltd", "different")
    assert held() == {("Contoso", "Contoso Ltd", "different")}
    decide("Contoso Ltd", "Contoso", "reset")
    assert held() == set()
    log = name_decision_log(store)
    assert log["decision"].tolist() == ["reset", "different", "same"]


def test_a_name_counts_as_one_other_at_most(decide, held):
    decide("Contoso Ltd", "Contoso")
    decide("Contoso Ltd", "Contoso Group")
    assert held() == {("Contoso Ltd", "Contoso Group", "same")}


def test_a_circle_is_refused(decide, held):
    decide("a", "b")
    decide("b", "c")
    with pytest.raises(ValueError, match="'a' counts as 'c' already; withdraw"):
        decide("c", "a")
    decide("b", "a")  # the other way round replaces what was said about the two
    assert held() == {("b", "a", "same")}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (("x", "x"), "both 'x'"),
        ((" ", "x"), "name is empty"),
        (("x", ""), "other_name is empty"),
        (("x", "y", "merge"), "use one of same, different, reset"),
        (("x", "y", "reset"), "nothing is decided about 'x' and 'y'"),
    ],
)
def test_what_cannot_be_decided_is_refused(decide, held, said, message):
    with pytest.raises(ValueError, match=message):
        decide(*said)
    assert held() == set()
