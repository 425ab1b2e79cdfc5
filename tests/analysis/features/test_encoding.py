"""Flattening and encoding: what is a condition, and which value it gets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.features import Encoding, encode, flatten_outcomes
from memory_pipeline.analysis.features.encoding import FLOORS, Floors, encode_conditions, learn_conditions
from memory_pipeline.analysis.features.flatten import Roles, condition_columns


def stored(**changes):
    row = {
        "id": "1",
        "application_name": "Editor",
        "application_vendor": "Acme",
        "application_type": "productivity",
        "installer_type": "msi",
        "context": {"team": "a"},
        "approach_details": {"silent_switch": "/qn"},
        "outcome_status": "success",
        "failure_reasons": None,
        "manual_interventions": None,
        "occurred_at": pd.Timestamp("2026-01-01", tz="UTC"),
        "recommendation_id": None,
        "recommendation_followed": None,
    }
    return {**row, **changes}


def test_flatten_gives_each_key_a_column_and_a_role():
    failed = stored(
        id="2",
        context={"team": "b", "architecture": "x64"},
        approach_details={"prerequisites": ["vcredist"]},
        outcome_status="failure",
        failure_reasons=[{"code": "1603", "reason": "fatal_error"}, {"reason": "other"}],
        manual_interventions=[{"kind": "manual_click_through"}],
    )
    frame, roles = flatten_outcomes(pd.DataFrame([stored(), failed]))

    assert roles == Roles(
        approach=("silent_switch", "prerequisites"),
        context=("application_vendor", "application_type", "installer_type", "team", "architecture"),
    )
    assert frame["failure_reason"].fillna("none").tolist() == ["none", "fatal_error"]
    assert frame["needed_intervention"].tolist() == [False, True]
    assert frame["intervention_kind"].fillna("none").tolist() == ["none", "manual_click_through"]
    assert frame["prerequisites"].tolist() == [None, ["vcredist"]]
    assert condition_columns(frame, unit="application_name") == roles.conditions


def test_a_setting_named_like_a_context_column_is_told_apart():
    both = [stored(), stored(id="2", context={}, approach_details={"team": "chosen"})]
    frame, roles = flatten_outcomes(pd.DataFrame(both))

    assert "team (approach)" in roles.approach
    assert frame["team (approach)"].tolist() == [None, "chosen"]
    assert frame["team"].tolist() == ["a", None]


def test_values_become_categories_with_rare_and_missing_told_apart():
    frame = pd.DataFrame({"vendor": ["a"] * 5 + ["b"] * 3 + ["c"] + [None]})
    encoded = encode(frame, ["vendor"], min_count=3).frame["vendor"]

    assert encoded.tolist() == ["a"] * 5 + ["b"] * 3 + ["(other)", "(missing)"]


def test_numbers_are_cut_at_their_quantiles_and_new_ones_fall_into_the_same_bins():
    sizes = pd.DataFrame({"size": np.arange(100.0)})
    encoded = encode(sizes, ["size"], bins=4)

    # Quartiles of 0..99: 24.75, 49.5, 74.25 (numpy's linear rule).
    assert encoded.encoding.codes["size"].edges == (24.75, 49.5, 74.25)
    assert encoded.frame["size"].value_counts().to_list() == [25, 25, 25, 25]
    new = pd.DataFrame({"size": [-5.0, 24.75, 1e9, np.nan]})
    assert encoded.encoding.apply(new)["size"].tolist() == [
        "below 24.75",
        "24.75 to 49.5",
        "74.25 or more",
        "(missing)",
    ]


def test_few_different_numbers_and_truth_values_stay_values():
    frame = pd.DataFrame({"retries": [0.0, 1.0] * 10, "signed": [True, False] * 10})
    encoded = encode(frame, ["retries", "signed"]).frame

    assert encoded["retries"].tolist()[:2] == ["0", "1"]
    assert encoded["signed"].tolist()[:2] == ["yes", "no"]


def test_lists_give_a_yes_no_column_per_common_element():
    frame = pd.DataFrame({"needs": [["vc", "net"], ["vc"], [], None] * 5 + [["rare"]] * 2})
    encoded = encode(frame, ["needs"], min_count=5)

    assert list(encoded.frame) == ["needs: net", "needs: vc"]
    assert encoded.frame["needs: vc"].tolist()[:4] == ["yes", "yes", "no", "(missing)"]
    assert encoded.encoding.columns_of("needs") == ("needs: net", "needs: vc")


def test_arrays_as_parquet_returns_them_count_as_lists():
    frame = pd.DataFrame({"needs": [np.array(["vc"]), np.array(["net"])] * 6})
    assert list(encode(frame, ["needs"], min_count=3).frame) == ["needs: net", "needs: vc"]


def test_a_value_of_too_few_units_is_other():
    frame = pd.DataFrame({"app": ["x"] * 20 + list("abcdefghij"), "vendor": ["only x"] * 20 + ["many"] * 10})
    plain = encode(frame, ["vendor"], min_count=5).frame["vendor"]
    by_unit = encode(frame, ["vendor"], min_count=5, unit="app", min_units=5).frame["vendor"]

    assert set(plain) == {"only x", "many"}
    assert set(by_unit) == {"(other)", "many"}


def test_a_constant_column_says_nothing_and_is_left_out():
    frame = pd.DataFrame({"same": ["x"] * 20, "varies": ["a", "b"] * 10})
    assert list(encode(frame, ["same", "varies"]).frame) == ["varies"]


def test_an_encoding_survives_json_and_handles_unseen_and_absent():
    frame = pd.DataFrame({"vendor": ["a", "b"] * 10, "size": np.arange(20.0), "needs": [["x"], []] * 10})
    encoding = encode(frame, ["vendor", "size", "needs"], min_count=2).encoding
    again = Encoding.from_dict(encoding.to_dict())

    pd.testing.assert_frame_equal(again.apply(frame), encoding.apply(frame))
    unseen = again.apply(pd.DataFrame({"vendor": ["new"], "needs": [["y"]]}))
    assert unseen.iloc[0].to_dict() == {"vendor": "(other)", "size": "(missing)", "needs: x": "no"}


def test_the_order_of_the_rows_does_not_change_the_encoding():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"v": rng.choice(list("abcdefgh"), 300), "n": rng.normal(size=300)})
    shuffled = frame.sample(frac=1, random_state=2)

    assert (
        encode(frame, ["v", "n"], max_values=4).encoding
        == encode(shuffled, ["v", "n"], max_values=4).encoding
    )


def test_an_absent_column_is_named():
    with pytest.raises(KeyError, match="colour"):
        encode(pd.DataFrame({"a": [1]}), ["colour"])


def test_a_value_is_a_condition_from_ten_attempts_of_two_units_on():
    frame = pd.DataFrame(
        {
            "vendor": ["enough"] * 10 + ["few"] * 9 + ["alone"] * 30,
            "app": ["a", "b"] * 5 + list("abcabcabc") + ["a"] * 30,
        }
    )
    encoded = encode_conditions(frame, ["vendor"], unit="app").encoding
    assert encoded.codes["vendor"].levels == ("enough",)


def test_the_floors_are_lowered_to_what_a_finding_may_rest_on():
    assert FLOORS.at_most(30, 5) == FLOORS
    assert FLOORS.at_most(4, 1) == Floors(attempts=4, units=1)


def mixed_rows():
    random = np.random.default_rng(3)
    needs = [["vc"], ["vc", "net"], [], None]
    return pd.DataFrame(
        {
            "app": random.choice(list("abcdefgh"), 400),
            "vendor": random.choice(["common", "usual", "rare"], 400, p=[0.6, 0.38, 0.02]),
            "size": random.normal(size=400),
            "needs": pd.Series([needs[i] for i in random.integers(0, 4, 400)], dtype=object),
            "same": "x",
        }
    )


def test_a_learned_encoding_gives_what_learning_it_again_gives():
    frame, columns = mixed_rows(), ["needs", "vendor", "size", "same"]
    learned = learn_conditions(frame, ["vendor", "size", "needs", "same"], unit="app")

    again = encode_conditions(frame, columns, unit="app", encoding=learned)
    alone = encode_conditions(frame, columns, unit="app")
    assert again.encoding == alone.encoding
    pd.testing.assert_frame_equal(again.frame, alone.frame)
    assert list(again.frame) == ["needs: net", "needs: vc", "vendor", "size"]


def test_on_fewer_rows_a_learned_encoding_keeps_its_levels_and_drops_what_does_not_vary():
    frame = mixed_rows()
    learned = learn_conditions(frame, ["vendor", "size", "needs"], unit="app")
    few = frame[frame["needs"].map(lambda one: one == ["vc"]) & (frame["size"] > 0)].head(8)
    given = encode_conditions(few, ["vendor", "size", "needs"], unit="app", encoding=learned)

    assert list(given.frame) == ["vendor", "size"]
    assert list(given.encoding.codes) == ["vendor", "size"]
    assert set(given.frame["vendor"]) == set(few["vendor"])  # eight attempts are below the floor
    assert given.encoding.codes["size"] == learned.codes["size"]

    net = frame[frame["needs"].map(lambda one: one is not None and "vc" in one)]
    assert encode_conditions(net, ["needs"], unit="app", encoding=learned).encoding.codes["needs"].levels == (
        "net",
    )


def test_a_learned_encoding_does_not_hide_that_a_column_is_absent():
    frame = mixed_rows()
    learned = learn_conditions(frame, ["vendor"], unit="app")
    with pytest.raises(KeyError, match="vendor"):
        encode_conditions(frame.drop(columns="vendor"), ["vendor"], unit="app", encoding=learned)
