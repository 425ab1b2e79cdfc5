"""Past attempts: those most like an advised one."""

from __future__ import annotations


def test_cases_are_past_attempts_in_the_context_the_most_alike_and_newest_first(memory):
    cases = memory.cases({"installer_type": "msi"}, {"wrapper": "psadt", "transform": "never heard of"})
    stored = memory.outcomes().set_index("id")
    succeeded = [case for case in cases if case.outcome_status == "success"]

    assert len(cases) == 6
    assert len(succeeded) == 3
    for case in cases:
        row = stored.loc[case.outcome_id]
        assert row["installer_type"] == "msi"
        assert row["approach_details"]["wrapper"] == "psadt"
        assert (case.settings_agreeing, case.settings_advised) == (1, 2)
    assert [case.occurred_at for case in succeeded] == sorted(
        (c.occurred_at for c in succeeded), reverse=True
    )
    alike = stored[
        (stored["installer_type"] == "msi")
        & (stored["outcome_status"] == "success")
        & (stored["approach_details"].map(lambda approach: approach["wrapper"] == "psadt"))
    ]
    assert succeeded[0].occurred_at == alike["occurred_at"].max()
