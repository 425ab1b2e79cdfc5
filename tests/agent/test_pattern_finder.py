"""The pattern finder against a real HTTP server: what is stored, what is kept, what is recorded."""

from __future__ import annotations

import threading

import pytest
from messages_server import Reply, call, text
from replies import DATA, FINISHED, READS, WEB, saves, saying
from scripted_community import member_records, part, proposal
from sqlalchemy import update

from memory_pipeline.agent import PatternFinderAgent
from memory_pipeline.ingest import ingest_records
from memory_pipeline.store import Store, reads
from memory_pipeline.store.analysis_log import read_runs
from memory_pipeline.store.database import DiscoveryInProgressError
from memory_pipeline.store.models import DiscoveryRun, Member, MemberPattern


def stored(store):
    return reads.read_table(store, MemberPattern).set_index("name")


@pytest.mark.parametrize("streaming", [True, False])
def test_a_good_run_stores_what_was_verified(memory_at, store, script, streaming):
    claim = DATA | {"member_count": 27, "evidence": [{"field": "skills", "label": "SQL", "members": 48}]}
    with script(saying(READS, saves(claim, WEB), FINISHED)) as server:
        memory = memory_at(server.url, discovery_streaming=streaming)
        members = {row["id"]: set(row["skills"]) for row in memory.members().to_dict("records")}
        holders = {one for one, skills in members.items() if skills >= {"Python", "pandas", "SQL"}}
        claim["member_count"] = len(holders)
        claim["evidence"][0]["members"] = sum("SQL" in skills for skills in members.values())
        result = PatternFinderAgent(memory).discover_patterns(["data", "web"])

    assert [body.get("stream", False) for body in server.requests] == [streaming] * 3
    assert result.status == "complete"
    assert [one["verdict"] for one in result.claims] == ["created", "created"]
    row = stored(store).loc["Data people"]
    assert set(row["related_member_ids"]) == holders
    assert row["member_count"] == len(holders)
    assert row["found_by"] == "claude"
    assert row["question_prompts"] == claim["question_prompts"]
    assert row["description"].startswith(claim["description"])
    assert f"({len(holders)} members; chance would give" in row["description"]
    evidence = row["evidence"]
    assert evidence["claimed"]["member_count"] == evidence["verified"]["member_count"] == len(holders)
    assert evidence["verified"]["p_value"] < evidence["verified"]["threshold"] < 0.001
    assert evidence["labels"] == {"skills": ["Python", "pandas", "SQL"]}
    assert evidence["run_id"] == result.run_id
    asked = memory.questions()
    assert set(asked.query("pattern_name == 'Data people'")["question"]) == set(claim["question_prompts"])


def test_the_log_of_the_analysis_has_discoveries_that_ended_well_and_badly(memory_at, store, script):
    with script(saying(READS, saves(DATA | {"member_count": 1}), FINISHED)) as server:
        memory = memory_at(server.url)
        good = PatternFinderAgent(memory).discover_patterns(trigger="command")
        bounded = PatternFinderAgent(memory_at(server.url, discovery_max_turns=1)).discover_patterns()
    assert (good.status, bounded.status) == ("complete", "max_turns")
    runs, total = read_runs(store, kind="discovery")
    assert total == 2
    stopped, whole = runs
    assert (whole["id"], whole["state"], whole["trigger"]) == (good.run_id, "succeeded", "command")
    assert whole["error"] is None
    assert whole["changes"]["patterns_created"] == good.counted("created")
    assert whole["changes"]["turns"] == good.usage.turns
    assert whole["versions"]["model"] == memory.settings.discovery_model
    assert whole["began_at"] <= whole["ended_at"]
    assert [step["rows"] for step in whole["steps"]] == [len(good.claims)]
    refused = [claim["reason"] for claim in good.claims if claim["verdict"] == "refused"]
    assert len(whole["warnings"]) == len(refused)
    assert (stopped["state"], stopped["trigger"], stopped["error"]) == ("failed", "program", bounded.message)
    assert read_runs(store, kind="rebuild")[1] == 0


