"""Why a known pattern is not found: each reason where it is the true one."""

from __future__ import annotations

import pandas as pd
import pytest

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.names import OUTCOME
from memory_pipeline.analysis.patterns.retirement import explain_absence


@pytest.fixture(scope="module")
def evidence():
    # 40 attempts with x = a (30 succeed), 40 with x = b (10 succeed), 5 with x = c; z splits off one unit.
    rows = [("a", "u", s, n % 8) for n, s in enumerate(["success"] * 30 + ["failure"] * 10)]
    rows += [("b", "u", s, n % 8) for n, s in enumerate(["success"] * 10 + ["failure"] * 30)]
    rows += [("c", "v", "success", 1)] * 5 + [("a", "v", "success", 1)] * 30
    frame = pd.DataFrame(rows, columns=["x", "z", "status", "application_name"])
    frame[OUTCOME] = frame["status"] + ";;"
    return count_evidence(frame, conditions=["x", "z"], outcome=OUTCOME, unit="application_name")


@pytest.mark.parametrize(
    ("conditions", "changes", "reason"),
    [
        ({"y": "a"}, {}, "its column is gone: y"),
        ({"x": "d"}, {}, "its value is gone: x = d"),
        ({"x": "a"}, {"target": "partial"}, "its target is gone: partial"),
        ({"x": "c"}, {}, "below the sample: 5 attempts match, MEMORY_MIN_SAMPLE_SIZE is 30"),
        ({"z": "u"}, {"min_sample_size": 40}, "below the sample: 35 attempts do not match"),
        ({"x": "a", "z": "v"}, {}, "below the sample: 1 units, MEMORY_MIN_UNITS is 5"),
        ({"x": "b"}, {}, "leans the other way: success 25.0% over 40 attempts of 8 units, 86.7% over"),
        ({"x": "a"}, {}, "no longer significant: success 85.7% over 70 attempts of 8 units, 33.3% over"),
    ],
)
def test_the_reason_is_the_true_one(evidence, conditions, changes, reason):
    pattern = {
        "conditions": conditions,
        "target": changes.get("target", "success"),
        "pattern_type": "success",
    }
    said = explain_absence(
        evidence,
        pattern,
        searched={"success"},
        min_sample_size=changes.get("min_sample_size", 30),
        min_units=5,
    )
    assert said.startswith(reason)
