"""Equal approaches are written equally."""

import numpy as np
import pandas as pd

from memory_pipeline.analysis.approaches import approach_text, number_approaches


def test_text_forgets_order_repetition_and_what_is_not_stated():
    one = approach_text({"b": ["y", "x", "x"], "a": np.True_, "c": None, "d": float("nan"), "e": 3.0})
    other = approach_text({"e": 3, "a": True, "b": ("x", "y")})
    assert one == other == '{"a": true, "b": ["x", "y"], "e": 3}'


def test_attempts_are_numbered_by_their_approach():
    frame = pd.DataFrame(
        {
            "switch": ["/S", "/qn", "/S", None],
            "closes": [["b", "a"], None, ["a", "b"], []],
            "retries": [1, np.nan, 1, 2.5],
        }
    )
    texts, codes = number_approaches(frame, ["switch", "closes", "retries"])
    rows = [
        '{"closes": ["a", "b"], "retries": 1, "switch": "/S"}',
        '{"switch": "/qn"}',
        '{"closes": ["a", "b"], "retries": 1, "switch": "/S"}',
        '{"closes": [], "retries": 2.5}',
    ]
    assert [texts[code] for code in codes] == rows
    assert texts == sorted(set(rows))


def test_no_settings_are_one_approach():
    assert number_approaches(pd.DataFrame({"a": [1, 2]}), [])[0] == ["{}"]