def test_what_the_model_is_asked(memory_at, script):
    with script(saying(READS, FINISHED)) as server:
        memory = memory_at(
            server.url,
            community_name="Riverside Makers",
            community_description="A workshop by the river.",
            discovery_model="claude-test-model",
            discovery_effort="low",
        )
        PatternFinderAgent(memory).discover_patterns(["wood\nwork", "wood work"])
    first = server.requests[0]
    assert "Riverside Makers" in first["system"]
    assert "A workshop by the river." in first["system"]
    assert "{" not in first["system"]
    assert first["model"] == "claude-test-model"
    assert first["output_config"] == {"effort": "low"}
    assert first["messages"][0]["content"].endswith('["wood work"]')
    assert {tool["name"] for tool in first["tools"]} == {"get_community_profile_analysis", "save_pattern"}
    assert "sk-ant-test-key" in str(server.headers[0])
    assert not {"temperature", "top_p", "top_k"} & set(first)


def strict_objects(schema):
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from strict_objects(value)


def test_the_schemas_are_strict(memory_at, script):
    """Each object lists all of its properties and takes no other; no bounds, which strict schemas refuse."""
    with script(saying(FINISHED)) as server:
        PatternFinderAgent(memory_at(server.url)).discover_patterns()
    for tool in server.requests[0]["tools"]:
        assert tool["strict"] is True
        objects = list(strict_objects(tool["input_schema"]))
        assert objects
        for one in objects:
            assert one["additionalProperties"] is False
            assert one["required"] == list(one["properties"])
    text_of_tools = str(server.requests[0]["tools"])
    assert not any(word in text_of_tools for word in ("minItems", "maxLength", "minimum", "$ref"))


def test_the_analysis_is_read_in_pages_and_by_field(memory_at, script):
    reads_interests = Reply(
        [call("get_community_profile_analysis", {"fields": ["interests"], "page": 1})], "tool_use"
    )
    reads_page = Reply([call("get_community_profile_analysis", {"fields": [], "page": 99})], "tool_use")
    with script(saying(reads_interests, reads_page, FINISHED)) as server:
        PatternFinderAgent(memory_at(server.url)).discover_patterns()
    (interests, is_error), (page, page_error) = server.tool_results()
    assert set(interests["members_data"]["fields"]) == {"interests"}
    assert not is_error
    assert page_error
    assert "from 1 to 10" in page["refused"]


def test_usage_is_in_the_result_and_in_the_database(memory_at, store, script):
    used = {
        "input_tokens": 1_000,
        "output_tokens": 200,
        "cache_creation_input_tokens": 3_000,
        "cache_read_input_tokens": 10_000,
    }
    read, save, end = READS, saves(DATA), FINISHED
    answers = [Reply(one.content, one.stop_reason, usage=used) for one in (read, save, end)]
    with script(saying(*answers)) as server:
        result = PatternFinderAgent(memory_at(server.url)).discover_patterns()
    # 3 x (1,000 x $2 + 3,000 x $2.50 + 10,000 x $0.10 + 200 x $10) per million.
    assert result.usage.cost_usd == pytest.approx(3 * 0.0125)
    run = reads.read_table(store, DiscoveryRun).iloc[0]
    assert run["status"] == "complete"
    assert (run["turns"], run["requests"], run["retries"]) == (3, 3, 0)
    assert (run["input_tokens"], run["output_tokens"]) == (3_000, 600)
    assert (run["cache_write_tokens"], run["cache_read_tokens"]) == (9_000, 30_000)
    assert run["cost_usd"] == pytest.approx(0.0375)
    assert run["claims"] == [
        {
            "name": "Data people",
            "verdict": "created",
            "reason": None,
            "pattern_id": run["claims"][0]["pattern_id"],
        }
    ]
    assert run["finished_at"] >= run["started_at"]


def test_saving_under_a_stored_name_improves_the_pattern(memory_at, store, script):
    better = DATA | {"description": "Analysts who could run a clinic for everybody's spreadsheets."}
    with script(saying(saves(DATA), FINISHED)) as server:
        PatternFinderAgent(memory_at(server.url)).discover_patterns()
    before = stored(store).loc["Data people"]
    with script(saying(saves(better), FINISHED)) as server:
        result = PatternFinderAgent(memory_at(server.url)).discover_patterns()
    after = stored(store).loc["Data people"]
    assert result.claims[0]["verdict"] == "updated"
    assert after["id"] == before["id"]
    assert after["created_at"] == before["created_at"]
    assert after["description"].startswith(better["description"])
    assert [one["description"] for one in after["evidence"]["history"]] == [before["description"]]


