"""The quick start of the README with a data frame alone runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_quick_start_finds_what_was_planted(tmp_path, monkeypatch, capsys):
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
    code = re.search(r"```python\n(.*?find_patterns.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - the document's own example
    said = capsys.readouterr().out
    assert "tool is msi" in said or "tool is exe" in said  # one comparison, named by either side
    assert "60 applications" in said
    assert "colour" not in said
