"""Patterns: planted ones are found, empty worlds stay empty, echoes and shadows are dropped."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from error_rates import check_rate
from mlxtend.frequent_patterns import association_rules, fpgrowth
from statsmodels.stats.proportion import proportion_confint

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.features import encode
from memory_pipeline.analysis.features.outcomes import is_hit, outcome_labels
from memory_pipeline.analysis.patterns import find_patterns, matching_attempts, search_patterns
from memory_pipeline.analysis.patterns.table import COLUMNS, rule_metrics


def world(seed, *, attempts=4000, applications=120, columns=6, effect=None, intraclass=0.3):
    """Attempts of applications with different success rates; `effect(columns) -> change of the rate`."""
    rng = np.random.default_rng(seed)
    app = rng.integers(0, applications, attempts)
    choices = rng.integers(0, 3, (attempts, columns))
    frame = pd.DataFrame(choices, columns=[f"c{i}" for i in range(columns)]).astype(str)
    scale = (1 - intraclass) / intraclass
    rate = 0.1 + 0.6 * rng.beta(0.6 * scale, 0.4 * scale, applications)[app]  # leaves room for the effect
    if effect is not None:
        rate = np.clip(rate + effect(frame), 0, 1)
    frame["outcome_status"] = np.where(rng.random(attempts) < rate, "success", "failure")
    frame["application_name"] = [f"app {i}" for i in app]
    return frame


def two_conditions(frame):
    return 0.25 * ((frame["c0"] == "1") & (frame["c1"] == "2"))


def test_a_planted_combination_is_found_and_named_without_its_parts():
    found = find_patterns(world(1, effect=two_conditions), min_sample_size=50)

    first = found.iloc[0]
    assert first["conditions"] == {"c0": "1", "c1": "2"}
    assert first["pattern_type"] == "success"
    assert first["ci_low"] < 0.25 < first["ci_high"]
    assert list(found.columns) == list(COLUMNS)
    assert all(not set(one) <= {"c0", "c1"} for one in found["conditions"].iloc[1:])


def test_longer_echoes_of_a_single_condition_are_not_reported():
    found = find_patterns(world(2, effect=lambda f: 0.25 * (f["c3"] == "0")), min_sample_size=50)
    assert found["conditions"].tolist() == [{"c3": "0"}]


@pytest.mark.parametrize("rare", ["a", "z"])
def test_of_a_condition_and_its_complement_the_rarer_is_reported(rare):
    """Both are as certain as each other; which is first must not hang on how a sum was rounded."""
    frame = world(7, effect=lambda f: 0.25 * (f["c2"] == "0"))
    frame["c2"] = np.where(frame["c2"] == "0", rare, "m")
    found = find_patterns(frame, min_sample_size=50)
    assert found["conditions"].tolist() == [{"c2": rare}]


def test_a_condition_that_only_travels_with_another_is_a_shadow():
    frame = world(3, effect=lambda f: -0.3 * (f["c0"] == "1"))
    rng = np.random.default_rng(3)
    frame["shadow"] = np.where(rng.random(len(frame)) < 0.9, frame["c0"], "9")
    found = find_patterns(frame, min_sample_size=50)

    assert found["conditions"].tolist() == [{"c0": "1"}]
    assert found["pattern_type"].tolist() == ["failure"]


@pytest.mark.statistics
@pytest.mark.parametrize("constant_within_units", [False, True])
def test_worlds_without_effects_have_no_findings(constant_within_units):
    """Both sorts of repetition; a unit-blind test finds something in nearly every one of the second.

    `benchmarks/error_rates.py` has the rates over 500 worlds.
    """
    with_findings = 0
    for seed in range(20):
        frame = world(seed, attempts=1500, applications=60, columns=4, intraclass=0.45)
        if constant_within_units:
            first = frame.groupby("application_name")[["c0", "c1", "c2", "c3"]].first()
            frame[["c0", "c1", "c2", "c3"]] = first.loc[frame["application_name"]].to_numpy()
        with_findings += len(find_patterns(frame, min_sample_size=30)) > 0
    check_rate(with_findings, 20, stated=0.05, broken=0.45)


def test_a_unit_blind_search_is_fooled_by_repetition():
    frame = world(11, attempts=1500, applications=60, columns=4, intraclass=0.45)
    first = frame.groupby("application_name")[["c0", "c1", "c2", "c3"]].first()
    frame[["c0", "c1", "c2", "c3"]] = first.loc[frame["application_name"]].to_numpy()

    assert len(find_patterns(frame, min_sample_size=30, unit=None)) > 0
    assert len(find_patterns(frame, min_sample_size=30)) == 0


def test_a_pattern_needs_enough_units():
    frame = world(4, effect=lambda f: 0.3 * (f["c0"] == "1"))
    few = frame["application_name"].isin([f"app {i}" for i in range(4)])
    frame["rare"] = np.where(few, "yes", "no")
    frame.loc[few, "outcome_status"] = "failure"
    found = find_patterns(frame, min_sample_size=30, min_units=5)

    assert any(one.get("c0") == "1" for one in found["conditions"])
    assert not any(one.get("rare") == "yes" for one in found["conditions"])


def test_values_too_rare_for_a_finding_are_levels_and_cost_no_tests():
    frame = world(4, effect=lambda f: 0.3 * (f["c0"] == "1"))
    random = np.random.default_rng(4)
    frame["c2"] = np.where(random.random(len(frame)) < 0.005, "rare", frame["c2"])
    few = frame["application_name"].isin([f"app {i}" for i in range(4)])
    frame["c3"] = np.where(few, "of few", frame["c3"])
    assert 10 <= (frame["c2"] == "rare").sum() < 30 <= few.sum()
    columns = [f"c{i}" for i in range(6)]
    unit = frame["application_name"]
    found = {}
    for attempts, units in ((10, 2), (30, 5)):
        encoded = encode(frame, columns, min_count=attempts, unit="application_name", min_units=units).frame
        levels = {level for column in encoded for level in encoded[column].cat.categories}
        assert ({"rare", "of few"} <= levels) == (attempts == 10)
        evidence = count_evidence(
            encoded.assign(outcome=frame["outcome_status"] + ";;", application_name=unit),
            conditions=columns,
            outcome="outcome",
            unit="application_name",
        )
        found[attempts] = search_patterns(evidence, min_sample_size=30, min_units=5)
    assert len(found[10]) > 0
    assert found[10].attrs["searched"] == found[30].attrs["searched"]
    # Only what is adjusted for the other columns differs: it is adjusted for more values.
    same = [column for column in COLUMNS if "adjusted" not in column and "stratified" not in column]
    pd.testing.assert_frame_equal(found[10][same], found[30][same])


def test_the_same_rows_in_another_order_give_the_same_findings():
    frame = world(5, effect=two_conditions)
    shuffled = frame.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        find_patterns(frame, min_sample_size=50), find_patterns(shuffled, min_sample_size=50)
    )


def test_what_is_known_only_afterwards_is_never_a_condition():
    frame = world(6)
    frame["failure_reason"] = np.where(frame["outcome_status"] == "failure", "crash", None)
    frame["needed_intervention"] = frame["outcome_status"] == "failure"
    assert find_patterns(frame, min_sample_size=30).empty


def test_other_targets_than_success():
    frame = world(7)
    frame["failure_reason"] = np.where(
        (frame["outcome_status"] == "failure") & (frame["c2"] == "0"), "disk full", None
    )
    frame["needed_intervention"] = frame["c4"] == "1"
    frame["intervention_kind"] = None
    reasons = find_patterns(frame, min_sample_size=30, target="failure_reason=disk full")
    steps_in = find_patterns(frame, min_sample_size=30, target="intervention")

    assert reasons.iloc[0][["conditions", "pattern_type"]].tolist() == [{"c2": "0"}, "failure"]
    assert steps_in.iloc[0][["conditions", "pattern_type", "rate"]].tolist() == [
        {"c4": "1"},
        "intervention",
        1.0,
    ]
    with pytest.raises(ValueError, match="target is 'sucess'"):
        find_patterns(frame, min_sample_size=30, target="sucess")


def test_labels_tell_targets_apart():
    frame = pd.DataFrame(
        {
            "outcome_status": ["failure", "success"],
            "failure_reason": ["a;b", None],
            "needed_intervention": [False, True],
            "intervention_kind": [None, None],
        }
    )
    labels = outcome_labels(frame)
    assert labels.tolist() == ["failure;a,b;", "success;;(unnamed)"]
    assert is_hit(labels[0], "failure_reason=a;b")
    assert is_hit(labels[1], "intervention")
    assert not is_hit(labels[0], "intervention")


def test_rates_and_intervals_are_those_of_a_plain_count():
    frame = world(8, effect=lambda f: 0.3 * (f["c0"] == "1"))
    row = find_patterns(frame, min_sample_size=50).iloc[0]
    inside = frame[frame["c0"] == "1"]
    outside = frame[frame["c0"] != "1"]
    hits = (inside["outcome_status"] == "success").sum()

    assert row["sample_size"] == len(inside)
    assert row["units"] == inside["application_name"].nunique()
    assert row["rate"] == pytest.approx(hits / len(inside))
    assert row["risk_difference"] == pytest.approx(
        row["rate"] - (outside["outcome_status"] == "success").mean()
    )
    assert row["ci_low"] < proportion_confint(hits, len(inside), method="wilson")[0]
    assert "When c0 is 1, " in row["sentence"]
    assert f"{len(inside):,} attempts" in row["sentence"]


def test_rule_metrics_are_those_of_mlxtend_on_the_rows():
    rng = np.random.default_rng(9)
    table = pd.DataFrame(rng.random((500, 3)) < [0.5, 0.3, 0.6], columns=["a", "b", "target"])
    rules = association_rules(fpgrowth(table, 0.01, use_colnames=True), metric="support", min_threshold=0)
    singles = rules[(rules["consequents"] == {"target"}) & (rules["antecedents"].map(len) == 1)]
    expected = singles.set_index(singles["antecedents"].map(lambda s: next(iter(s)))).loc[["a", "b"]]
    n, k = table[["a", "b"]].sum(), table[["a", "b"]][table["target"]].sum()
    got = rule_metrics(n.to_numpy(), k.to_numpy(), 500, int(table["target"].sum()))

    for mine, theirs in {
        "lift": "lift",
        "leverage": "leverage",
        "conviction": "conviction",
        "support": "support",
        "zhang": "zhangs_metric",
    }.items():
        np.testing.assert_allclose(got[mine], expected[theirs], err_msg=mine)


def test_attempts_behind_a_pattern_those_that_ended_as_it_says_first_and_newest_first():
    outcomes = pd.DataFrame(
        {
            "id": list("abcd"),
            "occurred_at": pd.date_range("2026-01-01", periods=4, tz="UTC"),
            "outcome_status": ["success", "failure", "success", "success"],
            "failure_reason": None,
            "needed_intervention": False,
            "intervention_kind": None,
        }
    )
    encoded = pd.DataFrame({"x": ["1", "1", "1", "2"]})
    pattern = {"conditions": {"x": "1"}, "target": "success", "risk_difference": 0.1}
    fails = {**pattern, "risk_difference": -0.1}

    assert matching_attempts(encoded, outcomes, pattern) == (["c", "a", "b"], 3)
    assert matching_attempts(encoded, outcomes, pattern, limit=1) == (["c"], 3)
    assert matching_attempts(encoded, outcomes, fails) == (["b", "c", "a"], 3)


@pytest.mark.parametrize("statuses", [[], ["success"] * 40])
def test_nothing_to_find_is_an_empty_table(statuses):
    frame = pd.DataFrame({"x": list("ab") * (len(statuses) // 2), "outcome_status": statuses})
    frame["application_name"] = "a"
    found = find_patterns(frame, min_sample_size=5)
    assert found.empty
    assert list(found.columns) == list(COLUMNS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fdr": 1.0}, "fdr is 1.0"),
        ({"min_sample_size": 0}, "min_sample_size is 0"),
        ({"unit": "app"}, r"unit names \['app'\]"),
    ],
)
def test_wrong_settings_are_named(arguments, message):
    with pytest.raises((ValueError, KeyError), match=message):
        find_patterns(world(0, attempts=50), **{"min_sample_size": 10, **arguments})
