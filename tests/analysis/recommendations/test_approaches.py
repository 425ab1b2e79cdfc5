"""Equal approaches are written equally."""

import numpy as np
import pandas as pd

from memory_pipeline.analysis.recommendations.approaches import approach_text, number_approaches


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


def test_true_and_one_are_different_settings():
    frame = pd.DataFrame(
        {"reboot": [True, 1, "no", np.True_, 1.0], "codes": [[1], [True], [True], [1], [True]]}, dtype=object
    )
    texts, codes = number_approaches(frame, ["reboot", "codes"])
    assert [texts[code] for code in codes] == [
        '{"codes": [1], "reboot": true}',
        '{"codes": [true], "reboot": 1}',
        '{"codes": [true], "reboot": "no"}',
        '{"codes": [1], "reboot": true}',
        '{"codes": [true], "reboot": 1}',
    ]
    assert approach_text({"codes": [1, True]}) == '{"codes": [1, true]}'


def test_settings_with_names_are_written_in_their_order():
    one = {"retries": 2, "on": ["b", "a"]}
    frame = pd.DataFrame({"policy": [one, {"on": ["a", "b"], "retries": 2.0}, {"retries": 3}, None, {}, []]})
    texts, codes = number_approaches(frame, ["policy"])
    assert [texts[code] for code in codes] == [
        '{"policy": {"on": ["a", "b"], "retries": 2}}',
        '{"policy": {"on": ["a", "b"], "retries": 2}}',
        '{"policy": {"retries": 3}}',
        "{}",
        '{"policy": {}}',
        '{"policy": []}',
    ]
    assert approach_text({"steps": [one, {"retries": 3}, dict(reversed(one.items()))]}) == (
        '{"steps": [{"on": ["a", "b"], "retries": 2}, {"retries": 3}]}'
    )
