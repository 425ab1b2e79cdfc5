"""Screening: the telling columns stay, the rest is named, and what is found is not more often false."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.features.screening import describe_left_out, screen_columns
from memory_pipeline.analysis.patterns import find_patterns


def wide(columns: int, *, seed: int = 0, effect: float = 0.0) -> pd.DataFrame:
    """1,000 attempts of 50 applications with columns of three random values; `c7 = A` adds to success."""
    rng = np.random.default_rng(seed)
    values = {f"c{number}": rng.choice(["A", "B", "C"], 1_000) for number in range(columns)}
    chance = 0.6 + effect * (values["c7"] == "A")
    return pd.DataFrame(
        {
            "application_name": [f"App {number % 50}" for number in range(1_000)],
            "outcome_status": np.where(rng.random(1_000) < chance, "success", "failure"),
            **values,
        }
    )


def conditions(frame: pd.DataFrame) -> list[str]:
    return [column for column in frame if column.startswith("c")]


def test_few_columns_all_stay() -> None:
    frame = wide(12)
    found = screen_columns(frame, conditions(frame), hits=is_success(frame), unit="application_name", most=12)
    assert (found.kept, found.left_out, found.share) == (tuple(conditions(frame)), (), 1.0)


def test_the_telling_column_stays_among_hundreds_and_the_others_are_named() -> None:
    frame = wide(300, effect=0.25)
    columns = conditions(frame)
    found = screen_columns(
        frame, columns, hits=is_success(frame), unit="application_name", most=10, always=["c250"]
    )
    assert {"c7", "c250"} <= set(found.kept)
    assert len(found.kept) == 10
    assert [column for column in columns if column in {*found.kept, *found.left_out}] == columns
    assert found.share == pytest.approx(10 / 300)
    assert describe_left_out(found.left_out).startswith("290: ")
    assert describe_left_out(found.left_out).endswith(" and 280 more")


def test_one_unit_that_has_a_value_by_itself_is_no_witness_for_many() -> None:
    """A value whose attempts all come from one always failing unit says less than one seen with all units."""
    frame = wide(20, effect=0.25)
    frame["c_of_one"] = np.where(frame["application_name"] == "App 3", "X", "Y")
    frame.loc[frame["application_name"] == "App 3", "outcome_status"] = "failure"
    found = screen_columns(frame, conditions(frame), hits=is_success(frame), unit="application_name", most=1)
    assert found.kept == ("c7",)


def test_a_search_of_hundreds_of_columns_ends_and_says_what_it_left_out() -> None:
    frame = wide(300, effect=0.35)
    found = find_patterns(frame, min_sample_size=30, max_columns=8)
    assert {"c7": "A"} in found["conditions"].tolist()
    assert len(found.attrs["left_out"]) == 292
    narrow = find_patterns(frame, min_sample_size=30, conditions=[f"c{number}" for number in range(8)])
    assert narrow.attrs["left_out"] == []


def test_the_choice_costs_error_rate() -> None:
    """The same columns, chosen from many, are found with a q-value as many times as large."""
    frame = wide(80, effect=0.2)
    chosen = find_patterns(frame, min_sample_size=30, max_columns=8)
    kept = [column for column in conditions(frame) if column not in chosen.attrs["left_out"]]
    alone = find_patterns(frame, min_sample_size=30, conditions=kept)
    q_values = [
        found.loc[[one == {"c7": "A"} for one in found["conditions"]], "q_value"].iloc[0]
        for found in (chosen, alone)
    ]
    assert q_values[0] == pytest.approx(min(1.0, 10 * q_values[1]), rel=1e-6)
