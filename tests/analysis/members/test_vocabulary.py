"""The vocabulary: keys, meanings, what a file may say, and that the shipped one is sound."""

from __future__ import annotations

import pytest

from memory_pipeline.analysis.members.vocabulary import Vocabulary, VocabularyError, label_key
from memory_pipeline.settings import Settings
from memory_pipeline.vocabulary import load_vocabulary


@pytest.fixture(scope="module")
def shipped():
    return load_vocabulary(Settings(vocabulary=None))


@pytest.mark.parametrize("spelling", ["React.js", "ReactJS", "react js", "REACT_JS", "Réact-JS"])
def test_spellings_share_a_key(spelling):
    assert label_key(spelling) == "reactjs"


@pytest.mark.parametrize(("one", "other"), [("C", "C++"), ("C", "C#"), ("Java", "JavaScript"), ("R", "R+")])
def test_different_things_do_not(one, other):
    assert label_key(one) != label_key(other)


def test_labels_of_signs_alone_keep_them():
    assert label_key(" ?! ") == "?!"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Análisis de datos", "Data analysis"),
        ("Transformación de datos", "data transformation"),
        ("Creating R notebooks", "Crear cuadernos R"),
        ("Redes sociales como blogs", "Social media such as blogs"),
        ("web sites", "website"),
    ],
)
def test_the_same_words_in_two_languages_mean_the_same(shipped, one, other):
    assert shipped.meaning(one) == shipped.meaning(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("C++", "C"), ("Data analysis", "Data transformation"), ("R", "Python"), ("Go", "Rust")],
)
def test_other_words_do_not(shipped, one, other):
    assert shipped.meaning(one) != shipped.meaning(other)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("JS", "JavaScript"),
        ("React.js", "React"),
        ("VBA", "Visual Basic"),
        ("Psicología", "Psychology"),
        ("postgres", "PostgreSQL"),
        ("Excel (advanced)", "Excel"),
        ("sklearn", "scikit-learn"),
    ],
)
def test_the_shipped_vocabulary_knows_common_names(shipped, written, name):
    assert shipped.name_of(written) == name


def test_the_shipped_vocabulary_does_not_contradict_itself(shipped):
    assert shipped.version >= 1
    for pair in shipped.never_merge:
        one, other = (shipped.canonical.get(key, key) for key in pair)
        assert label_key(one) != label_key(other), pair
    # An area of one label says nothing, and every name in an area is the canonical one.
    for area, labels in shipped.areas.items():
        assert len(set(map(label_key, labels))) >= 3, area
        assert all(shipped.canonical[label_key(one)] == one for one in labels), area
    assert shipped.ignored.isdisjoint(shipped.canonical)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "has no `version`"),
        ({"labels": {}}, "has no `version`"),
        ({"version": 1, "synonyms": {}}, r"unknown sections \['synonyms'\]"),
        ({"version": 1, "labels": {"A": ["X"], "B": ["x."]}}, "gives 'x.' to 'A' and to 'B'"),
        ({"version": 1, "labels": {"A": "X"}}, "labels.A in the vocabulary is 'X'; write a list"),
        ({"version": 1, "labels": ["A"]}, "write `name: \\[text, ...\\]` lines"),
        ({"version": 1, "ignored": [None]}, "ignored in the vocabulary holds None"),
        ({"version": 1, "never_merge": [["A", "a"]]}, "write two different labels"),
        ({"version": 1, "field_roles": {"skill": ["skills"]}}, r"names \['skill'\].*one of \['ability'"),
    ],
)
def test_a_vocabulary_that_cannot_be_used_is_refused_with_the_place(content, message):
    with pytest.raises(VocabularyError, match=message):
        Vocabulary.from_dict(content)


def test_a_file_of_ones_own_replaces_the_shipped_one_and_mistakes_name_it(tmp_path):
    file = tmp_path / "words.yaml"
    file.write_text("version: 3\nlabels:\n  Blau: [blue]\n")
    assert load_vocabulary(Settings(vocabulary=file)).name_of("BLUE") == "Blau"
    file.write_text("version: 3\nlabels:\n  Blau: blue\n")
    with pytest.raises(VocabularyError, match=r"words\.yaml: labels.Blau"):
        load_vocabulary(Settings(vocabulary=file))
    file.write_text("version: 3\nlabels:\n  Blau: [blue]\n  Blau: [navy]\n")
    with pytest.raises(VocabularyError, match=r'words\.yaml: line 4: found duplicate key "Blau"'):
        load_vocabulary(Settings(vocabulary=file))
    with pytest.raises(FileNotFoundError, match=r"MEMORY_VOCABULARY is .*none\.yaml"):
        load_vocabulary(Settings(vocabulary=tmp_path / "none.yaml"))


def test_fields_have_roles():
    vocabulary = Vocabulary.from_dict({"version": 1, "field_roles": {"wish": ["goals"]}})
    assert [vocabulary.role_of(one) for one in ("goals", "skills", "interests", "else")] == [
        *("wish", "ability", "interest", "interest")
    ]
