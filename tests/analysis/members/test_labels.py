"""Members as labels: merging, mending, undoing, and members who do not want to be seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_members import labels_of_members, members_of

from memory_pipeline.analysis.members.labels import MemberLabels, is_visible
from memory_pipeline.analysis.members.similar_labels import similar_labels
from memory_pipeline.analysis.members.vocabulary import Vocabulary

WORDS = {
    "version": 1,
    "labels": {"JavaScript": ["JS"], "Psychology": ["Psicología"]},
    "never_merge": [["Java", "JavaScript"]],
    "ignored": ["none"],
    "words": {"analysis": ["análisis"], "data": ["datos"]},
    "small_words": ["de"],
}
VOCABULARY = Vocabulary.from_dict(WORDS)


def read(labels):
    return sorted(labels.to_frame()[["member_id", "field", "label"]].itertuples(index=False, name=None))


def why(labels):
    return labels.merges.set_index("raw_label")["why"].to_dict()


def test_spellings_take_the_most_frequent_and_synonyms_the_reviewed_name():
    frame = members_of(
        [["React.js", "JS"], ["ReactJS", " "], ["ReactJS", "react js"], ["javascript"]],
        [["Psicología"], ["Psychology"], [], []],
        other_sets=[{"tools": ["Git"]}, {}, {}, {"tools": ["js"]}],
    )
    labels = labels_of_members(frame, VOCABULARY)
    assert read(labels) == [
        (1, "interests", "Psychology"),
        (1, "skills", "JavaScript"),
        (1, "skills", "ReactJS"),
        (1, "tools", "Git"),
        (2, "interests", "Psychology"),
        (2, "skills", "ReactJS"),
        (3, "skills", "ReactJS"),
        (4, "skills", "JavaScript"),
        (4, "tools", "JavaScript"),
    ]
    assert why(labels) == {
        "Psicología": "vocabulary",
        "JS": "vocabulary",
        "js": "vocabulary",
        "javascript": "same spelling",
        "React.js": "same spelling",
        "react js": "same spelling",
    }
    assert labels.find("skills", "react-JS") == labels.find("skills", "ReactJS") is not None
    assert labels.find("skills", "JS") == labels.find("skills", "JavaScript") is not None
    assert labels.find("skills", "Psychology") is None


def test_a_merge_is_undone_by_taking_it_out_of_the_vocabulary():
    frame = members_of([["JS"], ["JavaScript"]])
    without = Vocabulary.from_dict(WORDS | {"labels": {}})
    assert labels_of_members(frame, VOCABULARY).names == ("JavaScript",)
    assert labels_of_members(frame, without).names == ("JS", "JavaScript")


def test_the_same_words_are_one_label_unless_a_member_carries_both():
    apart = members_of([["Data analysis"], ["Data analysis"], ["Análisis de datos"]])
    labels = labels_of_members(apart, VOCABULARY)
    assert labels.names == ("Data analysis",)
    assert why(labels) == {"Análisis de datos": "same words"}
    together = members_of([["Data analysis"], ["Data analysis", "Análisis de datos"]])
    assert len(labels_of_members(together, VOCABULARY).names) == 2


@pytest.mark.parametrize("pair", [("C", "C++"), ("C", "C#"), ("Java", "JavaScript"), ("C++", "C#")])
def test_different_things_stay_apart_however_they_are_written(pair):
    frame = members_of([list(pair), [pair[0].lower()], [pair[1].upper()]])
    assert len(labels_of_members(frame, VOCABULARY).names) == 2


def test_who_may_not_be_seen_is_in_nothing():
    frame = members_of(
        [["Secret"], ["R"], ["Secret"], ["Secret"], ["Secret"]],
        is_visible=[False, True, None, True, True],
        attributes=[{}, {"consent": True}, {}, {"consent": "no"}, {"Opted_Out": "yes"}],
    )
    assert is_visible(frame).tolist() == [False, True, False, False, False]
    labels = labels_of_members(frame, VOCABULARY)
    assert labels.member_ids.tolist() == [2]
    assert labels.names == ("R",)
    assert "Secret" not in labels.merges.to_string()


def test_labels_that_a_comma_broke_inside_brackets_are_put_together():
    pieces = ["a portal (for example", "Intranet)"]
    frame = members_of([[*pieces, "Email"]] * 6 + [["Email"]] * 6)
    labels = labels_of_members(frame, VOCABULARY)
    assert labels.names == ("Email", "a portal (for example, Intranet)")
    assert labels.counts.tolist() == [12, 6]
    assert why(labels) == dict.fromkeys(pieces, "was broken at a comma")


def test_pieces_that_also_occur_alone_are_no_clear_evidence():
    frame = members_of([["a portal (for example", "Intranet)"]] * 6 + [["Intranet)"]] * 6)
    assert len(labels_of_members(frame, VOCABULARY).names) == 2


def test_lists_are_taken_apart_where_a_part_is_known():
    frame = members_of(
        [["Perl"]] * 5
        + [["Slack, or contacts"]] * 5
        + [["Perl, awk"], ["Slack, or contacts, a friend"], ["first this, then that"], ["JS; Perl"]]
    )
    labels = labels_of_members(frame, VOCABULARY)
    counts = dict(zip(labels.names, labels.counts.tolist(), strict=True))
    assert counts == {
        "Perl": 7,
        "awk": 1,
        "Slack, or contacts": 6,
        "a friend": 1,
        "first this, then that": 1,
        "JavaScript": 1,
    }


def test_empty_answers_are_dropped_and_told():
    labels = labels_of_members(members_of([["None", "?", "R"]]), VOCABULARY)
    assert labels.names == ("R",)
    assert why(labels) == {"None": "says nothing", "?": "says nothing"}
    assert labels.merges["label"].isna().all()


def test_frames_can_be_read_back():
    frame = members_of([["R", "SQL"], ["R"], []], [[], ["hiking"], []])
    labels = labels_of_members(frame, VOCABULARY)
    again = MemberLabels.from_frame(labels.to_frame(), VOCABULARY)
    assert again.names == labels.names
    assert again.fields == labels.fields
    assert again.member_ids.tolist() == [1, 2]
    pd.testing.assert_frame_equal(again.to_frame(), labels.to_frame())


def test_no_members_have_no_labels():
    labels = labels_of_members(members_of([]), VOCABULARY)
    assert labels.member_count == 0
    assert labels.to_frame().empty
    assert MemberLabels.from_frame(labels.to_frame(), VOCABULARY).names == ()


def test_members_who_were_asked_in_other_ways_are_judged_apart():
    asked = members_of([["R"], ["R"], ["SQL"]] * 10, attributes=[{"wave": 1}, {"wave": 2}, {"wave": 2}] * 10)
    assert np.bincount(labels_of_members(asked, VOCABULARY, strata=("wave",)).strata).tolist() == [10, 20]
    assert not labels_of_members(asked, VOCABULARY).strata.any()


def test_a_field_that_only_those_with_one_label_answer_makes_a_group_of_its_own():
    uses = [{"python_uses": ["scraping"]} if i < 20 else {} for i in range(40)]
    frame = members_of([["Python"] if i < 20 else ["R"] for i in range(40)], other_sets=uses)
    assert np.bincount(labels_of_members(frame, VOCABULARY).strata).tolist() == [20, 20]


def test_labels_that_look_alike_are_proposed_and_not_merged():
    frame = members_of([["Visualization"]] * 9 + [["Visualizaton"], ["JavaScript"], ["Java"], ["Kubernetes"]])
    labels = labels_of_members(frame, VOCABULARY)
    found = similar_labels(labels)
    assert found[["raw_label", "label", "why", "members"]].to_numpy().tolist() == [
        ["Visualizaton", "Visualization", "looks alike", 1]
    ]
    assert "Visualizaton" in labels.names


def test_what_one_member_carries_side_by_side_is_not_proposed():
    frame = members_of([["Visualization", "Visualizaton"]] * 3)
    assert similar_labels(labels_of_members(frame, VOCABULARY)).empty
