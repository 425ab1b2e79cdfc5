"""Tables on a terminal of 80 columns: names stay whole, and sentences have room."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from rich.console import Console

from memory_pipeline.analysis.alerts.metrics import ALERT_METRICS
from memory_pipeline.analysis.text import confidence_text
from memory_pipeline.cli import main, tables
from memory_pipeline.cli.monitor import _shown
from memory_pipeline.store.alert_rules import read_rules

SENTENCE = "With wrapper = psadt, attempts succeed more often than with any other, all else being equal."


@pytest.fixture
def factor():
    details = {"attempts_with_value": 1234, "attempts_with_reference": 56}
    row = {
        "id": "0123456789abcdef",
        "effectiveness": 0.081,
        "ci_low": 0.05,
        "ci_high": 0.11,
        "confidence": 0.987,
        "description": SENTENCE,
        "applicability_conditions": {},
        "implementation_details": details,
        "decided_by": None,
    }
    return pd.DataFrame([row])


@pytest.mark.parametrize(("width", "most_lines"), [(80, 5), (200, 2)])
def test_a_factor_keeps_its_sentence_and_numbers(factor, width, most_lines):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(tables.factors(factor, width=width))
    lines = captured.get().splitlines()
    assert len(lines) <= most_lines
    assert max(len(line) for line in lines) <= width
    for number in (confidence_text(0.987), "1,234", "56"):
        assert number in captured.get()


def test_names_of_rules_are_whole_at_80_columns(store, settings, monkeypatch, capsys):
    monkeypatch.setenv("MEMORY_HOME", str(settings.home))
    monkeypatch.setenv("MEMORY_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("COLUMNS", "80")
    main(["alerts", "rules"])
    words = capsys.readouterr().out.split()
    rules = read_rules(store)
    assert rules
    for rule in rules:
        assert rule["name"] in words
        assert rule["metric"] in words
        assert rule["metric"] in ALERT_METRICS


def test_rows_that_are_wider_than_the_terminal_are_blocks():
    frame = pd.DataFrame(
        {
            "month": ["2026-11", "2026-12"],
            "answers": [1_200, 3],
            "reported_share": [0.5, float("nan")],
            "reported_ci_low": [0.4, float("nan")],
            "reported_ci_high": [0.6, float("nan")],
            "seconds_median": [0.0001, 0.25],
        }
    )

    def printed(width):
        console = Console(width=width, file=io.StringIO())
        console.print(_shown(frame, width))
        return console.file.getvalue()

    assert "month    answers  reported share  95% interval  median (s)" in printed(100)
    narrow = printed(40)
    assert narrow.splitlines()[0].strip() == "2026-11"
    assert "answers 1,200" in narrow
    assert "95% interval 40% to 60%" in " ".join(narrow.split())
    assert "median (s) <0.001" in " ".join(narrow.split())
    assert narrow.count("reported share") == 1  # a share that is not known is left out