def test_a_pattern_of_the_statistics_can_be_told_better_and_stays_so(memory_at, store, script):
    memory = memory_at("http://127.0.0.1:1")
    memory.find_member_patterns()
    found = stored(store)
    name = found.index[0]
    better = WEB | {"improves": name, "predicate": {"all": []}}
    with script(saying(READS, saves(better), FINISHED)) as server:
        result = PatternFinderAgent(memory_at(server.url)).discover_patterns()
        listed = server.tool_results()[0][0]["stored_patterns"]
    assert {"name": name, "found_by": "statistics"}.items() <= next(
        one for one in listed if one["name"] == name
    ).items()
    assert result.claims[0]["verdict"] == "updated", result.claims
    memory.find_member_patterns()
    again = stored(store)
    assert name not in again.index
    better = again.loc["Interface makers"]
    assert better["id"] == found.loc[name, "id"]
    assert better["found_by"] == "statistics"
    assert better["evidence"]["told"]["by"] == "claude"
    assert better["evidence"]["q_value"] == found.loc[name, "evidence"]["q_value"]
    assert better["question_prompts"] == WEB["question_prompts"]
    assert better["description"].startswith(WEB["description"])
    history = better["evidence"]["history"]
    assert [(one["name"], one["found_by"]) for one in history] == [(name, "statistics")]


def test_what_a_person_retired_stays_retired_also_under_another_name(memory_at, store, script):
    with script(saying(saves(DATA), FINISHED)) as server:
        PatternFinderAgent(memory_at(server.url)).discover_patterns()
    with store.transaction() as connection:
        connection.execute(update(MemberPattern).values(is_active=False))
    before = stored(store)
    with script(saying(saves(DATA, DATA | {"name": "Analysts"}), FINISHED)) as server:
        memory = memory_at(server.url)
        result = PatternFinderAgent(memory).discover_patterns()
        memory.find_member_patterns()
    assert [one["verdict"] for one in result.claims] == ["refused", "refused"]
    assert all("retired" in one["reason"] for one in result.claims)
    after = stored(store)
    assert not after.loc["Data people", "is_active"]
    assert after.loc["Data people", "updated_at"] == before.loc["Data people", "updated_at"]
    assert "Analysts" not in after.index


def test_a_pattern_follows_its_members_and_ends_when_it_no_longer_holds(memory_at, store, script):
    with script(saying(saves(DATA), FINISHED)) as server:
        memory = memory_at(server.url)
        PatternFinderAgent(memory).discover_patterns()
    assert memory.check_claims() == 0
    ids = stored(store).loc["Data people", "related_member_ids"]
    gone = ids[:3]
    with store.transaction() as connection:
        connection.execute(update(Member).where(Member.id.in_(gone)).values(is_visible=False))
    assert memory.check_claims() == 1
    row = stored(store).loc["Data people"]
    assert row["related_member_ids"] == ids[3:]
    assert row["member_count"] == row["evidence"]["verified"]["member_count"] == len(ids) - 3
    assert f"({len(ids) - 3} members;" in row["description"]

    with store.transaction() as connection:
        connection.execute(update(Member).where(Member.id.in_(ids[:-4])).values(is_visible=False))
    memory.check_claims()
    row = stored(store).loc["Data people"]
    assert not row["is_active"]
    assert row["related_member_ids"] == []  # four are too few to name
    assert "fewer than 8 members" in row["evidence"]["no_longer_holds"]["reason"]

    with store.transaction() as connection:
        connection.execute(update(Member).values(is_visible=True))
    memory.check_claims()
    row = stored(store).loc["Data people"]
    assert row["is_active"]
    assert row["related_member_ids"] == ids
    assert "no_longer_holds" not in row["evidence"]


