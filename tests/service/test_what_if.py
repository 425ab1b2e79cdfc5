"""What if other settings were chosen, and how many attempts contexts have: against the same by hand."""

from __future__ import annotations

from memory_pipeline.service.what_if import approaches_with, settings_of

CANDIDATES = [
    {"approach": {"wrapper": "psadt", "needs": ["a", "b"]}, "usual_share": 0.1, "success_rate": 0.9},
    {"approach": {"wrapper": "psadt", "needs": []}, "usual_share": 0.6, "success_rate": 0.7},
    {"approach": {"wrapper": "none", "needs": ["a", "b"]}, "usual_share": 0.3, "success_rate": 0.8},
]


def test_what_can_be_chosen_is_what_was_compared():
    assert settings_of(CANDIDATES) == {
        "needs": {"a + b": ["a", "b"], "none": []},
        "wrapper": {"none": "none", "psadt": "psadt"},
    }


def test_the_usual_approach_with_the_settings_comes_first():
    found = approaches_with(CANDIDATES, {"wrapper": "psadt"})
    assert [one["success_rate"] for one in found] == [0.7, 0.9]
    assert approaches_with(CANDIDATES, {"needs": ["a", "b"], "wrapper": "psadt"}) == [CANDIDATES[0]]
    assert approaches_with(CANDIDATES, {"wrapper": "other"}) == []
    assert approaches_with(CANDIDATES, {"unheard of": "yes"}) == []


def test_attempts_in_contexts_are_those_of_the_history(memory):
    rows = memory.outcomes()
    contexts = [
        {"installer_type": "msi"},
        {"installer_type": "msi", "application_type": "browser"},
        {"installer_type": "never heard of"},
        {"never heard of": "msi"},
        {},
    ]
    msi = rows["installer_type"] == "msi"
    expected = [
        int(msi.sum()),
        int((msi & (rows["application_type"] == "browser")).sum()),
        0,
        None,
        len(rows),
    ]
    assert memory.attempts_in_contexts(contexts) == expected


def test_both_sides_of_a_factor_are_counted_by_context(memory):
    factor = memory.factor(memory.factors()["id"].iloc[0])
    details = factor["implementation_details"]
    found = memory.factor_by_context(factor)
    assert {"installer_type", "application_type"} <= set(found["column"])
    architectures = found[found["column"] == "architecture"]
    assert architectures["attempts_with_value"].sum() <= details["attempts_with_value"]
    assert found["ci_low"].le(found["difference"]).all()
    assert found["ci_high"].ge(found["difference"]).all()
