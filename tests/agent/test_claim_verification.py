"""What `save_pattern` refuses, each with a reason that can be acted on; nothing refused is stored."""

from __future__ import annotations

import pytest
from replies import DATA, FINISHED, WEB, saves, saying
from scripted_community import part, proposal

from memory_pipeline.agent import PatternFinderAgent
from memory_pipeline.store import reads
from memory_pipeline.store.models import MemberPattern


def without(name):
    return {key: value for key, value in proposal().items() if key != name}


SLOPPY = [
    # The members do not bear it out.
    (proposal(part("Cobol"), part("SQL")), "no member has 'Cobol' in skills"),
    (proposal(part("Pyton"), part("SQL")), "did you mean 'Python'?"),
    (proposal(part("Python", "abilities"), part("SQL")), "use one of ['interests', 'skills']"),
    (proposal(part("Python", "interests"), part("SQL")), "it occurs in skills"),
    (proposal(member_count=12), "member_count is 12, but the predicate holds for 38 members"),
    (
        proposal(evidence=[{"field": "skills", "label": "SQL", "members": 7}]),
        "7 members carry 'SQL'; it is 48",
    ),
    (proposal(related_member_ids=[999_999]), "999999, which is not a member"),
    (proposal(related_member_ids=[160]), "the predicate does not hold for member 160"),
    (proposal(part("React"), part("pandas")), "fewer than 8 members"),
    (proposal(part("Excel"), part("Git")), "a pattern needs 1.3 times as many"),
    (proposal(part("Excel"), part("music", "interests")), "not surely more than chance"),
    (proposal(part("Python"), part("SQL"), part("chess", "interests", negate=True)), "adds nothing"),
    (proposal(part("Python")), "names 1 labels; join 2 to 6"),
    (proposal(part("Python", "skills", *["SQL", "Git", "Excel", "CSS", "React", "Linux"])), "join 2 to 6"),
    # It is not in shape.
    (without("predicate"), "lacks predicate"),
    (proposal(confidence=1.0), "unknown 'confidence'"),
    (proposal(category="clique"), "category is 'clique'; use one of"),
    (proposal(name=""), "name has 0 characters"),
    (proposal(name="x" * 121), "name has 121 characters"),
    (proposal(name=7), "name is 7; write a text"),
    (proposal(description="Short."), "description has 6 characters"),
    (proposal(description="They know " + "so much " * 200), "write 30 to 1500"),
    (proposal(predicate={"all": []}), "predicate.all is empty"),
    (proposal(predicate={"any": []}), "predicate lacks all"),
    (proposal(predicate="Python and SQL"), "predicate is 'Python and SQL'"),
    (proposal(predicate={"all": [{"any": [{"field": "skills"}], "negate": False}]}), "lacks label"),
    (proposal(predicate={"all": [{"any": [], "negate": False}]}), "any is a list of 0"),
    (
        proposal(predicate={"all": [{"any": [{"field": "skills", "label": "R"}], "negate": 0}]}),
        "true or false",
    ),
    (proposal(member_count="many"), "member_count is 'many'; write a whole number"),
    (proposal(member_count=True), "member_count is True"),
    (proposal(member_count=-1), "member_count is -1"),
    (proposal(related_member_ids=["1"]), "related_member_ids is '1'"),
    (proposal(evidence={"SQL": 48}), "evidence is {'SQL': 48}; write a list"),
    (proposal(question_prompts=["What do you build?"]), "a list of 1; write a list of 2 to 3"),
    (proposal(question_prompts=["What do you build?", "Tell me."]), "has 8 characters; write 10"),
    (proposal(question_prompts=["What do you build?", "Tell me about it."]), "question mark"),
    # It says what nobody has checked.
    (proposal(description="Ninety of them know SQL, and 47% of those also Python."), "holds the number 47%"),
    (proposal(description="Analysts; they are 3x as many as one would think of it."), "holds the number 3x"),
    (proposal(name="38 analysts"), "holds the number 38"),
    (proposal(description="Analysts. See https://example.org/sign-up for what they do."), "hold an address"),
    (proposal(question_prompts=["What do you build?", "Will you write to me@example.org?"]), "an address"),
]


