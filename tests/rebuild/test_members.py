"""Members as steps: pairs are tested once, and patterns that start from them are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pandas.testing import assert_frame_equal
from sqlalchemy import insert

from memory_pipeline.analysis.members import find_member_patterns, pairs, search
from memory_pipeline.analysis.members.finding import MemberSearch
from memory_pipeline.analysis.members.pairs import pairs_against_chance, pairs_by_place
from memory_pipeline.ingest import ingest_records
from memory_pipeline.rebuild.members import (
    update_label_merges,
    update_member_candidates,
    update_member_features,
    update_member_patterns,
    update_questions,
)
from memory_pipeline.store.frames import MEMBER_CANDIDATES
from memory_pipeline.store.models import LabelMerge, Member, MemberPattern, QuestionPrompt
from memory_pipeline.store.reads import count_rows, read_table
from memory_pipeline.worlds import sample_organisation

if TYPE_CHECKING:
    from memory_pipeline.store.session import Session


@pytest.fixture
def community(memory: Session) -> Session:
    """Members of the sample organisation, of whom much is to be found."""
    organisation = sample_organisation(attempts=200, applications=40, members=250)
    ingest_records(memory.store, "members", organisation.members, source="sample")
    return memory


def test_patterns_from_the_tested_pairs_are_those_that_testing_again_gives(
    community: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = update_member_features(community).labels
    candidates = update_member_candidates(community)
    limits = MemberSearch(
        min_members=community.settings.min_group_size, fdr=community.settings.false_discovery_rate
    )
    read, _ = community.frames.read(MEMBER_CANDIDATES)
    assert candidates.rows == len(read) > 100
    assert_frame_equal(
        pairs_by_place(read.sample(frac=1, random_state=1)),
        pairs_against_chance(labels, min_members=limits.min_members),
    )
    again = find_member_patterns(labels, limits)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the pairs are tested again")

    monkeypatch.setattr(search, "pairs_against_chance", refuse)
    monkeypatch.setattr(pairs, "_tested", refuse)
    updated = update_member_patterns(community)
    assert len(updated.patterns) > 5
    assert_frame_equal(updated.patterns, again)


def test_each_step_stores_as_many_rows_as_it_says(community: Session) -> None:
    features = update_member_features(community)
    assert features.members_stored == 250
    assert features.rows == len(features.frame) > 250
    merges = update_label_merges(community)
    update_member_candidates(community)
    patterns = update_member_patterns(community)
    questions = update_questions(community)
    for updated, table in ((merges, LabelMerge), (patterns, MemberPattern), (questions, QuestionPrompt)):
        assert updated.rows == count_rows(community.store, table) > 0
    asked = read_table(community.store, QuestionPrompt)
    assert set(asked["question"]) == set(questions.questions["question"])
    assert patterns.rechecked == 0  # nobody claimed anything


def test_members_alone_without_anything_in_common_are_no_error(memory: Session) -> None:
    rows = [
        {"name": f"m{n}", "skills": [f"skill {n}"], "interests": [], "other_sets": {}, "attributes": {}}
        | {"source": "test", "source_record_id": str(n), "content_hash": str(n), "ingest_id": "test"}
        for n in range(10)
    ]
    with memory.store.transaction() as connection:
        connection.execute(insert(Member), rows)
    update_member_features(memory)
    update_label_merges(memory)
    assert update_member_candidates(memory).rows == 0
    assert update_member_patterns(memory).rows == 0
    assert update_questions(memory).rows == 0
