"""Evidence of others, recoded to one's own encoding."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.evidence import Evidence, count_evidence
from memory_pipeline.analysis.evidence.foreign import recode_foreign
from memory_pipeline.analysis.features.encoding import ColumnCode, Encoding

MINE = Encoding(
    {
        "vendor": ColumnCode("categories", ("a", "b")),
        "size": ColumnCode("bins", ("below 10", "10 to 20", "20 or more"), (10.0, 20.0)),
        "tags": ColumnCode("elements", ("signed", "large")),
        "region": ColumnCode("categories", ("north", "south")),
    }
)
THEIRS = Encoding(
    {
        "vendor": ColumnCode("categories", ("a", "c")),
        "size": ColumnCode("bins", ("below 5", "5 to 12", "12 to 20", "20 or more"), (5.0, 12.0, 20.0)),
        "tags": ColumnCode("elements", ("signed",)),
        "weather": ColumnCode("categories", ("rain",)),
    }
)


def counted() -> Evidence:
    frame = pd.DataFrame(
        {
            "vendor": ["a", "c", "(missing)", "a", "a"],
            "size": ["below 5", "5 to 12", "12 to 20", "20 or more", "(other)"],
            "tags: signed": ["yes", "no", "(other)", "(missing)", "yes"],
            "weather": ["rain", "(other)", "rain", "rain", "rain"],
            "outcome": ["success;;"] * 5,
            "unit": ["u1", "u2", "u3", "u4", "u5"],
            "month": ["2025-01"] * 5,
        }
    )
    conditions = ["vendor", "size", "tags: signed", "weather"]
    return count_evidence(frame, conditions=conditions, outcome="outcome", unit="unit", period="month")


def test_values_become_those_that_this_memory_tells_apart() -> None:
    recoded = recode_foreign(counted(), THEIRS, MINE, source="s")
    rows = recoded.to_rows().sort_values("unit").astype(str)
    expected = {
        "unit": [f"\x1fs\x1fu{number}" for number in range(1, 6)],
        "condition: vendor": ["a", "(other)", "(missing)", "a", "a"],
        # 5 to 12 lies in two of ours.
        "condition: size": ["below 10", "(other)", "10 to 20", "20 or more", "(other)"],
        "condition: tags: signed": ["yes", "no", "(other)", "(missing)", "yes"],
        "condition: tags: large": ["(other)"] * 5,
        "condition: region": ["(other)"] * 5,
    }
    assert {name: list(rows[name]) for name in expected} == expected
    assert recoded.conditions == ("vendor", "size", "tags: signed", "tags: large", "region")
    assert recoded.n.sum() == 5


def test_units_of_one_name_stay_apart_and_each_row_knows_its_source() -> None:
    evidence = counted()
    merged = recode_foreign(evidence, THEIRS, MINE, source="b").merge(
        recode_foreign(evidence, THEIRS, MINE, source="a")
    )
    own = recode_foreign(evidence, THEIRS, MINE, source="x")
    unit = own.columns["unit"]
    own.columns["unit"] = type(unit)(tuple(f"u{n}" for n in range(1, 6)), unit.codes)  # type: ignore[index]
    both = own.merge(merged)
    assert len(both.codes("unit")[1]) == 15
    assert np.bincount(both.sources, weights=both.n).tolist() == [5, 5, 5]
    # Own units are the first source, whatever the others are called.
    assert set(np.array(both.codes("unit")[1])[both.codes("unit")[0][both.sources == 0]]) == {
        f"u{number}" for number in range(1, 6)
    }


def test_evidence_without_a_unit_is_refused() -> None:
    frame = pd.DataFrame({"vendor": ["a", "b"], "outcome": ["success;;"] * 2})
    evidence = count_evidence(frame, conditions=["vendor"], outcome="outcome")
    with pytest.raises(ValueError, match="has no unit"):
        recode_foreign(evidence, THEIRS, MINE, source="s")