@pytest.mark.parametrize("streaming", [True, False])
def test_sloppy_claims_are_refused_with_a_reason(memory_at, script, store, streaming):
    claims = [claim for claim, _ in SLOPPY]
    answers = [saves(*claims[start : start + 15]) for start in range(0, len(claims), 15)]
    with script(saying(*answers, FINISHED)) as server:
        memory = memory_at(server.url, discovery_streaming=streaming)
        result = PatternFinderAgent(memory).discover_patterns()
        results = server.tool_results()
    said = [(answer.get("refused", str(answer)), is_error) for answer, is_error in results]
    wrong = [
        (reason, told) for (_, reason), (told, _) in zip(SLOPPY, said, strict=True) if reason not in told
    ]
    assert wrong == []
    assert all(is_error for _, is_error in said)
    assert [one["reason"] for one in result.claims] == [told for told, _ in said]
    assert {one["verdict"] for one in result.claims} == {"refused"}
    assert len(reads.read_table(store, MemberPattern)) == 0
    assert result.status == "complete"
    assert f"refused: {len(SLOPPY)}" in result.message


def test_a_refused_claim_can_be_mended(memory_at, script, store):
    wrong = proposal(member_count=12)
    with script(saying(saves(wrong), saves(wrong | {"member_count": 38}), FINISHED)) as server:
        result = PatternFinderAgent(memory_at(server.url)).discover_patterns()
    assert [one["verdict"] for one in result.claims] == ["refused", "created"]
    evidence = reads.read_table(store, MemberPattern).iloc[0]["evidence"]
    assert evidence["claimed"]["member_count"] == 38


@pytest.mark.parametrize(
    ("twin", "reason"),
    [
        (DATA | {"name": "Analysts"}, "the members of the stored pattern 'Data people'"),
        (DATA | {"name": "data people"}, "'Data people' is taken"),
        (WEB | {"name": "Data people"}, "stored for other members and labels"),
        (WEB | {"improves": "Data people"}, "stored for other members and labels"),
        (DATA | {"improves": "Analysts"}, "'Analysts', which is not stored"),
        (proposal(part("pandas"), part("SQL"), name="Query writers"), "stored pattern 'Data people'"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_duplicate_is_refused_whatever_it_is_called(memory_at, script, store, twin, reason):
    with script(saying(saves(DATA, twin), FINISHED)) as server:
        result = PatternFinderAgent(memory_at(server.url)).discover_patterns()
    assert [one["verdict"] for one in result.claims] == ["created", "refused"]
    assert reason in result.claims[1]["reason"]
    assert len(reads.read_table(store, MemberPattern)) == 1


def test_numbers_in_labels_may_be_named(memory_at, script, store):
    claim = proposal(
        part("Python"),
        part("SQL"),
        description="People with a feeling for data, 3D printers aside; for a meeting.",
    )
    with script(saying(saves(claim), FINISHED)) as server:
        result = PatternFinderAgent(memory_at(server.url)).discover_patterns()
    assert result.claims[0]["verdict"] == "created", result.claims


def test_any_of_several_and_none_of_several(memory_at, script, store):
    claim = proposal(part("pandas"), part("Python", "skills", "SQL"), part("React", negate=True))
    with script(saying(saves(claim), FINISHED)) as server:
        memory = memory_at(server.url)
        result = PatternFinderAgent(memory).discover_patterns()
        members = memory.members()
    wanted = {
        row["id"]
        for row in members.to_dict("records")
        if "pandas" in row["skills"]
        and {"Python", "SQL"} & set(row["skills"])
        and "React" not in row["skills"]
    }
    verdict = result.claims[0]
    if verdict["verdict"] == "created":
        row = reads.read_table(store, MemberPattern).iloc[0]
        assert set(row["related_member_ids"]) == wanted
    else:
        assert "adds nothing" in verdict["reason"]
