"""A person's decision on a factor or pattern reaches the advice: at once, in the table, over rebuilds."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from made_history import outcome_rows
from quick_rebuilds import leave_out_looks
from sqlalchemy import insert

from memory_pipeline.cli import main
from memory_pipeline.memory import Memory
from memory_pipeline.rebuild.evidence import update_evidence
from memory_pipeline.rebuild.factors import update_factors
from memory_pipeline.rebuild.features import update_features
from memory_pipeline.rebuild.patterns import update_patterns
from memory_pipeline.rebuild.recommendations import update_recommendations
from memory_pipeline.store import decisions
from memory_pipeline.store.findings import save_factors
from memory_pipeline.store.identity import factor_id
from memory_pipeline.store.models import PackagingOutcome
from memory_pipeline.store.session import open_session

CONTEXT = {"installer_type": "msi"}
STEPS = (update_features, update_evidence, update_patterns, update_factors, update_recommendations)


def history():
    """Attempts in which one of three modes succeeds much more often."""
    random = np.random.default_rng(5)
    rows = outcome_rows(600)
    for row in rows:
        mode = str(random.choice(["a", "b", "c"], p=[0.35, 0.4, 0.25]))
        ends_well = random.random() < {"a": 0.9, "b": 0.45, "c": 0.2}[mode]
        row["approach_details"] = {"mode": mode}
        row["outcome_status"] = "success" if ends_well else "failure"
        row["failure_reasons"] = []
        row["manual_interventions"] = []
    return rows


def rebuild(settings, store):
    """Do the steps that advice is made of, and nothing else."""
    session = open_session(settings, store)
    for step in STEPS:
        step(session)


@pytest.fixture(scope="module")
def kept(keep_memory):
    """A rebuilt memory in which mode a helps much; nothing else does."""

    def fill(settings, store):
        with store.transaction() as connection:
            connection.execute(insert(PackagingOutcome), history())
        with pytest.MonkeyPatch.context() as patch:
            leave_out_looks(patch)
            rebuild(settings, store)

    return keep_memory("decided_advice", fill)


@pytest.fixture
def copied(kept, tmp_path):
    with kept.copy(tmp_path / "copy") as copied:
        yield copied


@pytest.fixture
def settings(copied):
    return copied[0]


@pytest.fixture
def store(copied):
    return copied[1]


@pytest.fixture
def memory(settings, monkeypatch):
    """A copy of the rebuilt memory, which the commands open too."""
    leave_out_looks(monkeypatch)
    monkeypatch.setenv("MEMORY_HOME", str(settings.home))
    monkeypatch.setenv("MEMORY_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("COLUMNS", "400")
    with Memory.open(settings) as opened:
        yield opened


def helpful(memory):
    """The id of the factor "mode a instead of b"."""
    factors = memory.factors()
    return factors.loc[factors["factor_name"] == "mode = a", "id"].item()


def advised(table):
    return [(row or {}).get("mode") for row in table["recommended_approach"]]


def avoided(table):
    return [entry for ones in table["avoid_approach"] for entry in ones if set(entry["approach"]) == {"mode"}]


def run(*arguments):
    try:
        main(arguments)
    except SystemExit as error:
        return error.code or 0
    return 0


def test_a_suppressed_factor_leaves_the_advice_at_once_and_over_rebuilds(memory, settings, store, capsys):
    assert set(advised(memory.recommendations())) == {"a"}
    assert {entry["approach"]["mode"] for entry in avoided(memory.recommendations())} == {"b", "c"}
    rested = memory.recommend(CONTEXT, log=False).advice
    assert rested.supporting_patterns

    one = helpful(memory)
    assert (
        run("decide", "factor", one[:8], "--suppress", "--by", "ann", "--note", "we never see prompts") == 0
    )
    for _ in range(2):
        table = memory.recommendations()
        assert set(advised(table)) == {None}
        # Mode c is worse than b, which nobody denies.
        assert avoided(table)
        assert {entry["approach"]["mode"] for entry in avoided(table)} == {"c"}
        assert all(any("ann decided on" in one for one in reasons) for reasons in table["reasons"])
        answer = memory.recommend(CONTEXT, log=False).advice
        assert "mode" not in (answer.recommended_approach or {})
        assert answer.supporting_patterns == []
        assert answer.decisions[0]["note"] == "we never see prompts"
        changes = memory.advice_changes()
        assert {"withdrawn"} <= set(changes["change"]) <= {"withdrawn", "changed"}
        assert changes["why"].str.startswith("A person's decision: mode = a instead of b").all()
        count = len(changes)
        rebuild(settings, store)
    assert len(memory.advice_changes()) == count  # the rebuilds had nothing to change

    capsys.readouterr()
    assert run("recommend", "--installer-type", "msi", "--look") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert 'is no reason to choose or avoid it ("we never see prompts")' in said

    memory.decide("factor", one, "reset", by="bo")
    assert set(advised(memory.recommendations())) == {"a"}
    newest = memory.advice_changes().iloc[0]
    assert (newest["change"], "is no longer suppressed by ann" in newest["why"]) == ("new", True)


def test_a_decision_made_while_nothing_served_reaches_the_next_rebuild(memory, settings, store):
    """As where the log is restored from a backup: the decision is there, the policy does not know of it."""
    decisions.decide(store, "factor", helpful(memory), decision="suppress", by="ann")
    assert set(advised(memory.recommendations())) == {"a"}
    # Whoever asks is answered by what holds now.
    assert "mode" not in (memory.recommend(CONTEXT, log=False).advice.recommended_approach or {})
    rebuild(settings, store)
    assert set(advised(memory.recommendations())) == {None}
    changes = memory.advice_changes()
    assert len(changes) > 0
    assert changes["why"].str.contains("suppressed by ann").all()


def test_a_decision_during_a_rebuild_is_in_the_table_before_and_after(memory, settings, store):
    with store.rebuild_lock():
        assert memory.decide("factor", helpful(memory), "suppress", by="ann")["decision"] == "suppress"
        assert set(advised(memory.recommendations())) == {None}
    rebuild(settings, store)
    assert set(advised(memory.recommendations())) == {None}


def test_a_decision_waits_while_the_advice_is_being_written(memory, settings, store):
    is_written = threading.Event()

    def decide():
        with Memory.open(settings) as another:
            another.decide("factor", helpful(memory), "suppress", by="ann")
        is_written.set()

    person = threading.Thread(target=decide)
    with store.advice_lock():
        person.start()
        assert not is_written.wait(2)
        assert set(advised(memory.recommendations())) == {"a"}
    person.join()
    assert set(advised(memory.recommendations())) == {None}


def test_either_way_round_is_one_factor_and_the_newest_decision_holds(memory):
    one = helpful(memory)
    details = memory.factors().set_index("id").loc[one, "implementation_details"]
    twin = factor_id(details["column"], details["reference"], details["value"])
    memory.decide("factor", twin, "suppress", by="ann")
    assert one not in set(memory.factors()["id"])
    assert set(advised(memory.recommendations())) == {None}
    memory.decide("factor", twin, "reset", by="ann", note="ask Bo first")
    advice = memory.recommend(CONTEXT, log=False).advice
    assert any(one.startswith("ann noted on") and one.endswith('("ask Bo first").') for one in advice.reasons)
    memory.decide("factor", twin, by="ann", note="")
    assert not any("ann" in one for one in memory.recommend(CONTEXT, log=False).advice.reasons)
    memory.decide("factor", one, "confirm", by="bo", note="seen on ten machines")
    assert one in set(memory.factors()["id"])
    advice = memory.recommend(CONTEXT, log=False).advice
    assert advice.recommended_approach["mode"] == "a"
    confirmed = [reason for reason in advice.reasons if "bo confirmed on" in reason]
    assert '("seen on ten machines")' in confirmed[0]
    assert "success by" in confirmed[0]  # the factor's own sentence


def test_a_suppressed_factor_that_no_rebuild_finds_any_more_stays_suppressed(memory, store):
    memory.decide("factor", helpful(memory), "suppress", by="ann")
    save_factors(store, [])
    answer = memory.recommend(CONTEXT, log=False).advice
    assert "mode" not in (answer.recommended_approach or {})
    assert any("ann decided on" in reason for reason in answer.reasons)


def test_retired_patterns_leave_the_advice_at_once_and_notes_show(memory, capsys):
    before = memory.recommend(CONTEXT, log=False).advice
    first = before.supporting_patterns[0]
    memory.decide("pattern", first, by="ann", note="true of the new template too")
    noted = memory.recommend(CONTEXT, log=False).advice
    assert noted.supporting_patterns == before.supporting_patterns
    assert any(one.endswith("[ann: true of the new template too]") for one in noted.reasons)
    shown = memory.recommendations()
    assert any("[ann: true of the new template too]" in one for ones in shown["reasons"] for one in ones)

    assert run("decide", "pattern", first, "--retire", "--by", "ann", "--json") == 0
    assert json.loads(capsys.readouterr().out)["decision"] == "retire"
    assert first not in memory.recommend(CONTEXT, log=False).advice.supporting_patterns
    assert any(first in ones for ones in shown["supporting_patterns"])
    assert not any(first in ones for ones in memory.recommendations()["supporting_patterns"])


def test_one_factor_with_everything_behind_it(memory, capsys):
    one = helpful(memory)
    memory.decide("factor", one, "confirm", by="ann", note="seen on ten machines")
    assert run("factor", one[:10], "--json") == 0
    said = json.loads(capsys.readouterr().out)
    details = said["implementation_details"]
    assert (details["settings"], details["reference_settings"]) == ({"mode": "a"}, {"mode": "b"})
    assert said["sample_size"] == details["attempts_with_value"] + details["attempts_with_reference"]
    assert details["caveats"][0].startswith("Observational")
    assert 0 < details["overlap"] <= 1
    assert {pattern["conditions"]["mode"] for pattern in said["patterns"]} == {"a"}
    for side, mode in (("with_value", "a"), ("with_reference", "b")):
        assert [case["id"] for case in said[side]] == details["cases"][side]
        assert {case["approach_details"]["mode"] for case in said[side]} == {mode}
    names = [[case["application_name"] for case in said[side]] for side in ("with_value", "with_reference")]
    assert names[0] == names[1]
    assert said["decision_log"][0]["note"] == "seen on ten machines"

    assert run("factor", one) == 0
    printed = " ".join(capsys.readouterr().out.split())
    for part in (
        "compared with: mode=b",
        "had both",
        "Past attempts with the value",
        "confirm by ann",
        "Observational",
    ):
        assert part in printed
    assert run("factor", "nonsense") == 1
    assert "no factor has an id that is or begins with 'nonsense'" in capsys.readouterr().err
    twin = factor_id("mode", "b", "a")
    memory.decide("factor", twin, "suppress", by="bo")
    assert memory.factor(one)["decision_log"]["decision"].tolist() == ["confirm", "suppress"]
