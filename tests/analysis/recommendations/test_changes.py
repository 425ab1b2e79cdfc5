"""What a rebuild changed in the advice is told, with the reason."""

import pytest

from memory_pipeline.analysis.recommendations.changes import compare_advice

MSI, EXE = {"installer_type": "msi"}, {"installer_type": "exe"}
DRIFT = {
    "column": "wrapper",
    "value": "yes",
    "since": "2025-12-01T00:00:00+00:00",
    "difference": -0.2,
    "before": 300,
    "after": 90,
}


def row(conditions, approach, rate=0.8):
    return {"conditions": conditions, "recommended_approach": approach, "success_rate": rate}


def policy(attempts, changes=(), limits=None):
    return {"history": {"attempts": attempts}, "changes": list(changes), "limits": limits or {}}


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (None, {"wrapper": True}, "new"),
        ({"wrapper": True}, None, "withdrawn"),
        ({"wrapper": True}, {"wrapper": False}, "changed"),
    ],
)
def test_what_changed_is_named(old, new, change):
    found = compare_advice(
        [row(MSI, old), row(EXE, old)],
        [row(MSI, new), row(EXE, old)],
        policy_before=policy(100),
        policy_after=policy(150),
    )
    assert [(one["conditions"], one["change"], one["before"], one["after"]) for one in found] == [
        (MSI, change, old, new)
    ]
    assert found[0]["why"] == "New evidence: 50 more attempts count than at the rebuild before."


def test_another_expectation_counts_from_five_points_on():
    before = [row(MSI, None, 0.80), row(EXE, None, 0.80)]
    after = [row(MSI, None, 0.74), row(EXE, None, 0.76)]
    found = compare_advice(before, after, policy_before=policy(1), policy_after=policy(1))
    assert [(one["conditions"], one["change"]) for one in found] == [(MSI, "other expectation")]
    assert "corrected" in found[0]["why"]


def test_a_drift_is_the_reason_where_it_concerns_the_advice():
    before = [row(MSI, {"wrapper": True}), row(EXE, {"logging": "verbose"})]
    after = [row(MSI, None), row(EXE, {"logging": "quiet"})]
    found = compare_advice(before, after, policy_before=policy(500), policy_after=policy(300, [DRIFT]))
    assert "do worse since 2025-12-01" in found[0]["why"]
    assert found[1]["why"].startswith("Less evidence: 200 fewer")
    again = compare_advice(
        before, after, policy_before=policy(300, [DRIFT]), policy_after=policy(300, [DRIFT])
    )
    assert "since" not in again[0]["why"]


def test_other_limits_are_the_reason_where_the_evidence_is_the_same():
    found = compare_advice(
        [row(MSI, None)],
        [row(MSI, {"wrapper": True})],
        policy_before=policy(9, limits={"confidence_threshold": 0.9}),
        policy_after=policy(9, limits={"confidence_threshold": 0.5}),
    )
    assert "limits" in found[0]["why"]


def test_the_first_rebuild_changes_nothing():
    assert compare_advice([], [row(MSI, {"wrapper": True})], policy_before={}, policy_after=policy(5)) == []
