"""Names that count as one: at every question that names them."""

from __future__ import annotations

import pytest
from made_history import outcome_rows
from sqlalchemy import insert, text

from memory_pipeline.memory import Memory
from memory_pipeline.rebuild.evidence import update_evidence
from memory_pipeline.rebuild.features import update_features
from memory_pipeline.rebuild.names import update_name_merges
from memory_pipeline.rebuild.recommendations import update_recommendations
from memory_pipeline.store.models import PackagingOutcome

VENDOR = "application_vendor"


def work_out(memory):
    """Do the steps of a rebuild that names matter for."""
    for step in (update_features, update_name_merges, update_evidence, update_recommendations):
        step(memory.session)


@pytest.fixture
def memory(settings, store):
    rows = outcome_rows(300)
    for row in rows:
        number = int(row["id"].removeprefix("attempt-"))
        # Of vendor 0 a third has another spelling, and of vendor 1 a third another legal form.
        if row[VENDOR] == "vendor 0":
            row[VENDOR] = ("Fabrikam", "FABRIKAM", "Fabrikam")[number // 5 % 3]
        elif row[VENDOR] == "vendor 1":
            row[VENDOR] = ("Contoso", "Contoso Ltd", "Contoso")[number // 5 % 3]
    with store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), rows)
    with Memory(settings, store) as opened:
        work_out(opened)
        yield opened


def reasons(memory, why):
    frame = memory.name_merges(column=VENDOR, why=why)
    return {(row["raw_name"], row["name"]) for row in frame.to_dict("records")}


def test_what_was_read_as_one_and_what_looks_alike_is_listed(memory):
    assert reasons(memory, "same spelling") == {("FABRIKAM", "Fabrikam")}
    assert reasons(memory, "looks alike") == {("Contoso Ltd", "Contoso")}
    state = memory.status()
    assert (state["names_read_as_another"], state["names_that_look_alike"]) == (1, 1)


def test_a_decision_holds_from_the_next_rebuild_on_and_can_be_withdrawn(memory, store):
    with store.transaction() as connection:
        before = connection.execute(text("select id, application_vendor from packaging_outcomes")).all()
    memory.decide_name(VENDOR, "Contoso Ltd", "Contoso", "same", by="ana", note="one company")
    assert reasons(memory, "decided") == set()
    work_out(memory)
    assert reasons(memory, "decided") == {("Contoso Ltd", "Contoso")}
    assert reasons(memory, "looks alike") == set()
    answer = memory.recommend({VENDOR: "contoso LTD"}, log=False)
    assert answer.notes == ("application_vendor 'contoso LTD' was taken as 'Contoso', as which it counts.",)
    assert answer.advice.context[VENDOR] == "Contoso"

    memory.decide_name(VENDOR, "Contoso Ltd", "Contoso", "reset", by="ana")
    work_out(memory)
    assert reasons(memory, "looks alike") == {("Contoso Ltd", "Contoso")}
    assert memory.name_decisions()["decision"].tolist() == ["reset", "same"]
    with store.transaction() as connection:
        after = connection.execute(text("select id, application_vendor from packaging_outcomes")).all()
    assert sorted(after) == sorted(before)


def test_declined_pairs_are_not_proposed_again(memory):
    memory.decide_name(VENDOR, "Contoso Ltd", "Contoso", "different", by="ana")
    work_out(memory)
    assert reasons(memory, "looks alike") == set()


def test_filters_and_past_cases_find_every_spelling(memory):
    memory.decide_name(VENDOR, "Contoso Ltd", "Contoso", "same", by="ana")
    work_out(memory)
    for vendor, expected in (
        ("fabrikam", {"Fabrikam", "FABRIKAM"}),
        ("Contoso Ltd", {"Contoso", "Contoso Ltd"}),
    ):
        found = memory.outcomes(vendor=vendor)
        assert (len(found), set(found[VENDOR])) == (60, expected)
        assert memory.outcome_count(vendor=vendor) == memory.outcome_page(vendor=vendor).total == 60
        assert memory.outcome_summary(context={VENDOR: vendor}).attempts == 60
    ids = {case.outcome_id for case in memory.cases({VENDOR: "Contoso"}, None, limit=100)}
    assert ids == set(memory.outcomes(vendor="Contoso")["id"])


def test_an_unknown_name_or_column_is_answered_with_the_nearest_known(memory):
    with pytest.raises(ValueError, match=r"'Contosso'; the nearest known: 'Contoso'"):
        memory.decide_name(VENDOR, "Contosso", "Fabrikam", "same", by="ana")
    since = outcome_rows(1, first=300, application_vendor="New one")
    with memory.store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), since)
    memory.decide_name(VENDOR, "New one", "Fabrikam", "same", by="ana")
    with pytest.raises(ValueError, match=r"column is 'vendor'; use one of .*application_vendor"):
        memory.decide_name("vendor", "Contoso", "Fabrikam", "same", by="ana")
    [unknown] = memory.outcome_page(vendor="Fabrikamm").unknown
    assert unknown.known[0] in {"Contoso", "Fabrikam"}


def test_a_condition_that_never_occurred_is_named_with_the_nearest(memory):
    assert memory.unknown_conditions(VENDOR, "fabrikam") == ()
    assert (
        memory.unknown_conditions(None, "Vendor 3")
        == memory.unknown_conditions("transforms: eula", "yes")
        == ()
    )
    [column] = memory.unknown_conditions("aplication_vendor", "Fabrikam")
    assert "'application_vendor'" in str(column).partition("nearest known")[2]
    [value] = memory.unknown_conditions(VENDOR, "Fabricam")
    assert str(value) == "condition_value 'Fabricam' never occurred; the nearest known: 'Fabrikam'."
    [kind] = memory.unknown_application_type("browsers")
    assert str(kind) == "application_type 'browsers' never occurred; the nearest known: 'browser'."
    assert memory.unknown_application_type("BROWSER") == memory.unknown_application_type(None) == ()
