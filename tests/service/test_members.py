"""Members: nobody hidden is shown."""

from __future__ import annotations


def test_hidden_members_are_not_shown_and_in_no_pattern(memory):
    members = memory.members()
    assert members["is_visible"].all()
    assert 0 < len(members) < 200
    shown = set(members["id"])
    patterns = memory.member_patterns()
    assert len(patterns) > 0
    for ids in patterns["related_member_ids"]:
        assert set(ids) <= shown
