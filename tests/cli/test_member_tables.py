"""How merged labels look in a terminal."""

from __future__ import annotations

import pandas as pd
from rich.console import Console

from memory_pipeline.cli import label_tables


def test_every_kind_of_change_can_be_told_apart():
    rows = [
        ("JS", "JavaScript", "vocabulary"),
        ("Intranet)", None, "was broken at a comma"),
        ("none", float("nan"), "says nothing"),
        ("Visualizaton", "Visualization", "looks alike"),
    ]
    frame = pd.DataFrame(rows, columns=["raw_label", "label", "why"]).assign(field="skills", members=3)
    console = Console(width=120, record=True, file=None)
    with console.capture() as captured:
        console.print(label_tables.labels(frame))
    lines = captured.get().splitlines()[1:]
    assert [line.split("  ")[0] for line in lines] == ["skills"] * 4
    shown = [" ".join(line.split()) for line in lines]
    assert shown == [
        "skills JS JavaScript vocabulary 3",
        "skills Intranet) part of the whole label was broken at a comma 3",
        "skills none nothing says nothing 3",
        "skills Visualizaton (Visualization?) looks alike 3",
    ]
