"""The command and the asset: messages, exit codes, metadata; and what a rebuild leaves alone."""

from __future__ import annotations

import json

import dagster as dg
import pytest
from messages_server import Reply
from replies import DATA, FINISHED, READS, WEB, persistent, saves, saying
from scripted_community import part, proposal

from memory_pipeline.cli import main
from memory_pipeline.pipeline.build import build_definitions
from memory_pipeline.pipeline.resources import given_resources
from memory_pipeline.store.session import open_session

WRONG_KEY = Reply.error(401, "authentication_error", "invalid x-api-key")


@pytest.fixture
def discover(community, monkeypatch, capsys):
    """Run `memory-pipeline discover` against an address: gives exit code, stdout and stderr."""
    monkeypatch.setenv("MEMORY_HOME", str(community.home))
    monkeypatch.setenv("MEMORY_DATABASE_URL", community.database_url.get_secret_value())

    def run(url, *options, key="sk-ant-test-key"):
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", key)
        code = 0
        try:
            main(["discover", *options])
        except SystemExit as ended:
            code = ended.code
        return code, *capsys.readouterr()

    return run


def test_the_command_says_what_became_of_each_claim(discover, script):
    wrong = WEB | {"name": "Too few", "member_count": 3}
    with script(saying(READS, saves(proposal(part("Excel"), part("Git")), wrong), FINISHED)) as server:
        code, out, err = discover(server.url, "--focus", "data", "--focus", "web")
    assert code == 0
    assert '["data", "web"]' in server.requests[0]["messages"][0]["content"]
    assert "refused Data people: " in " ".join(out.split())
    assert "refused Too few: member_count is 3" in " ".join(out.split())
    assert "I looked at skills and interests." in out
    assert "statistics: " in err
    assert "3 turns, 3,300 tokens, about $0.01" in " ".join(err.split())


def test_the_command_as_json(discover, script):
    with script(persistent(DATA)) as server:
        code, out, _ = discover(server.url, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["patterns"] == sum(found["by_category"].values())
    assert found["discovery"]["status"] == "complete"
    assert found["discovery"]["usage"]["input_tokens"] == 1000 * len(server.requests)
    assert found["discovery"]["claims"][-1]["verdict"] in {"created", "updated"}


def test_the_command_fails_where_claude_does_and_keeps_the_statistics(discover, script):
    with script(saying(WRONG_KEY)) as server:
        code, out, err = discover(server.url, "--json")
    assert code == 1
    found = json.loads(out)
    assert found["patterns"] > 0
    assert found["discovery"]["status"] == "wrong_key"
    with script(saying(WRONG_KEY)) as server:
        code, _, err = discover(server.url)
    assert code == 1
    assert "check ANTHROPIC_API_KEY" in " ".join(err.split())


def test_the_command_without_a_key_or_without_claude(discover, script):
    with script(saying(FINISHED)) as server:
        code, out, err = discover(server.url, key="")
        assert code == 0
        assert "ANTHROPIC_API_KEY is not set, so statistics alone" in " ".join(err.split())
        code, out, err = discover(server.url, "--statistics-only", "--json")
        assert json.loads(out)["discovery"] is None
    assert server.requests == []


def test_a_focus_that_is_too_long_is_wrong_usage(discover, script):
    with script(saying(FINISHED)) as server:
        code, _, err = discover(server.url, "--focus", "x" * 200)
    assert code == 2
    assert "longer than 100 characters" in err
    assert server.requests == []


@pytest.fixture
def materialize(memory_at, store):
    """Run the job `discover_member_patterns` in this process, against an address."""

    def run(url, **config):
        memory = open_session(memory_at(url).settings, store)
        job = build_definitions(given_resources(memory)).resolve_job_def("discover_member_patterns")
        ops = {"ops": {"discovery_runs": {"config": config}}} if config else {}
        return job.execute_in_process(raise_on_error=False, run_config=ops)

    return run


def test_the_asset_tells_what_was_used(materialize, script):
    with script(saying(READS, saves(DATA), FINISHED)) as server:
        result = materialize(server.url, focus_areas=["data"])
    assert result.success
    assert '["data"]' in server.requests[0]["messages"][0]["content"]
    (event,) = result.get_asset_materialization_events()
    told = {key: value.value for key, value in event.materialization.metadata.items()}
    assert told["status"] == "complete"
    assert (told["turns"], told["tokens"], told["patterns created"]) == (3, 3300, 1)
    assert told["cost in US dollars"] == pytest.approx(0.009)
    assert "Data people" in told["claims"]


def test_the_asset_fails_with_the_message_where_claude_fails(materialize, script):
    with script(saying(saves(DATA), WRONG_KEY)) as server:
        result = materialize(server.url)
    assert not result.success
    (failure,) = [one for one in result.all_node_events if one.is_step_failure]
    said = failure.step_failure_data.user_failure_data
    assert "check ANTHROPIC_API_KEY" in said.description
    assert "Stored: 1 verified pattern;" in said.description
    assert said.metadata["status"].value == "wrong_key"


def test_neither_a_rebuild_nor_a_running_schedule_spends_money():
    definitions = build_definitions()
    rebuild = definitions.resolve_job_def("rebuild").asset_layer
    assert "discovery_runs" not in {key.to_user_string() for key in rebuild.executable_asset_keys}
    schedule = definitions.resolve_schedule_def("discovery_schedule")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.job_name == "discover_member_patterns"
    assert schedule.cron_schedule == "0 0 * * 0"
