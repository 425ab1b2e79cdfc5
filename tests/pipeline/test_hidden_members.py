"""Who does not want to be seen is in no pattern, no list, no question and no metadata, from end to end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from made_history import member_rows
from quick_rebuilds import leave_out
from sqlalchemy import insert, text, update

from memory_pipeline.analysis.members.profile import profile_analysis
from memory_pipeline.memory import Memory
from memory_pipeline.pipeline.instance import open_instance
from memory_pipeline.pipeline.run import rebuild
from memory_pipeline.store import reads
from memory_pipeline.store.models import LabelMerge, Member, MemberPattern, QuestionPrompt

if TYPE_CHECKING:
    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store

ASSETS = (
    "members",
    "member_features",
    "label_merges",
    "member_candidates",
    "member_patterns",
    "question_prompts",
)


def is_hidden(number: int) -> bool:
    return number % 4 == 0


@pytest.fixture
def community(settings: Settings, store: Store) -> Memory:
    """240 members; a quarter is hidden, in two ways, and shares two skills that nobody else has."""
    rows: list[dict[str, Any]] = []
    for number, row in enumerate(member_rows(240)):
        secret = ["Topsecret", "top-secret", "Zebra"] if is_hidden(number) else []
        by_flag = is_hidden(number) and number % 8 == 0
        rows.append(
            row
            | {
                "skills": [*row["skills"], *secret],
                "is_visible": not (is_hidden(number) and not by_flag),
                "attributes": {"consent": "no"} if by_flag else {},
            }
        )
    with store.transaction() as connection:
        connection.execute(insert(Member), rows)
    return Memory(settings, store)


def hidden_ids(store: Store) -> set[int]:
    members = reads.read_table(store, Member)
    return {
        int(one)
        for one, number in zip(members["id"], members["source_record_id"], strict=True)
        if is_hidden(int(number))
    }


def everything_stored(memory: Memory, settings: Settings, store: Store) -> str:
    tables = [reads.read_table(store, one) for one in (MemberPattern, QuestionPrompt, LabelMerge)]
    frames = [
        memory.frames.read(name)[0] for name in ("member_features", "label_changes", "member_candidates")
    ]
    with open_instance(settings, store) as instance:
        events = [instance.get_latest_materialization_event(dg.AssetKey(asset)) for asset in ASSETS]
    shown = [frame.to_csv() for frame in [*tables, *frames]]
    return " ".join([*shown, *map(str, events)]).casefold()


def test_hidden_members_are_nowhere(
    community: Memory, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch)
    rebuild(settings, store)
    gone = hidden_ids(store)
    assert len(gone) == 60

    stored = everything_stored(community, settings, store)
    assert "python" in stored
    assert "secret" not in stored
    assert "zebra" not in stored
    assert gone.isdisjoint(community.frames.read("member_features")[0]["member_id"])

    patterns = reads.read_table(store, MemberPattern)
    assert len(patterns) > 0
    for _, pattern in patterns.iterrows():
        assert gone.isdisjoint(pattern["related_member_ids"])
        named = [one for pair in pattern["evidence"].get("pairs", []) for one in pair["members"]]
        assert gone.isdisjoint(named)

    labels = community.member_labels()
    assert gone.isdisjoint(labels.member_ids)
    assert gone.isdisjoint(community.members()["id"])
    assert "secret" not in json.dumps(profile_analysis(labels)).casefold()


def test_who_opts_out_later_is_gone_at_once_and_for_good_with_the_next_search(
    community: Memory, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch)
    rebuild(settings, store)
    before = community.member_patterns()
    leaver = before["related_member_ids"].iloc[0][0]
    with store.transaction() as connection:
        connection.execute(update(Member).where(Member.id == leaver).values(attributes={"opt_out": True}))
        # A pattern that is out of use and names pairs keeps nobody either.
        pair = {"pairs": [{"members": [leaver, 2], "shared": []}, {"members": [2, 3], "shared": []}]}
        old = {
            "name": "old",
            "description": "d",
            "category": "collaboration_opportunity",
            "member_count": 3,
            "related_member_ids": [2, 3, leaver],
            "evidence": pair,
            "question_prompts": [],
            "found_by": "claude",
            "is_active": False,
        }
        connection.execute(insert(MemberPattern).values(old))

    read = community.member_patterns()
    assert all(leaver not in ids for ids in read["related_member_ids"])
    counts = before.set_index("name")["member_count"] - read.set_index("name")["member_count"]
    assert counts.loc[before["name"].iloc[0]] == 1

    community.find_member_patterns()
    with store.transaction() as connection:
        names = text("select count(*) from patterns where :one = any(related_member_ids)")
        assert connection.scalar(names, {"one": leaver}) == 0
    kept = reads.read_table(store, MemberPattern).set_index("name").loc["old"]
    assert kept["related_member_ids"] == [2, 3]
    assert kept["member_count"] == 2
    assert kept["evidence"] == {"pairs": [{"members": [2, 3], "shared": []}]}


def test_a_group_that_shrinks_below_the_limit_is_not_shown(
    community: Memory, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch)
    rebuild(settings, store)
    before = community.member_patterns()
    leaving = before["related_member_ids"].iloc[0][settings.min_group_size - 1 :]
    with store.transaction() as connection:
        connection.execute(update(Member).where(Member.id.in_(leaving)).values(is_visible=False))
    assert before["name"].iloc[0] not in community.member_patterns()["name"].tolist()
    assert before["name"].iloc[0] not in community.questions()["pattern_name"].tolist()
