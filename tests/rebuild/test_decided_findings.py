"""`pattern` and `decide`, over rebuilds of a memory of its own."""

from __future__ import annotations

import json

import pytest
from made_history import member_rows, outcome_rows
from quick_rebuilds import leave_out
from sqlalchemy import insert

from memory_pipeline.cli import main
from memory_pipeline.memory import Memory
from memory_pipeline.rebuild import rebuild
from memory_pipeline.store.models import Member, PackagingOutcome
from memory_pipeline.store.session import open_session


def history(count):
    """Attempts in which one of three modes often needs a person, and a slow network a restart."""
    rows = outcome_rows(count)
    for number, row in enumerate(rows):
        mode = "abc"[number // 40 % 3]
        row["approach_details"] |= {"mode": mode}
        needs = mode == "a" and number % 5
        row["manual_interventions"] = [{"kind": "edited_script", "minutes": 5}] if needs else []
        is_slow = number % 7 < 3
        row["context"] |= {"network": "slow" if is_slow else "fast"}
        if is_slow and number % 4:
            row["manual_interventions"].append({"kind": "restarted", "minutes": 5})
    return rows


def run(*arguments):
    """Run a command; a missing SystemExit is success."""
    try:
        main(arguments)
    except SystemExit as error:
        return error.code or 0
    return 0


@pytest.fixture
def quick(monkeypatch):
    """Leave contracts, pictures and the slowest measure out: other tests look at them."""
    leave_out(monkeypatch)


@pytest.fixture(scope="module")
def kept(keep_memory):
    """A memory that was rebuilt."""

    def fill(settings, store):
        with store.transaction() as connection:
            connection.execute(insert(PackagingOutcome), history(600))
            connection.execute(insert(Member), member_rows(120))
        with pytest.MonkeyPatch.context() as patch:
            leave_out(patch)
            rebuild(open_session(settings, store), contracts=())

    return keep_memory("decided_findings", fill)


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
def memory(settings, quick, monkeypatch):
    """A copy of the rebuilt memory, which the commands open too."""
    monkeypatch.setenv("MEMORY_HOME", str(settings.home))
    monkeypatch.setenv("MEMORY_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("COLUMNS", "200")
    with Memory.open(settings) as opened:
        yield opened


def test_what_a_person_decides_survives_rebuilds_and_is_shown(memory, settings, store, capsys):
    retired, other = memory.patterns()["id"].head(2)
    found_factor = memory.factors()["id"].iloc[0]
    member_pattern = memory.member_patterns().iloc[0]
    assert (
        run("decide", "pattern", retired[:8], "--retire", "--note", "a bug since mended", "--by", "ann") == 0
    )
    assert f"pattern {retired}: retire (a bug since mended)" in " ".join(capsys.readouterr().out.split())
    assert run("decide", "factor", found_factor, "--suppress", "--by", "ann", "--json") == 0
    assert json.loads(capsys.readouterr().out)["decision"] == "suppress"
    assert run("decide", "member-pattern", str(member_pattern["id"]), "--retire", "--by", "ann") == 0

    few = settings.model_copy(update={"max_patterns": 1})
    rebuild(open_session(few, store), contracts=())
    everything = memory.patterns(include_retired=True).set_index("id")
    assert memory.patterns()["id"].tolist() == [other]  # the retired one takes no place
    assert everything.loc[retired, "is_found"]
    assert everything.loc[retired, "retired_reason"] == "retired by ann: a bug since mended"
    others = everything.drop([retired, other])
    assert len(others) > 0
    assert others["retired_reason"].str.startswith("lost to MEMORY_MAX_PATTERNS (1)").all()
    assert found_factor not in set(memory.factors()["id"])
    assert found_factor in set(memory.factors(include_all=True)["id"])
    assert member_pattern["name"] not in set(memory.member_patterns()["name"])

    capsys.readouterr()
    assert run("show", "patterns", "--include-retired") == 0
    assert "[retire by ann: a bug since mended]" in " ".join(capsys.readouterr().out.split())


def test_a_pattern_below_the_sample_is_retired_and_one_that_a_person_keeps_is_not(
    memory, settings, store, capsys
):
    kept, gone = memory.patterns()["id"].head(2)
    memory.decide("pattern", kept, "activate", by="ann")
    strict = settings.model_copy(update={"min_sample_size": 590})
    rebuild(open_session(strict, store), contracts=())
    after = memory.patterns(include_retired=True).set_index("id")
    assert after["active"].to_dict() == {one: one == kept for one in after.index}
    for one in (kept, gone):
        reason = after.loc[one, "absence_reason"]
        gone_with = ("below the sample", "its value is gone", "its column is gone", "its target is gone")
        assert reason.startswith(gone_with), reason
    assert run("pattern", kept) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "the newest rebuild did not find it: " in printed
    assert "activate by ann" in printed
    assert run("show", "patterns") == 0
    assert "(not found by the newest rebuild)" in " ".join(capsys.readouterr().out.split())


def test_one_pattern_with_its_evidence_history_and_outcomes(memory, capsys):
    pattern = memory.patterns().iloc[0]
    assert run("pattern", pattern["id"][:10], "--limit", "4", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["id"], said["description"]) == (pattern["id"], pattern["description"])
    assert said["related_count"] == said["sample_size"] > len(said["related_outcomes"]) == 50
    assert [one["id"] for one in said["outcomes"]] == said["related_outcomes"][:4]
    assert [one["is_found"] for one in said["history"]] == [True]
    says_hit = pattern["impact"]["risk_difference"] > 0
    stored = memory.outcomes().set_index("id").loc[said["related_outcomes"]]
    if pattern["target"] == "success":
        assert ((stored["outcome_status"] == "success") == says_hit).all()
    assert stored["occurred_at"].is_monotonic_decreasing
    assert run("pattern", pattern["id"]) == 0
    assert f"10 of {said['related_count']} outcomes, the strongest first" in capsys.readouterr().out


def test_wrong_calls_are_named(memory, capsys):
    pattern = memory.patterns()["id"].iloc[0]
    for arguments, code, message in [
        (("pattern", "nonsense"), 1, "no pattern has an id that is or begins with 'nonsense'"),
        (("decide", "pattern", "nonsense", "--retire"), 1, "show patterns --json"),
        (("decide", "pattern", pattern), 2, "nothing to do: give --activate, --retire, --reset or --note"),
        (("decide", "pattern", pattern, "--retire", "--activate"), 2, "exclude each other"),
        (("decide", "factor", pattern, "--retire"), 2, "No such option"),
    ]:
        assert run(*arguments) == code
        assert message in " ".join(capsys.readouterr().err.split())
