"""Before a command: what the hook answers, and that no memory, however broken, stops the command."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_in_server import reply
from yaml import safe_load

from memory_pipeline.hook.run import KEYWORDS, Options, read_options
from memory_pipeline.ingest.commands import parse_commands

PROJECT = Path(__file__).resolve().parents[2]
COMMAND = "msiexec /i C:\\in\\ledger-7.1.msi TRANSFORMS=corp.mst /qn"
SENTENCE = "msi with transform failed 7 of 9 times here: 1624, the transform's path is not valid."


def event(command=COMMAND, **changes):
    return {
        "session_id": "s1",
        "cwd": "/work",
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": command},
        "tool_use_id": "toolu_1",
        **changes,
    }


def answers(server, verdict, sentence=SENTENCE):
    server.says({"verdict": verdict, "sentence": sentence, "cases": []})


def output_of(done):
    assert done.returncode == 0
    return json.loads(done.stdout)["hookSpecificOutput"]


def is_silent(done):
    return done.returncode == 0 and done.stdout == ""


def test_a_failed_approach_is_asked_about(server, run_hook):
    answers(server, "failed_before")
    output = output_of(run_hook("pre", event=event()))
    said = f"Memory of earlier attempts: {SENTENCE}"
    assert output == {
        "hookEventName": "PreToolUse",
        "permissionDecision": "ask",
        "permissionDecisionReason": said,
        "additionalContext": said,
    }
    ((path, headers, body),) = server.requests
    assert path == "/api/memory/approaches/check"
    assert headers["Authorization"] == "Bearer a-token"
    assert body["context"] == {
        "application_name": "ledger",
        "application_version": "7.1",
        "installer_type": "msi",
    }
    assert body["approach"]["transform"] == "yes"


@pytest.mark.parametrize(
    ("policy", "decision"), [("ask", "ask"), ("deny", "deny"), ("note", None), ("?", "ask")]
)
def test_policies(server, run_hook, policy, decision):
    answers(server, "failed_before")
    output = output_of(run_hook("pre", "--on-failure", policy, event=event()))
    assert output.get("permissionDecision") == decision
    assert SENTENCE in output["additionalContext"]


@pytest.mark.parametrize("mode", ["bypassPermissions", "dontAsk", "auto"])
def test_nobody_is_asked_where_nobody_is_there(server, run_hook, mode):
    answers(server, "failed_before")
    output = output_of(run_hook("pre", event=event(permission_mode=mode)))
    assert output.keys() == {"hookEventName", "additionalContext"}


def test_an_approach_that_worked_is_a_note(server, run_hook):
    answers(server, "worked_before")
    output = output_of(run_hook("pre", "--on-failure=deny", event=event()))
    assert output.keys() == {"hookEventName", "additionalContext"}


def test_the_worst_of_several_commands_counts(server, run_hook):
    def answer(handler):
        failed = handler.body["context"]["application_name"] == "b"
        reply(handler, {"verdict": "failed_before" if failed else "worked_before", "sentence": "b failed."})

    server.answer = answer
    output = output_of(run_hook("pre", event=event("msiexec /i a.msi /qn && msiexec /i b.msi /qn")))
    assert output["permissionDecision"] == "ask"
    assert len(server.requests) == 2


def test_what_is_known_of_every_attempt_goes_along(server, run_hook):
    run_hook("pre", event=event(), MEMORY_CONTEXT='{"team": "sales", "n": 1}')
    assert server.requests[0][2]["context"]["team"] == "sales"
    assert "n" not in server.requests[0][2]["context"]


def test_a_secret_does_not_leave(server, run_hook):
    run_hook("pre", event=event("msiexec /i a.msi DBPASSWORD=hunter2secret /qn"))
    assert "hunter2secret" not in json.dumps(server.requests)
    assert server.requests


@pytest.mark.parametrize(
    "given_event",
    [
        event("ls -l"),
        event("echo msiexec"),
        event("choco uninstall vlc -y"),
        event(tool_name="Read"),
        event(tool_input={"file_path": "setup.exe"}),
        event(tool_input=None, note="msiexec"),
        event("msiexec /i a.msi " + "x" * 40_000),
        [],
        "not JSON: msiexec",
        "",
    ],
    ids=str,
)
def test_other_events_ask_nothing(server, run_hook, given_event):
    assert is_silent(run_hook("pre", event=given_event))
    assert server.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        lambda handler: reply(handler, {"verdict": "unknown", "sentence": SENTENCE}),
        lambda handler: reply(handler, {"verdict": "failed_before"}),
        lambda handler: reply(handler, {"verdict": "failed_before", "sentence": 7}),
        lambda handler: reply(handler, {"verdict": "failed_before", "sentence": SENTENCE}, status=500),
        lambda handler: reply(handler, {"title": "no token"}, status=401),
        lambda handler: reply(handler, ["failed_before"]),
        lambda handler: reply(handler, b"<html>failed_before"),
        lambda handler: reply(handler, b"\xff\xfe{"),
        lambda handler: handler.wfile.write(b"garbage\r\n\r\n"),
        lambda handler: handler.connection.close(),
    ],
)
def test_answers_that_say_nothing(server, run_hook, answer):
    server.answer = answer
    assert is_silent(run_hook("pre", event=event()))
    assert len(server.requests) == 1


def test_a_sentence_is_one_short_line(server, run_hook):
    answers(server, "failed_before", "a\nb\x1b[31m " + "x" * 5_000)
    said = output_of(run_hook("pre", event=event()))["additionalContext"]
    assert said.isprintable()
    assert len(said) < 700


def test_a_server_that_never_answers_is_not_waited_for(server, run_hook):
    # The answer comes when the test ends; a hook that waited for it would run into the limit of `run_hook`.
    server.never_answers()
    assert is_silent(run_hook("pre", "--budget-ms=300", event=event()))


def test_a_server_that_answers_byte_by_byte_is_not_waited_for(server, run_hook):
    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not server.released.wait(0.05):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    server.answer = drip
    assert is_silent(run_hook("pre", "--budget-ms=300", event=event()))


def test_a_server_that_is_away(run_hook):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert is_silent(run_hook("pre", event=event(), MEMORY_SERVER_URL=url))


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "ftp://host",
        "http://[::",
        "http://host:99999",
        "http://no-such-host.invalid",
        "https://127.0.0.1:9",
    ],
)
def test_addresses_that_lead_nowhere(run_hook, url):
    assert is_silent(run_hook("pre", "--budget-ms=300", event=event(), MEMORY_SERVER_URL=url))


def test_a_token_that_is_no_header_is_not_sent(server, run_hook):
    broken = {"MEMORY_TOKEN": "a\r\nHost: elsewhere"}
    assert is_silent(run_hook("pre", event=event(), **broken))
    assert server.requests == []


def test_a_server_below_a_path(server, run_hook):
    answers(server, "failed_before")
    output_of(run_hook("pre", event=event(), MEMORY_SERVER_URL=f"{server.url}/memory/"))
    assert server.requests[0][0] == "/memory/api/memory/approaches/check"


def test_the_generic_form(server, run_hook):
    answers(server, "failed_before")
    done = run_hook("pre", "--generic", "--on-failure=deny", "--", "msiexec", "/i", "a b.msi", "/qn")
    assert json.loads(done.stdout) == {
        "decision": "deny",
        "verdict": "failed_before",
        "reason": f"Memory of earlier attempts: {SENTENCE}",
    }
    assert server.requests[0][2]["context"]["application_name"] == "a b"
    run_hook("pre", "--generic", "apt-get install -y nginx")
    assert server.requests[1][2]["context"]["application_name"] == "nginx"


def test_the_command_line_of_the_program_does_the_same(server, environment):
    answers(server, "failed_before")
    cases = [
        ("deny", ["--on-failure=deny", "--budget-ms=20000"]),
        ("ask", ["--budget-ms=20000", "--no-such-option", "--on-failure=colour"]),
        ("ask", ["--on-failure=colour", "--budget-ms=20000"]),
    ]
    for decision, arguments in cases:
        done = subprocess.run(
            [sys.executable, "-c", "from memory_pipeline.cli import main; main()", "hook", "pre", *arguments],
            input=json.dumps(event()),
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
            check=False,
        )
        assert output_of(done)["permissionDecision"] == decision


GENERIC = Options("post", is_generic=True, exit_code=3010, words=("apt", "--", "x"))


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], Options()),
        (["pre", "--on-failure"], Options("pre")),
        (["post", "--exit-code", "x"], Options("post")),
        (
            ["post", "--generic", "--exit-code=3010", "apt", "--", "x"],
            Options("post", True, exit_code=3010, words=("apt", "--", "x")),
        ),
        (["pre", "--budget-ms=50", "--colour", "--", "--x"], Options("pre", budget=0.05, words=("--x",))),
    ],
)
def test_options(arguments, options):
    assert read_options(arguments) == options


def test_starting_imports_the_standard_library_alone():
    # The answer comes within the budget only if starting costs next to nothing.
    code = (
        "import sys; from memory_pipeline.hook import run, events, gate, report;"
        "print(*sorted({name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True
    )
    assert set(done.stdout.split()) - {"__main__"} <= {"memory_pipeline"}


CASES = safe_load((PROJECT / "tests" / "ingest" / "command_lines.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["command"] for case in CASES])
def test_every_packaging_command_has_a_keyword(case):
    assert any(word in json.dumps(case["command"]).lower() for word in KEYWORDS)


@given(st.text("msiexwngtapbrchooaddre.ly- /\n", max_size=80))
def test_a_text_without_a_keyword_is_no_packaging_command(text):
    if not any(word in text.lower() for word in KEYWORDS):
        assert parse_commands(text) == ()