def test_without_a_key_nothing_is_sent_and_the_message_says_who_did_the_work(memory_at, store, script):
    with script(saying(FINISHED)) as server:
        result = PatternFinderAgent(memory_at(server.url, anthropic_api_key=None)).discover_patterns()
    assert server.requests == []
    assert result.status == "no_key"
    assert result.is_complete
    assert "ANTHROPIC_API_KEY is not set" in result.message
    assert "statistics" in result.message


def test_without_members_nothing_is_sent(memory_at, store, script):
    with store.transaction() as connection:
        connection.execute(update(Member).values(is_visible=False))
    with script(saying(FINISHED)) as server:
        result = PatternFinderAgent(memory_at(server.url)).discover_patterns()
    assert server.requests == []
    assert result.status == "too_few_members"


def test_two_at_once_are_refused(memory_at, store, script):
    inside, continue_with_advice = threading.Event(), threading.Event()

    def waits(_, number):
        inside.set()
        continue_with_advice.wait(20)
        return FINISHED

    with script(waits) as server:
        memory = memory_at(server.url)
        first = threading.Thread(target=PatternFinderAgent(memory).discover_patterns)
        first.start()
        assert inside.wait(20)
        other = Store(store.url)
        with pytest.raises(DiscoveryInProgressError, match="wait for it to end"), other.discovery_lock():
            pass
        other.close()
        continue_with_advice.set()
        first.join()


def test_a_killed_run_is_told_as_such_by_the_next(memory_at, store, script):
    with store.transaction() as connection:
        connection.execute(DiscoveryRun.__table__.insert().values(id="x", status="running", message=""))
    with script(saying(FINISHED)) as server:
        PatternFinderAgent(memory_at(server.url)).discover_patterns()
    runs = reads.read_table(store, DiscoveryRun).set_index("id")
    assert runs.loc["x", "status"] == "abandoned"


def test_a_focus_that_is_too_long_is_refused(memory_at):
    agent = PatternFinderAgent(memory_at("http://127.0.0.1:1"))
    with pytest.raises(ValueError, match="longer than 100"):
        agent.discover_patterns(["x" * 101])
    with pytest.raises(ValueError, match="at most 10"):
        agent.discover_patterns([str(n) for n in range(11)])


def test_an_error_of_our_own_is_recorded_and_raised(memory_at, store, script, monkeypatch):
    monkeypatch.setattr("memory_pipeline.agent.pattern_saver.verify_claim", lambda *_, **__: 1 / 0)
    with script(saying(saves(DATA))) as server, pytest.raises(ZeroDivisionError):
        PatternFinderAgent(memory_at(server.url)).discover_patterns()
    run = reads.read_table(store, DiscoveryRun).iloc[0]
    assert run["status"] == "failed"
    assert "ZeroDivisionError" in run["message"]


def test_any_member_set_will_do(memory_at, store, script):
    """Fields of another community's own are analysed like skills and interests."""
    records = [
        {
            **one,
            "other_sets": {"tools": ["lathe", "kiln"] if n % 2 else ["loom"]},
            "source_record_id": f"o{n}",
        }
        for n, one in enumerate(member_records(60, seed=9))
    ]
    ingest_records(store, "members", records, source="other")
    claim = proposal(part("lathe", "tools"), part("kiln", "tools"), name="Fire and wood")
    with script(saying(READS, saves(claim), FINISHED)) as server:
        result = PatternFinderAgent(memory_at(server.url)).discover_patterns()
        analysis = server.tool_results()[0][0]["members_data"]
    assert "tools" in analysis["fields"]
    assert result.claims[0]["verdict"] == "created", result.claims
    assert stored(store).loc["Fire and wood", "member_count"] == 30


def test_words_without_a_tool_are_asked_once_more(memory_at, script):
    with script(saying(Reply([text("How nice a community.")]))) as server:
        result = PatternFinderAgent(memory_at(server.url)).discover_patterns()
    assert len(server.requests) == 2
    assert "You have proposed no pattern" in server.requests[1]["messages"][-1]["content"]
    assert result.status == "nothing_proposed"
    assert result.summary == "How nice a community."
    assert not result.is_complete
