"""The six tools by the SDK's client in memory: what they answer, how long it is, and how they refuse."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import get_args

import jsonschema
import pytest
from sqlalchemy import text

from memory_pipeline.server.mcp.arguments import FindingKind, Status
from memory_pipeline.server.mcp.budgets import ADVICE_TOKENS, LIST_TOKENS, tokens_of
from memory_pipeline.server.mcp.tools import TOOLS
from memory_pipeline.store.access import read_audit
from memory_pipeline.store.models import DECISIONS, OUTCOME_STATUSES, QuarantinedRecord
from memory_pipeline.store.outcome_queries import read_outcomes
from memory_pipeline.store.reads import count_rows

MSI = {"installer_type": "msi"}


def text_of(result):
    return result.content[0].text


def answer_of(result):
    assert not result.is_error, text_of(result)
    return result.structured_content


def test_each_tool_has_schemas_and_says_whether_it_writes(memory, ask):
    async def listed(client):
        return (await client.list_tools()).tools

    tools = {one.name: one for one in ask(memory, listed)}
    assert list(tools) == [
        "get_advice",
        "check_approach",
        "report_outcome",
        "search_cases",
        "explain_finding",
        "memory_status",
    ]
    for name, tool in tools.items():
        assert tool.title
        assert tool.description
        assert tool.annotations.read_only_hint is (name != "report_outcome")
        assert not tool.annotations.destructive_hint
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        assert tool.input_schema["additionalProperties"] is False
    assert tools["report_outcome"].input_schema["required"] == ["outcome_status"]


def test_what_can_be_said_is_what_the_memory_stores():
    assert set(get_args(Status)) == set(OUTCOME_STATUSES)
    assert set(get_args(FindingKind)) == set(DECISIONS)


def test_advice_says_what_to_do_what_to_expect_and_how_to_report(memory, call):
    result = call(memory, "get_advice", context=MSI)
    answer = answer_of(result)
    full = memory.recommend(MSI, log=False)
    assert answer["approach"] == full.advice.recommended_approach
    expected = answer["expected"]
    assert expected["ci_low"] < expected["success_rate"] < expected["ci_high"]
    assert expected["usual_rate"] == pytest.approx(full.advice.usual_rate, abs=0.001)
    assert answer["why"] == full.advice.reasons[:3]
    assert [one["outcome_status"] == "success" for one in answer["cases"]] == [True, True, False, False]
    assert answer["recommendation_id"] in answer["how_to_report"]
    assert answer["recommendation_id"] in text_of(result)
    assert "95% interval" in text_of(result)


def test_every_advice_of_the_sample_keeps_to_its_budget(memory, call):
    contexts = list(memory.recommendations()["conditions"])
    assert len(contexts) > 20
    for context in [{}, *contexts]:
        result = call(memory, "get_advice", context=context)
        answer = answer_of(result)
        assert tokens_of(text_of(result), answer) <= ADVICE_TOKENS
        assert answer["why"]
        assert len(answer["why"]) <= 3
        assert len(answer["cases"]) <= 4


def test_the_answer_of_advice_is_logged(memory, call):
    asked = answer_of(call(memory, "get_advice", context=MSI))
    memory.store_served()
    with memory.store.transaction() as connection:
        logged = connection.execute(
            text("select context, door, asked_by from served_recommendations where id = :id"),
            {"id": asked["recommendation_id"]},
        ).one()
    assert tuple(logged) == (MSI, "mcp", "tester")


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("get_advice", {"context": {"instaler_type": "msi"}}, "did you mean 'installer_type'?"),
        ("get_advice", {"contxt": {}}, "did you mean 'context'?"),
        ("get_advice", {"context": "msi"}, "context: send an object of names and values"),
        ("get_advice", {"context": {"team": {"a": 1}}}, "team: send a text, a number"),
        ("get_advice", {"context": {"team": "x" * 501}}, "at most 500 characters"),
        ("check_approach", {}, "approach: send the settings, or a command line"),
        ("check_approach", {"approach": {"wrapper": "psadt"}, "command": "msiexec /i a.msi"}, "send one"),
        ("check_approach", {"command": "ls -l"}, "no packaging command was read"),
        ("check_approach", {"command": "msiexec /x a.msi /qn"}, "it removes an application"),
        ("search_cases", {"status": "Succes"}, "did you mean 'success'? Allowed: success, failure, partial"),
        ("search_cases", {"limit": 11}, "limit: send at most 10"),
        ("search_cases", {"since": "yesterday"}, "since: "),
        ("search_cases", {"cursor": "AAAA"}, "cursor: send next_cursor"),
        ("explain_finding", {}, "id: it is required"),
        ("explain_finding", {"id": "nothing"}, "no pattern has an id that is or begins with 'nothing'"),
        ("explain_finding", {"id": "1", "kind": "patern"}, "did you mean 'pattern'?"),
        ("memory_status", {"verbose": True}, "verbose: leave it out"),
        ("report_outcome", {"outcome": "success"}, "did you mean 'outcome_status'?"),
        (
            "report_outcome",
            {"outcome_status": "success", "command": 7},
            "command: name one packaging command",
        ),
        (
            "report_outcome",
            {"outcome_status": "success", "idempotency_key": ""},
            "idempotency_key: send 1 to",
        ),
    ],
)
def test_arguments_are_refused_in_our_words(memory, call, tool, arguments, said):
    result = call(memory, tool, **arguments)
    assert result.is_error
    assert said in text_of(result)
    assert not re.search(r"pydantic|Traceback|type=|input_value|validation error", text_of(result))
    assert result.structured_content is None


def test_a_tool_that_is_not_there_is_named_with_the_nearest(memory, ask):
    async def use(client):
        with pytest.raises(Exception, match="did you mean 'get_advice'"):
            await client.call_tool("get_advise", {})

    ask(memory, use)


def test_advice_before_anything_was_learned_says_what_to_do(empty_memory, call):
    result = call(empty_memory, "get_advice", context=MSI)
    assert result.is_error
    assert "rebuild" in text_of(result)


def test_an_unexpected_failure_says_nothing_of_its_cause(memory, call, monkeypatch, caplog):
    def fail(*_):
        raise ZeroDivisionError("secret-word")

    monkeypatch.setattr("memory_pipeline.server.mcp.questions.read_status", fail)
    result = call(memory, "memory_status")
    assert result.is_error
    assert "its log has the cause under the request" in text_of(result)
    assert "secret-word" not in text_of(result)
    logged = json.loads(caplog.messages[-1])
    assert logged["error"] == "ZeroDivisionError"
    assert logged["request_id"] in text_of(result)
    assert "secret-word" not in caplog.text


def test_a_check_reads_a_command_line(memory, call):
    result = call(memory, "check_approach", command=r"msiexec /i C:\in\ledger-7.1.msi /qn PASSWORD=hunter2")
    answer = answer_of(result)
    assert answer["context"] == MSI
    assert answer["approach"]["silent_switch"] == "/qn"
    assert answer["read_from_command"]["application_name"] == "ledger"
    assert "hunter2" not in json.dumps(answer)
    assert text_of(result) == answer["sentence"]


def test_a_check_is_that_of_the_memory(memory, call):
    approach = {"close_processes": "no", "detection_method": "file"}
    verdicts = {}
    for name, settings in {
        "bad": approach,
        "good": {"close_processes": "yes"},
        "new": {"silent_switch": "/never-seen"},
    }.items():
        check = memory.check_approach(MSI, settings)
        answer = answer_of(call(memory, "check_approach", context=MSI, approach=settings))
        assert answer["verdict"] == check.verdict
        assert answer["sentence"] == check.sentence
        assert len(answer["cases"]) <= 2
        verdicts[name] = answer["verdict"]
    assert verdicts == {"bad": "failed_before", "good": "worked_before", "new": "unknown"}


def report(**changes):
    sent = {
        "application_name": "Ledger",
        "outcome_status": "success",
        "approach": {"silent_switch": "/qn"},
        **changes,
    }
    return {name: value for name, value in sent.items() if value is not None}


def test_a_report_is_stored_once(empty_memory, call):
    first = answer_of(call(empty_memory, "report_outcome", **report()))
    again = call(empty_memory, "report_outcome", **report())
    assert first["status"] == "stored"
    assert answer_of(again)["status"] == "unchanged"
    assert answer_of(again)["outcome_id"] == first["outcome_id"]
    assert "another attempt" in text_of(again)
    other = answer_of(call(empty_memory, "report_outcome", **report(outcome_status="failure")))
    assert other["status"] == "stored"
    later = answer_of(call(empty_memory, "report_outcome", **report(occurred_at="2026-05-01T12:00:00Z")))
    assert later["status"] == "stored"
    rows = read_outcomes(empty_memory.store)
    assert len(rows) == 3
    assert set(rows["source"]) == {"mcp"}


def test_a_key_makes_a_correction(empty_memory, call):
    first = answer_of(call(empty_memory, "report_outcome", **report(idempotency_key="run-1")))
    changed = report(idempotency_key="run-1", outcome_status="failure")
    second = answer_of(call(empty_memory, "report_outcome", **changed))
    assert (first["status"], second["status"]) == ("stored", "changed")
    assert first["outcome_id"] == second["outcome_id"]
    rows = read_outcomes(empty_memory.store)
    assert list(rows["outcome_status"]) == ["failure"]


def test_the_key_of_an_answer_corrects_what_was_reported_without_one(empty_memory, call):
    first = answer_of(call(empty_memory, "report_outcome", **report()))
    changed = report(outcome_status="partial", idempotency_key=first["idempotency_key"])
    second = answer_of(call(empty_memory, "report_outcome", **changed))
    assert second["status"] == "changed"
    assert second["outcome_id"] == first["outcome_id"]


def test_a_report_reads_a_command_line(empty_memory, call):
    sent = {
        "outcome_status": "failure",
        "command": r"msiexec /i C:\in\ledger-7.1.msi TRANSFORMS=corp.mst /qn",
        "approach": {"detection_method": "file"},
        "failure_reasons": [{"code": "1603", "reason": "fatal_error"}],
    }
    stored = answer_of(call(empty_memory, "report_outcome", **sent))["stored"]
    assert stored["application_name"] == "ledger"
    approach = {"silent_switch": "/qn", "transform": "yes", "detection_method": "file"}
    assert approach.items() <= stored["approach_details"].items()
    (row,) = empty_memory.to_records(read_outcomes(empty_memory.store))
    assert (row["application_version"], row["installer_type"]) == ("7.1", "msi")
    assert row["failure_reasons"][0]["code"] == "1603"


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"outcome_status": "succes"}, "outcome_status", "did you mean 'success'?"),
        ({"application_name": None}, "application_name", "application_name is missing"),
        ({"approach": None}, "approach", "approach is missing"),
        ({"approach": ["/qn"]}, "approach", "approach"),
        ({"occurred_at": "2026-05-01 12:00"}, "occurred_at", "no time zone"),
        ({"recommendation_followed": True}, "recommendation_followed", "without recommendation_id"),
        ({"failure_reasons": [{"why": "x"}]}, "failure_reasons", "reason"),
    ],
)
def test_what_breaks_the_contract_waits_in_quarantine(empty_memory, call, changes, field, said):
    result = call(empty_memory, "report_outcome", **report(**changes))
    assert result.is_error
    assert said in text_of(result)
    assert field in text_of(result)
    assert "approach_details" not in text_of(result)
    assert count_rows(empty_memory.store, QuarantinedRecord) == 1
    assert read_outcomes(empty_memory.store).empty
    (entry,) = read_audit(empty_memory.store)
    assert (entry["status"], entry["details"]) == (422, {"outcome": "quarantined"})


def test_a_report_is_in_the_audit_log(empty_memory, call):
    stored = answer_of(call(empty_memory, "report_outcome", **report()))
    (entry,) = read_audit(empty_memory.store)
    assert (entry["actor"], entry["door"], entry["action"]) == ("tester", "mcp", "report_outcome")
    assert (entry["target"], entry["status"]) == (stored["outcome_id"], 200)


def test_a_report_of_unknown_advice_says_so(empty_memory, call):
    result = call(empty_memory, "report_outcome", **report(recommendation_id="made-up"))
    assert answer_of(result)["status"] == "stored"
    assert "is not the id of an answer" in text_of(result)


def test_who_may_only_read_cannot_report(empty_memory, call):
    result = call(empty_memory, "report_outcome", scope="read", **report())
    assert result.is_error
    assert "needs the scope report" in text_of(result)
    assert read_outcomes(empty_memory.store).empty
    assert not call(empty_memory, "memory_status", scope="read").is_error


def all_pages(memory, call, **arguments):
    found, cursor, parts = [], None, 0
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        result = call(memory, "search_cases", **arguments, **more)
        answer = answer_of(result)
        assert tokens_of(answer) <= LIST_TOKENS + 50
        assert len(answer["items"]) <= arguments.get("limit", 5)
        found += answer["items"]
        parts += 1
        cursor = answer["next_cursor"]
        if cursor is None:
            return found, parts


def test_a_search_finds_what_has_all_conditions(memory, call):
    settings = {"wrapper": "psadt", "prerequisites": "vcredist"}
    wanted = {"status": "failure", "context": {"installer_type": "MSI"}, "approach": settings}
    found, parts = all_pages(memory, call, limit=10, since="2026-03-01", **wanted)
    rows = read_outcomes(memory.store, since=datetime(2026, 3, 1, tzinfo=UTC), status="failure")
    has = [
        row["installer_type"] == "msi"
        and row["approach_details"].get("wrapper") == "psadt"
        and "vcredist" in row["approach_details"].get("prerequisites", [])
        for _, row in rows.iterrows()
    ]
    assert [one["outcome_id"] for one in found] == list(rows["id"][has])
    assert len(found) > 3
    assert parts >= len(found) // 10


def test_pages_of_a_search_lose_nothing_where_times_are_equal(empty_memory, call):
    at = "2026-05-01T12:00:00Z"
    for number in range(7):
        call(empty_memory, "report_outcome", **report(occurred_at=at, idempotency_key=str(number)))
    found, parts = all_pages(empty_memory, call, limit=3)
    assert len({one["outcome_id"] for one in found}) == len(found) == 7
    assert parts == 3


def test_a_search_by_words_goes_on_where_much_has_to_be_looked_at(memory, call, monkeypatch):
    monkeypatch.setattr("memory_pipeline.server.mcp.searching.BATCH", 100)
    monkeypatch.setattr("memory_pipeline.server.mcp.searching.MOST_LOOKED_AT", 300)
    name = read_outcomes(memory.store, sort="occurred_at", limit=1)["application_name"].iloc[0]
    first = call(memory, "search_cases", text="no such words")
    assert "The newest 300 attempts were looked at" in text_of(first)
    assert answer_of(first)["next_cursor"]
    found, _ = all_pages(memory, call, text=name.upper(), limit=10)
    assert len(found) == len(read_outcomes(memory.store, application=name))


def test_a_cursor_belongs_to_its_search(memory, call):
    cursor = answer_of(call(memory, "search_cases", status="failure"))["next_cursor"]
    result = call(memory, "search_cases", status="success", cursor=cursor)
    assert result.is_error
    assert "the same filters and order" in text_of(result)


def test_a_pattern_is_explained_by_how_its_id_begins(memory, call):
    row = memory.patterns().iloc[0]
    answer = answer_of(call(memory, "explain_finding", id=row["id"][:13]))
    assert (answer["kind"], answer["id"]) == ("pattern", row["id"])
    assert answer["sentence"] == row["description"]
    assert answer["evidence"]["units"] == row["units"]
    assert answer["resource"] == f"memory://patterns/{row['id']}"
    assert 1 <= len(answer["cases"]) <= 4
    assert answer["decision"] is None


def test_a_factor_comes_with_its_caveats_and_what_a_person_decided(memory, call):
    row = memory.factors().iloc[0]
    memory.decide("factor", row["id"], "confirm", by="Ada", note="seen it")
    answer = answer_of(call(memory, "explain_finding", id=row["id"]))
    assert answer["caveats"] == row["implementation_details"]["caveats"]
    assert answer["decision"]["decision"] == "confirm"
    assert answer["decision"]["note"] == "seen it"
    assert answer["evidence"]["instead_of"] == row["implementation_details"]["reference_settings"]


def test_a_member_pattern_names_no_member(memory, call):
    row = memory.member_patterns().iloc[0]
    result = call(memory, "explain_finding", id=str(row["id"]), kind="member_pattern")
    answer = answer_of(result)
    assert answer["evidence"]["members"] == row["member_count"]
    assert "related_member_ids" not in json.dumps(answer)


def test_an_id_that_begins_two_findings_is_not_guessed(memory, call):
    patterns = list(memory.patterns(include_retired=True)["id"])
    factors = list(memory.factors(include_all=True)["id"])
    members = {str(one) for one in memory.member_patterns(include_retired=True)["id"]}
    starts = {one[0] for one in patterns} & {one[0] for one in factors} - members
    assert starts
    for start in starts:
        result = call(memory, "explain_finding", id=start)
        assert result.is_error
        assert "begins" in text_of(result)


def test_the_status_says_how_to_describe_an_application(memory, call):
    answer = answer_of(call(memory, "memory_status", scope="read"))
    assert {"installer_type", "application_type"} <= set(answer["context_columns"])
    assert "silent_switch" in answer["settings"]
    assert answer["you_may"] == ["read"]
    assert str(memory.settings.home) not in json.dumps(answer)
    assert "postgresql" not in json.dumps(answer)


def test_resources_are_json_documents(memory, ask):
    pattern, factor = memory.patterns()["id"].iloc[0], memory.factors()["id"].iloc[0]
    outcome = read_outcomes(memory.store, limit=1)["id"].iloc[0]
    explained = memory.explain_change()
    month = explained.after.first

    async def use(client):
        templates = [one.uri_template for one in (await client.list_resource_templates()).resource_templates]
        addresses = (
            f"memory://patterns/{pattern}",
            f"memory://factors/{factor}",
            f"memory://outcomes/{outcome}",
            f"memory://changes/{month}",
        )
        documents = [(await client.read_resource(one)).contents[0] for one in addresses]
        wrong_ones = (
            ("memory://pattern/1", "nothing is at"),
            ("memory://outcomes/none", "no outcome has"),
            ("memory://changes/1999-01", "no attempts before 1999-01"),
            ("file:///etc/passwd", "nothing is at"),
        )
        for wrong, said in wrong_ones:
            with pytest.raises(Exception, match=said):
                await client.read_resource(wrong)
        return templates, documents

    templates, documents = ask(memory, use)
    assert templates == [f"memory://{kind}/{{id}}" for kind in ("patterns", "factors", "outcomes", "changes")]
    assert [json.loads(one.text)["id"] for one in documents[:3]] == [pattern, factor, outcome]
    assert json.loads(documents[3].text)["sentences"] == list(explained.sentences)
    assert all(one.mime_type == "application/json" for one in documents)
    assert all(tokens_of(one.text) < 10_000 for one in documents)


def test_the_prompt_leads_from_asking_to_reporting(memory, ask):
    async def used(client):
        listed = (await client.list_prompts()).prompts
        arguments = {"application_name": "Ledger {0}", "installer_type": "msi"}
        return listed, await client.get_prompt("package_application", arguments)

    listed, filled = ask(memory, used)
    assert [one.name for one in listed] == ["package_application"]
    said = filled.messages[0].content.text
    assert said.startswith("Package Ledger {0}.")
    assert '{"installer_type": "msi"}' in said
    places = [
        said.index(tool) for tool in TOOLS if tool in said and tool.startswith(("get", "check", "report"))
    ]
    assert places == sorted(places)
    assert len(places) == 3


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("package_application", {}, "needs application_name"),
        ("package_application", {"application_name": "x", "installer": "msi"}, "installer_type"),
        ("package", {}, "the only one is package_application"),
    ],
)
def test_a_prompt_that_cannot_be_filled_says_why(memory, ask, name, arguments, said):
    async def use(client):
        with pytest.raises(Exception, match=said):
            await client.get_prompt(name, arguments)

    ask(memory, use)
