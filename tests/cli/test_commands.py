"""The commands as a person or a script calls them: output, JSON, messages, exit codes."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pandas as pd
import pytest
from rich.console import Console
from sqlalchemy import make_url

from memory_pipeline.cli import main, tables
from memory_pipeline.ingest import ingest_records
from memory_pipeline.service.monitoring import TOPICS

SHOWN = [
    "outcomes",
    "patterns",
    "associations",
    "factors",
    "recommendations",
    "learning",
    "verification",
    "members",
    "member-patterns",
    "questions",
    "labels",
]


@pytest.fixture
def environment(rebuilt, monkeypatch):
    monkeypatch.setenv("MEMORY_HOME", str(rebuilt.home))
    monkeypatch.setenv("MEMORY_DATABASE_URL", rebuilt.database_url.get_secret_value())
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments):
    """Run a command; a missing SystemExit is success."""
    try:
        main(arguments)
    except SystemExit as error:
        return error.code or 0
    return 0


@pytest.mark.parametrize("what", SHOWN)
def test_show_prints_json_and_nothing_else(environment, capsys, what):
    assert run("show", what, "--json", "--limit", "3") == 0
    rows = json.loads(capsys.readouterr().out)
    assert 1 <= len(rows) <= 3


@pytest.mark.parametrize("what", SHOWN)
def test_show_prints_a_table(environment, capsys, what):
    assert run("show", what, "--limit", "2") == 0
    assert len(capsys.readouterr().out.splitlines()) >= 2


@pytest.mark.parametrize("topic", TOPICS)
def test_monitor_prints_its_sentence_and_tables(environment, capsys, topic):
    assert run("monitor", topic, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["topic"] == topic
    assert run("monitor", topic) == 0
    shown = capsys.readouterr().out
    assert found["sentence"][:60] in shown
    assert "95% interval" in shown or topic in {"effectiveness", "usage"}


def test_predictability_is_said_in_a_sentence(environment, capsys):
    assert run("show", "predictability", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["summary"].startswith("For applications not seen before, the conditions explain ")
    assert {row["model"] for row in answer["scores"]} >= {"chosen", "logistic regression"}
    assert run("show", "predictability") == 0
    shown = capsys.readouterr().out
    assert answer["summary"][:60] in shown
    assert "gradient boosting" in shown


def test_patterns_that_overlap_are_shown(environment, capsys):
    assert run("show", "associations", "--patterns", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows
    assert all(0.1 <= row["jaccard"] <= row["inside"] <= 1 for row in rows)
    assert run("show", "associations", "--patterns") == 0
    assert rows[0]["pattern_a"][:30] in capsys.readouterr().out


def test_outcomes_are_filtered(environment, capsys):
    assert run("show", "outcomes", "--status", "failure", "--installer-type", "msi", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(row["outcome_status"], row["installer_type"]) for row in rows} == {("failure", "msi")}
    assert run("show", "outcomes", "--intervention", "any", "--since", "2026-01-01", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows
    assert all(row["manual_interventions"] and row["occurred_at"] >= "2026" for row in rows)


def test_recommend_prints_advice_with_its_reasons(environment, capsys):
    assert run("recommend", "--installer-type", "msi", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["recommendation_id"]
    assert answer["advice"]["reasons"]
    assert run("recommend", "--installer-type", "msi") == 0
    printed = capsys.readouterr().out
    assert "expected success" in printed
    assert "report the outcome with recommendation_id" in printed


def test_recommend_with_a_broken_setting(environment, capsys):
    assert run("recommend", "--set", "architecture") == 2
    assert "--set 'architecture' is not KEY=VALUE" in capsys.readouterr().err
    assert run("recommend", "--set", "colour=red") == 1
    assert "colour" in capsys.readouterr().err


def test_status(environment, rebuilt, monkeypatch, capsys):
    secret = "open-sesame"
    url = make_url(rebuilt.database_url.get_secret_value()).set(password=secret)
    monkeypatch.setenv("MEMORY_DATABASE_URL", url.render_as_string(hide_password=False))
    assert run("status", "--json") == 0
    status = json.loads(capsys.readouterr().out)
    assert sum(status["outcomes"].values()) == 2500
    assert ":***@" in status["database"]
    assert secret not in status["database"]
    assert run("status") == 0
    shown = capsys.readouterr().out
    assert "last rebuild" in shown
    lines = [line.rstrip() for line in shown.splitlines() if line.startswith("advice coverage ")]
    assert lines == [f"advice coverage                   {status['learning']['advice_coverage']}"]


def test_learning_is_shown_by_measure_and_with_its_history(environment, capsys):
    assert run("show", "learning", "--measure", "advice_coverage", "--limit", "1") == 0
    assert capsys.readouterr().out.splitlines()[0].split() == [
        "measure",
        "part",
        "month",
        "value",
        "95%",
        "interval",
        "sample",
    ]
    assert run("show", "learning", "--measure", "drift", "--history", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["measure"] for row in rows} == {"drift"}
    assert all(row["recorded_at"] for row in rows)
    assert run("show", "learning") == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("success rate", "prior knowledge", "advice gain", "drift"))
    assert run("show", "learning", "--history", "--limit", "1") == 0
    assert "measured" in capsys.readouterr().out.splitlines()[0]
    assert run("show", "learning", "--measure", "skill") == 2
    assert "'advice_gain'" in capsys.readouterr().err


def test_a_change_is_explained_in_sentences_and_by_contributor(environment, capsys):
    assert run("explain-change", "--json") == 0
    explained = json.loads(capsys.readouterr().out)
    assert run("explain-change") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert all(sentence in printed for sentence in explained["sentences"])
    assert "contributor part share of attempts success points interval" in printed
    first = explained["contributors"][0]
    assert f"{first['share_before']:.0%} to {first['share_after']:.0%}" in printed

    spans = ("--from", "2026-01", "--before-from", "2025-01", "--before-to", "2025-06")
    assert run("explain-change", *spans, "--by", "wrapper", "--json") == 0
    named = json.loads(capsys.readouterr().out)
    assert [one["column"] for one in named["columns"]] == ["wrapper"]
    assert named["before"]["last"] == "2025-06"
    assert run("explain-change", "--by", "colour") == 1
    assert "columns has 'colour'; use some of" in " ".join(capsys.readouterr().err.split())


def test_discover_counts_what_it_found(environment, capsys):
    assert run("discover", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["patterns"] == sum(found["by_category"].values())


def test_a_wrong_setting_is_named(monkeypatch, capsys):
    monkeypatch.setenv("MEMORY_MIN_SAMPLE_SIZE", "many")
    assert run("status") == 1
    assert "MEMORY_MIN_SAMPLE_SIZE is 'many'" in capsys.readouterr().err


def test_a_database_that_does_not_answer_is_named(monkeypatch, capsys):
    monkeypatch.setenv("MEMORY_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/x")
    assert run("status") == 1
    message = capsys.readouterr().err
    assert "MEMORY_DATABASE_URL" in message
    assert "secret" not in message


def test_nothing_rebuilt_yet(settings, monkeypatch, capsys):
    monkeypatch.setenv("MEMORY_HOME", str(settings.home))
    monkeypatch.setenv("MEMORY_DATABASE_URL", settings.database_url.get_secret_value())
    assert run("recommend", "--installer-type", "msi") == 1
    assert "memory-pipeline rebuild" in capsys.readouterr().err
    assert run("show", "patterns", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_demo_refuses_to_mix_its_records_into_others(settings, store, monkeypatch, capsys):
    record = {
        "application_name": "A",
        "outcome_status": "success",
        "occurred_at": "2026-01-01T00:00:00Z",
        "approach_details": {},
    }
    ingest_records(store, "outcomes", [record], source="ours")
    monkeypatch.setenv("MEMORY_HOME", str(settings.home))
    monkeypatch.setenv("MEMORY_DATABASE_URL", settings.database_url.get_secret_value())
    assert run("demo") == 1
    assert "holds outcomes of ours" in capsys.readouterr().err


@pytest.mark.parametrize("width", [80, 200])
def test_an_attempt_is_shown_with_its_whole_approach(width):
    attempt = {
        "occurred_at": pd.Timestamp("2026-03-02T10:00Z"),
        "application_name": "[bold]Editor",
        "application_version": "1.2",
        "installer_type": "msi",
        "outcome_status": "failure",
        "failure_reasons": [{"reason": "disk_full"}],
        "manual_interventions": None,
        "approach_details": {"silent_switch": "/quiet /norestart", "wrapper": "psadt", "transform": "yes"},
    }
    console = Console(width=width, file=io.StringIO())
    console.print(tables.outcomes(pd.DataFrame([attempt]), width=width))
    shown = console.file.getvalue()
    assert "silent_switch=/quiet /norestart, wrapper=psadt, transform=yes" in shown
    assert all(
        part in shown for part in ("2026-03-02 10:00", "[bold]Editor 1.2", "msi", "failure", "disk_full")
    )


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("show", "nonsense"), ("show", "patterns", "--sort", "x")]
)
def test_wrong_usage_has_its_own_exit_code(arguments, capsys):
    assert run(*arguments) == 2
    assert "Error" in capsys.readouterr().err


def test_what_runs_for_a_while_ends_with_its_parent_when_told_to():
    """Also where interrupts are ignored, as by what a shell starts in the background."""
    child = "import time; print('up', flush=True); time.sleep(600)"
    code = f"from memory_pipeline.cli.run import run_module; run_module(['-c', {child!r}], {{}})"
    ignoring = (
        f"import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        f"os.execv(sys.executable, [sys.executable, '-c', {code!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", ignoring], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "up\n"
        parent.terminate()
        try:
            assert parent.wait(60) == 0
        finally:
            parent.kill()


def test_help_is_quick_to_import():
    """Nothing heavy is imported before a command is chosen."""
    code = (
        "import sys\nfrom memory_pipeline.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'altair', 'dagster', 'pandas', 'sklearn', 'statsmodels'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "recommend" in done.stdout
