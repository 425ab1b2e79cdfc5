"""A real survey in two languages: labels are merged as a person would, patterns are few and checkable."""

from __future__ import annotations

import pandas as pd
import pytest
from made_members import labels_of_members

from memory_pipeline.analysis.members import find_member_patterns
from memory_pipeline.analysis.members.predicates import parse_predicate
from memory_pipeline.settings import Settings
from memory_pipeline.vocabulary import load_vocabulary

OTHERS = ["tools", "python_uses", "discovers_via", "shares_via", "rmarkdown_uses", "events"]


@pytest.fixture(scope="module")
def labels(shared_data):
    survey = pd.read_parquet(shared_data / "rstudio_members" / "members.parquet")
    sets = {
        one: [[] if own is None else list(own) for own in survey[one]]
        for one in (*OTHERS, "skills", "interests")
    }
    members = pd.DataFrame({"id": range(1, len(survey) + 1), "is_visible": True})
    members["skills"], members["interests"] = sets["skills"], sets["interests"]
    members["other_sets"] = [
        {one: sets[one][i] for one in OTHERS if sets[one][i]} for i in range(len(survey))
    ]
    members["attributes"] = [{"wave": wave} for wave in survey["wave"]]
    vocabulary = load_vocabulary(Settings(vocabulary=None))
    return labels_of_members(members, vocabulary, strata=("wave",))


@pytest.fixture(scope="module")
def patterns(labels):
    return find_member_patterns(labels)


def test_the_two_languages_are_one(labels):
    merged = labels.merges.set_index("raw_label")["label"].to_dict()
    assert merged["Visualización"] == "Visualization"
    assert merged["Análisis de encuestas"] == "Survey analysis"
    assert merged["Transformación de datos"] == "Data transformation"
    assert merged["Redes sociales como blogs"] == "Social media such as blogs"
    assert merged["Crear cuadernos R"] == "Creating R Notebooks"
    # What is frequent and Spanish has an English counterpart, so next to nothing of it is left.
    accents = [
        name
        for name, count in zip(labels.names, labels.counts, strict=True)
        if count >= 8 and any(letter in name for letter in "áéíóúñ")
    ]
    assert accents == []


def test_different_things_stay_apart(labels):
    names = {name for name, own in zip(labels.names, labels.fields, strict=True) if own == "skills"}
    assert {"C#", "C/C++", "Java", "JavaScript", "SAS", "SPSS", "Stan", "Stata"} <= names


def test_broken_answers_are_whole_again(labels):
    counts = dict(zip(labels.names, labels.counts, strict=True))
    assert counts["Books, textbooks, or journal articles (JSS, JOSS, R-Journal)"] == 499
    assert counts.get("JOSS", 0) == 0


def test_patterns_are_few_large_enough_and_can_be_checked(labels, patterns):
    counts = patterns["category"].value_counts()
    assert set(counts.index) == {
        *(
            "skill_cluster",
            "interest_theme",
            "collaboration_opportunity",
            "community_strength",
            "cross_domain",
        )
    }
    assert counts.max() <= 8
    assert patterns["name"].is_unique
    assert patterns["member_count"].min() >= 8
    for _, pattern in patterns.iterrows():
        again = parse_predicate(pattern["evidence"]["predicate"]).members(labels)
        assert again.tolist() == pattern["related_member_ids"], pattern["name"]


def test_the_form_of_the_survey_is_no_finding(patterns):
    """Who answers what Python is used for knows Python; and one wave was asked more than the other."""
    assert len(patterns) > 0
    for evidence in patterns["evidence"]:
        fields = evidence["labels"]
        is_python = any("Python" in own for own in fields.values())
        assert not (is_python and "python_uses" in fields), fields
