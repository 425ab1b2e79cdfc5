"""After a command: which outcomes are reported, and that none is lost while the server is away."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memory_pipeline.hook.attempts import attempts_of
from memory_pipeline.hook.events import Event, read_event
from memory_pipeline.hook.exit_codes import ending_of
from memory_pipeline.hook.report import idempotency_key, outcome_of
from memory_pipeline.ingest.commands import parse_command
from memory_pipeline.ingest.outcome_contract import latest_time, normal_outcome

COMMAND = "msiexec /i C:\\in\\ledger-7.1.msi TRANSFORMS=corp.mst DBPASSWORD=hunter2secret /qn"


def after(command=COMMAND, error=None, **changes):
    event = {
        "session_id": "s1",
        "tool_name": "Bash",
        "tool_input": {"command": command},
        "tool_use_id": "toolu_1",
        "duration_ms": 90_000,
    }
    if error is None:
        response = {"stdout": "", "stderr": "", "interrupted": False}
        event |= {"hook_event_name": "PostToolUse", "tool_response": response}
    else:
        event |= {"hook_event_name": "PostToolUseFailure", "error": error, "is_interrupt": False}
    return {**event, **changes}


def waiting(environment, folder="."):
    return sorted((Path(environment["MEMORY_HOME"]) / "hook_outbox" / folder).glob("*.json"))


def test_a_success_is_reported(server, run_hook, environment):
    done = run_hook("post", event=after())
    assert (done.returncode, done.stdout) == (0, "")
    ((path, headers, body),) = server.requests
    assert path == "/api/memory/outcomes"
    assert headers["Idempotency-Key"] == body["source_record_id"]
    assert (body["application_name"], body["outcome_status"]) == ("ledger", "success")
    assert body["performance_metrics"] == {"duration_minutes": 1.5}
    assert "failure_reasons" not in body
    assert "hunter2secret" not in json.dumps(body)
    assert waiting(environment) == []


def test_a_failure_is_reported_with_its_reason(server, run_hook):
    run_hook("post", event=after(error="Exit code 1624\nthe output says exit code 5"))
    body = server.requests[0][2]
    assert body["outcome_status"] == "failure"
    assert body["failure_reasons"] == [{"code": "1624", "reason": "transform_failed", "detail": None}]


def test_an_outcome_keeps_the_contract(monkeypatch):
    monkeypatch.setenv("MEMORY_CONTEXT", '{"team": "sales", "application_type": "erp"}')
    event = Event(COMMAND, exit_code=3010, session="s", call="c")
    command = attempts_of(event)[0]
    ending = ending_of(command, event)
    now = datetime.now(tz=UTC)
    outcome = outcome_of(command, ending, event, now, "key")
    normal = normal_outcome(outcome, latest=latest_time())
    assert normal["application_type"] == "erp"
    assert normal["context"]["team"] == "sales"
    assert normal["performance_metrics"] == {"reboot_required": 1}
    assert normal["outcome_status"] == "success"


def test_the_same_call_has_the_same_key():
    command = parse_command(COMMAND)
    first, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    event = Event(COMMAND, session="s", call="toolu_1")
    assert idempotency_key(event, command, 0, first) == idempotency_key(event, command, 0, later)
    assert idempotency_key(event, command, 0, first) != idempotency_key(event, command, 1, first)
    without = event._replace(call="")
    assert idempotency_key(without, command, 0, first) != idempotency_key(without, command, 0, later)


def test_none_is_lost_while_the_server_is_away(server, run_hook, environment):
    away = {"MEMORY_SERVER_URL": "http://127.0.0.1:9"}
    assert run_hook("post", event=after(), **away).stdout == ""
    assert run_hook("post", event=after(tool_use_id="toolu_2"), **away).returncode == 0
    assert len(waiting(environment)) == 2
    assert {path.stat().st_mode & 0o777 for path in waiting(environment)} == {0o600}
    run_hook("post", event=after(tool_use_id="toolu_3"))
    assert len({headers["Idempotency-Key"] for _, headers, _ in server.requests}) == 3
    assert waiting(environment) == []


def test_a_server_that_never_answers_is_not_waited_for(server, run_hook, environment):
    server.never_answers()
    assert run_hook("post", "--budget-ms=300", event=after()).returncode == 0
    assert len(waiting(environment)) == 1


def test_what_is_refused_for_good_is_set_aside(server, run_hook, environment):
    server.says({"title": "refused"}, status=422)
    run_hook("post", event=after())
    assert waiting(environment) == []
    assert len(waiting(environment, "refused")) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_what_may_be_taken_later_is_kept_and_does_not_hold_up_others(server, run_hook, environment, status):
    server.says({}, status=status)
    run_hook("post", event=after())
    run_hook("post", event=after(tool_use_id="toolu_2"))
    assert len(waiting(environment)) == 2
    assert len(server.requests) == 3
    server.says({}, status=201)
    run_hook("post", event=after("apt list"))
    assert waiting(environment) == []


def test_a_broken_file_does_not_hold_up_others(server, run_hook, environment):
    folder = Path(environment["MEMORY_HOME"]) / "hook_outbox"
    folder.mkdir(parents=True)
    (folder / "0-broken.json").write_text("{", encoding="utf-8")
    run_hook("post", event=after())
    assert len(server.requests) == 1
    assert [path.name for path in waiting(environment, "refused")] == ["0-broken.json"]


def test_the_generic_form(server, run_hook):
    run_hook("post", "--generic", "--exit-code=1641", "--", "msiexec", "/i", "a b.msi", "/qn")
    body = server.requests[0][2]
    assert (body["application_name"], body["outcome_status"]) == ("a b", "success")
    assert body["performance_metrics"] == {"reboot_required": 1}
    run_hook("post", "--generic", "--", "msiexec", "/i", "a.msi", "/qn")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "event",
    [
        after(tool_response={"interrupted": True}),
        after(tool_input={"command": COMMAND, "run_in_background": True}),
        after(error="Exit code 1", is_interrupt=True),
        after(error="The user doesn't want to proceed"),
        after("choco uninstall vlc -y"),
        after("hdiutil attach x-1.dmg"),
        after("setup.exe /S"),
        after("brew install jq", error="Exit code 127\nbrew: command not found"),
    ],
)
def test_what_says_nothing_about_an_approach_is_not_reported(server, run_hook, environment, event):
    assert run_hook("post", event=event).returncode == 0
    assert server.requests == []
    assert waiting(environment) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("Exit code 1603\nmore", 1603),
        ("Command exited with non-zero status code 1", 1),
        ("Command failed with exit code -5", -5),
        ("exit status: 0x643", 0x643),
        ("Command timed out after 2m", None),
        ("nothing\nexit code 5", None),
    ],
)
def test_exit_codes_are_read_from_the_first_line(error, code):
    event = read_event(json.dumps(after(error=error)))
    assert event.exit_code == code
    assert event.has_timed_out == ("timed out" in error)


# (command, shell, names known after success, after failure)
KNOWN = [
    ("msiexec /i a.msi /qn", "Bash", "a", "a"),
    ("cd /tmp && msiexec /i a.msi /qn", "Bash", "a", "a"),
    ("sudo apt-get update && sudo apt-get install -y a", "Bash", "a", ""),
    ("apt-get install -y a b", "Bash", "ab", ""),
    ("apt-get install -y a && apt-get install -y b", "Bash", "ab", ""),
    ("apt-get install -y a; apt-get install -y b", "Bash", "b", "b"),
    ("set -e\napt-get update\napt-get install -y a", "Bash", "a", ""),
    ("apt-get install -y a | tail -3", "Bash", "", ""),
    ("apt-get install -y a || true", "Bash", "", ""),
    ("apt-get install -y a && echo done", "Bash", "a", "a"),
    ("apt-get install -y a; echo done", "Bash", "", ""),
    ("apt-get install -y a &", "Bash", "", ""),
    ("apt-get install -y a > log 2>&1", "Bash", "a", "a"),
    ("(apt-get install -y a) || true", "Bash", "", ""),
    ('bash -c "apt-get install -y a"', "Bash", "a", "a"),
    ('bash -c "apt-get install -y a; true"', "Bash", "", ""),
    ("msiexec /i a.msi /qn", "PowerShell", "", ""),
    ("msiexec /i a.msi /qn | Out-Null", "PowerShell", "a", "a"),
    ("winget install a", "PowerShell", "a", "a"),
    ("Start-Process msiexec -ArgumentList '/i a.msi /qn' -Wait", "PowerShell", "", ""),
    ("$p = Start-Process msiexec '/i a.msi /qn' -Wait -PassThru; exit $p.ExitCode", "PowerShell", "a", "a"),
    ("start msiexec /i a.msi /qn", "", "", ""),
    ("start /wait msiexec /i a.msi /qn", "", "a", "a"),
    ("ls", "Bash", "", ""),
]


@pytest.mark.parametrize(("command", "shell", "succeeded", "failed"), KNOWN)
def test_which_commands_an_exit_code_speaks_for(command, shell, succeeded, failed):
    for code, names in ((0, succeeded), (1, failed)):
        found = attempts_of(Event(command, shell=shell, exit_code=code))
        assert [one.application_name for one in found] == list(names), code


@pytest.mark.parametrize(
    ("command", "shell", "code", "ending"),
    [
        ("msiexec /i a.msi", "", 0, ("success", None, None, False)),
        ("msiexec /i a.msi", "", 3010, ("success", None, None, True)),
        ("msiexec /i a.msi", "", 1618, ("failure", "1618", "another_installation_running", False)),
        ("msiexec /i a.msi", "Bash", 67, ("failure", "1603", "fatal_error", False)),
        ("msiexec /i a.msi", "Bash", 194, ("success", None, None, True)),
        ("msiexec /i a.msi", "PowerShell", 67, ("failure", "67", "other_exit_code", False)),
        ("a-setup.exe /VERYSILENT", "", 4, ("failure", "4", "fatal_error", False)),
        ("a-setup.exe /S", "", 2, ("failure", "2", "aborted_by_script", False)),
        ("a-setup.exe /S", "", 740, ("failure", "740", "needs_elevation", False)),
        ("winget install a", "", -1978335189, ("failure", "0x8A15002B", "no_applicable_upgrade", False)),
        ("choco install a -y", "", 350, ("success", None, None, True)),
        ("apt-get install a", "", 100, ("failure", "100", "other_exit_code", False)),
        ("apt-get install a", "", 3010, ("failure", "3010", "other_exit_code", False)),
        ("apt-get install a", "Bash", 130, None),
        ("apt-get install a", "Bash", None, None),
    ],
)
def test_what_exit_codes_mean(command, shell, code, ending):
    found = ending_of(parse_command(command), Event(command, shell=shell, exit_code=code))
    assert found == ending


def test_a_time_limit_is_a_failure():
    event = Event(COMMAND, has_timed_out=True)
    assert ending_of(parse_command(COMMAND), event).reason == "timeout"
