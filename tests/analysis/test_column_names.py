"""Column names are free: a history whose columns are renamed has the same findings under the new names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_pipeline.analysis.evidence import Evidence, count_evidence
from memory_pipeline.analysis.factors import estimate_factors
from memory_pipeline.analysis.features import encode, flatten_outcomes
from memory_pipeline.analysis.learning import replay
from memory_pipeline.analysis.names import (
    INTERNAL,
    NEVER_CONDITIONS,
    OUTCOME,
    element_column,
    split_element_column,
)
from memory_pipeline.analysis.patterns import find_patterns
from memory_pipeline.analysis.recommendations import fit_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ODD = (
    ("outcome", "month", "period", "count"),
    ("unit", "n", "attempts", "success"),
    ("target", "self", "conditions", "column"),
    ("k", "level_0", "index", "value"),
    ("(period)", "(pattern)", "(missing)", "(other)"),
    ("attempts: success;;", "condition: x", "tags: a", '"tags": a'),
    ("a.b", 'a"b', "Größe 📦", ""),
    ("followed", "difficulty", "_when", "const"),
)
PLAIN = ("wing", "crew", "region", "site")


def history(names: Sequence[str], *, effect: float = 0.35) -> pd.DataFrame:
    """Attempts of 40 applications that go well with `switch = /qn`, and with the first name where it is B."""
    rng = np.random.default_rng(3)
    rows = 480
    switch = rng.choice(["/S", "/qn"], rows)
    others = {name: rng.choice(["A", "B", "C"], rows) for name in names}
    chance = 0.5 + effect * (switch == "/qn") * 1.0 - 0.3 * (others[names[0]] == "B")
    return pd.DataFrame(
        {
            "application_name": [f"App {number % 40}" for number in range(rows)],
            "outcome_status": np.where(rng.random(rows) < chance, "success", "failure"),
            "occurred_at": pd.date_range("2025-01-01", periods=rows, freq="D", tz="UTC"),
            "installer_type": rng.choice(["msi", "exe"], rows),
            "switch": switch,
            "tags": [sorted(rng.choice(["a", "b", "c"], 2, replace=False)) for _ in range(rows)],
            **others,
        }
    )


def patterns(frame: pd.DataFrame, names: Sequence[str]) -> set[Any]:
    found = find_patterns(frame, min_sample_size=20, conditions=["installer_type", "switch", "tags", *names])
    numbers = found[["sample_size", "p_value", "risk_difference"]].round(6).itertuples(index=False, name=None)
    return {(frozenset(one.items()), *row) for one, row in zip(found["conditions"], numbers, strict=True)}


def factors(frame: pd.DataFrame, names: Sequence[str]) -> set[Any]:
    roles = {"approach": ["switch", "tags", names[0]], "context": ["installer_type", *names[1:]]}
    found = estimate_factors(frame, **roles, unit="application_name")
    numbers = found[["effectiveness", "sample_size"]].round(6).itertuples(index=False, name=None)
    return {(frozenset(one.items()), *row) for one, row in zip(found["settings"], numbers, strict=True)}


def advice(frame: pd.DataFrame, names: Sequence[str]) -> set[Any]:
    roles = {"approach": ["switch", names[0]], "context": ["installer_type", *names[1:]]}
    policy = fit_policy(frame, **roles, unit="application_name")
    said = policy.recommend({"installer_type": "msi", names[1]: "A"})
    return {(frozenset((said.recommended_approach or {}).items()), said.sample_size, said.units)}


def replayed(frame: pd.DataFrame, names: Sequence[str]) -> set[Any]:
    roles = {"approach": ["switch", names[0]], "context": ["installer_type", *names[1:]]}
    found = replay(frame, **roles, unit="application_name")
    return {(frozenset(), found.advised, found.agreeing)}


@pytest.mark.parametrize("find", [patterns, factors, advice, replayed])
@pytest.mark.parametrize("names", ODD)
def test_findings_do_not_depend_on_what_columns_are_called(
    find: Callable[[pd.DataFrame, Sequence[str]], set[Any]], names: tuple[str, ...]
) -> None:
    expected = find(history(PLAIN), PLAIN)
    assert expected
    columns = [column for column in history(names) if column != "tags"]
    back = {element_column("tags", one, columns): element_column("tags", one) for one in "abc"}
    back |= dict(zip(names, PLAIN, strict=True))
    found = find(history(names), names)
    assert {
        (frozenset((back.get(name, name), value) for name, value in settings), *numbers)
        for settings, *numbers in found
    } == expected


NAMES = st.text(max_size=12).filter(lambda name: not name.startswith(INTERNAL))


@settings(max_examples=40, deadline=None)
@given(names=st.lists(NAMES, min_size=4, max_size=4, unique=True), ends=st.lists(NAMES, min_size=1))
def test_counts_survive_rows_and_merging_under_any_names(names: list[str], ends: list[str]) -> None:
    unit, *conditions = names
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.choice(["x", "y"], 60) for name in names})
    frame[OUTCOME] = rng.choice(ends, 60)
    evidence = count_evidence(frame, conditions=conditions, outcome=OUTCOME, unit=unit)
    again = Evidence.from_rows(
        evidence.to_rows(), conditions=conditions, outcomes=evidence.outcomes, unit=unit
    )
    pd.testing.assert_frame_equal(again.to_rows(), evidence.to_rows())
    listed = evidence.merge(again).to_frame()
    singles = listed[listed["conditions"].map(len) == 1]
    for name in conditions:
        own = singles[singles["conditions"].map(lambda one, name=name: name in one)]
        counted = {one["conditions"][name]: one["n"] for _, one in own.iterrows()}
        assert counted == {value: 2 * n for value, n in frame[name].value_counts().items()}
    assert listed.drop(columns=["conditions", "n"]).sum(axis=1).tolist() == listed["n"].tolist()


@given(
    sources=st.lists(st.text(alphabet='a":\\ ', min_size=1, max_size=5), min_size=1, max_size=4, unique=True),
    elements=st.lists(
        st.text(alphabet='a":\\ ', min_size=1, max_size=4), min_size=1, max_size=3, unique=True
    ),
)
def test_columns_of_list_elements_are_apart_and_tell_their_source(
    sources: list[str], elements: list[str]
) -> None:
    names = [element_column(source, element) for source in sources for element in elements]
    assert len(set(names)) == len(names)
    pairs = [(source, element) for source in sources for element in elements]
    assert [split_element_column(name) for name in names] == pairs


def test_encoded_columns_are_apart_from_each_other_and_from_the_frame() -> None:
    frame = pd.DataFrame(
        {
            "tags": [["a"], ["b"]] * 10,
            "tags: a": ["x", "y"] * 10,
            '"tags": a': ["p", "q"] * 10,
            "tags: b": range(20),
        }
    )
    encoded = encode(frame, ["tags", "tags: a", '"tags": a'], min_count=1)
    assert encoded.encoding.columns_of("tags") == ('"\\"tags\\"": a', '"tags": b')
    assert encoded.frame["tags: a"].tolist() == frame["tags: a"].tolist()
    assert encoded.frame['"tags": b'].tolist() == ["no", "yes"] * 10
    again = type(encoded.encoding).from_dict(encoded.encoding.to_dict())
    pd.testing.assert_frame_equal(again.apply(frame), encoded.frame)


def test_a_setting_is_apart_from_the_context_of_its_name() -> None:
    record = dict.fromkeys([*NEVER_CONDITIONS, "installer_type"])
    record |= {"context": {"size": 1}, "approach_details": {"size": 2, "size (approach)": 3}}
    frame, roles = flatten_outcomes(pd.DataFrame([record]).astype(object))
    assert roles.approach == ("size (approach) (approach)", "size (approach)")
    assert frame[["size", *roles.approach]].to_numpy().tolist() == [[1, 2, 3]]


def test_the_names_of_the_analysis_are_refused_with_the_remedy() -> None:
    frame = history(PLAIN).rename(columns={"wing": OUTCOME})
    for find in (patterns, factors, advice):
        with pytest.raises(ValueError, match=r"U\+001F, which marks .*; rename it"):
            find(frame, [OUTCOME, *PLAIN[1:]])
