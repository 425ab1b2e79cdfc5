"""Which names count as one: by spelling, without a version, and as persons decide."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from memory_pipeline.analysis.features.same_names import (
    CHANGE_COLUMNS,
    LONGEST_NAME,
    NameDecision,
    NameRules,
    count_names,
    fold_names,
    rename,
)

FOLDED = NameRules(folded=frozenset({"vendor"}))
VERSIONED = NameRules(folded=frozenset({"vendor"}), versioned=frozenset({"vendor"}))


def counts(names: dict[str, int], column: str = "vendor") -> pd.DataFrame:
    return pd.DataFrame({"column_name": column, "raw_name": list(names), "attempts": list(names.values())})


def read_as(names: dict[str, int], rules: NameRules) -> dict[str, str]:
    """Return what each name is read as."""
    changes = fold_names(counts(names), rules)
    assert list(changes) == list(CHANGE_COLUMNS)
    return {name: name for name in names} | dict(zip(changes["raw_name"], changes["name"], strict=True))


def decided(*decisions: tuple[str, str, bool], rules: NameRules = FOLDED) -> NameRules:
    made = tuple(NameDecision("vendor", *one) for one in decisions)
    return NameRules(rules.folded, rules.versioned, made)


def test_the_commonest_spelling_is_shown_and_of_equal_ones_the_first() -> None:
    found = read_as({"contoso": 3, "CONTOSO": 5, "Contoso\u200b": 1, "b": 2, "B": 2, "other": 9}, FOLDED)
    assert found == {
        "contoso": "CONTOSO",
        "CONTOSO": "CONTOSO",
        "Contoso\u200b": "CONTOSO",
        "b": "B",
        "B": "B",
        "other": "other",
    }


def test_columns_in_which_case_has_a_meaning_stay_as_they_are() -> None:
    assert fold_names(counts({"/S": 3, "/s": 5}, "silent_switch"), FOLDED).empty


def test_versions_are_left_out_only_where_the_rules_say_so() -> None:
    names = {"Viewer 1.8 (x64)": 2, "viewer 1.9": 3, "Viewer": 2, "Java 8": 1, "Java 9": 1}
    assert read_as(names, FOLDED) == {name: name for name in names}
    found = fold_names(counts(names), VERSIONED).set_index("raw_name")
    assert found["name"].to_dict() == {"Viewer 1.8 (x64)": "Viewer", "viewer 1.9": "Viewer"}
    assert set(found["why"]) == {"version left out"}


def test_a_person_decides_that_two_names_are_one_and_under_which_name() -> None:
    names = {"Contoso Ltd": 9, "CONTOSO LTD": 1, "Contoso": 2, "contoso": 1}
    found = fold_names(counts(names), decided(("Contoso Ltd", "contoso", True))).set_index("raw_name")
    assert found["name"].to_dict() == {
        "Contoso Ltd": "Contoso",
        "CONTOSO LTD": "Contoso",
        "contoso": "Contoso",
    }
    assert found["why"].to_dict() == {
        "Contoso Ltd": "decided",
        "CONTOSO LTD": "decided",
        "contoso": "same spelling",
    }
    assert found["attempts"].to_dict() == {"Contoso Ltd": 9, "CONTOSO LTD": 1, "contoso": 1}


def test_a_name_may_count_as_one_that_no_attempt_has() -> None:
    assert read_as({"Contoso Ltd": 9}, decided(("Contoso Ltd", "Contoso", True))) == {
        "Contoso Ltd": "Contoso"
    }


def test_a_person_chooses_the_spelling_that_is_shown() -> None:
    assert set(read_as({"contoso": 9, "CONTOSO": 1}, decided(("contoso", "Contoso", True))).values()) == {
        "Contoso"
    }


def test_a_person_decides_that_names_are_apart_whatever_the_rules_say() -> None:
    names = {"Python 3.11": 2, "PYTHON 3.11": 1, "Python 3.12": 3, "Python 3.13": 1}
    apart = decided(("Python 3.11", "Python 3.12", False), rules=VERSIONED)
    assert read_as(names, apart) == {
        "Python 3.11": "Python 3.11",
        "PYTHON 3.11": "Python 3.11",
        "Python 3.12": "Python 3.12",
        "Python 3.13": "Python",
    }
    assert read_as({"GO": 3, "Go": 2, "go": 1}, decided(("GO", "Go", False))) == {
        "GO": "GO",
        "Go": "Go",
        "go": "go",
    }


def test_decisions_follow_each_other_and_a_circle_ends() -> None:
    names = {"a": 1, "b": 2, "c": 3}
    assert set(read_as(names, decided(("a", "b", True), ("b", "c", True))).values()) == {"c"}
    circle = read_as(names, decided(("a", "b", True), ("b", "a", True)))
    assert circle["c"] == "c"


NAMES = st.dictionaries(
    st.text(st.sampled_from("aAbB \u00a0\u200b1.x()"), min_size=1, max_size=8), st.integers(1, 9), max_size=12
)


@given(NAMES, st.booleans())
def test_reading_names_again_changes_nothing(names: dict[str, int], is_versioned: bool) -> None:
    """What is read as another is read as a name that is shown, and every group keeps its attempts."""
    rules = VERSIONED if is_versioned else FOLDED
    found = read_as(names, rules)
    again: dict[str, int] = {}
    for name, shown in found.items():
        again[shown] = again.get(shown, 0) + names[name]
    assert read_as(again, rules) == {name: name for name in again}


def test_texts_and_elements_of_lists_are_counted_and_replaced() -> None:
    frame = pd.DataFrame(
        {
            "vendor": pd.Series(["Contoso", "contoso", "Contoso", None], dtype="str"),
            "tags": [["New", "old"], None, np.array(["new"], dtype=object), []],
            "size": [1.0, 2.0, 2.0, None],
            "text": pd.Series(["x" * (LONGEST_NAME + 1)] * 4, dtype="str"),
        }
    )
    counted = count_names(frame, ["vendor", "tags", "size", "text"])
    assert sorted(counted.itertuples(index=False, name=None)) == [
        ("tags", "New", 1),
        ("tags", "new", 1),
        ("tags", "old", 1),
        ("vendor", "Contoso", 2),
        ("vendor", "contoso", 1),
    ]
    changes = fold_names(counted, NameRules(folded=frozenset({"vendor", "tags"})))
    found = rename(frame, changes)
    assert found["vendor"].tolist()[:3] == ["Contoso"] * 3
    assert found["vendor"].isna().tolist() == [False, False, False, True]
    assert found["vendor"].dtype == frame["vendor"].dtype
    assert found["tags"].tolist() == [["New", "old"], None, ["New"], []]
    assert_frame_equal(found[["size", "text"]], frame[["size", "text"]])
