"""The quick start with a data frame alone runs as it stands, in the README and in the tutorial."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PROJECT = Path(__file__).resolve().parents[1]
QUICK_START = re.compile(r"```python\n(import pandas(?:(?!```).)*?find_patterns.*?)```", re.DOTALL)
MOST_LINES = 10


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_the_quick_start_finds_what_was_planted(page, tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(5)
    attempts = pd.DataFrame(
        {
            "application_name": [f"application {one % 60}" for one in range(1_800)],
            "occurred_at": pd.date_range("2025-01-01", periods=1_800, freq="4h", tz="UTC"),
            "tool": random.choice(["msi", "exe"], 1_800),
            "colour": random.choice(["red", "green"], 1_800),
        }
    )
    chance = np.where(attempts["tool"] == "msi", 0.9, 0.6)
    attempts["outcome_status"] = np.where(random.random(1_800) < chance, "success", "failure")
    attempts.to_csv(tmp_path / "attempts.csv", index=False)
    monkeypatch.chdir(tmp_path)
    code = QUICK_START.search((PROJECT / page).read_text(encoding="utf-8"))[1]
    assert len([line for line in code.splitlines() if line]) <= MOST_LINES
    exec(compile(code, page, "exec"), {})  # noqa: S102 - the document's own example
    said = capsys.readouterr().out
    assert "tool is msi" in said or "tool is exe" in said  # one comparison, named by either side
    assert "60 applications" in said
    assert "colour" not in said
