"""What assets show of themselves: bounded, and text that stands for itself."""

from __future__ import annotations

from datetime import UTC, datetime

import altair as alt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from memory_pipeline.pipeline.metadata import (
    CELL_CHARACTERS,
    column_schema,
    escape,
    frame_types,
    markdown_table,
    picture,
    preview,
)

MARKDOWN = MarkdownIt("commonmark").enable("table")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_escaped_text_renders_as_the_text_itself(text: str) -> None:
    wanted = " ".join(text.split())
    row = MARKDOWN.parse(f"| a |\n| --- |\n| {escape(text)} |")
    cell = [token for token in row if token.type == "inline"][-1]
    assert cell.children is not None
    assert {child.type for child in cell.children} <= {"text", "text_special"}
    assert "".join(child.content for child in cell.children).strip() == wanted.strip()


def test_a_table_has_one_line_per_row_and_rounds_numbers() -> None:
    table = markdown_table(
        [
            {
                "name": "a|b",
                "share": 0.123456,
                "rows": 12345,
                "ok": True,
                "at": datetime(2025, 1, 2, tzinfo=UTC),
            },
            {"name": None, "share": np.nan, "rows": 1, "ok": False, "at": pd.NaT},
        ]
    )
    assert table.splitlines() == [
        "| name | share | rows | ok | at |",
        "| --- | ---: | ---: | --- | --- |",
        r"| a\|b | 0.1235 | 12,345 | yes | 2025-01-02 00:00 |",
        "|  |  | 1 | no |  |",
    ]


def test_settings_and_tiny_numbers_are_written_short() -> None:
    rows = [{"approach": {"tools": ["a", "b"], "quiet": True}, "q": 1.2345e-18, "size": 123456.7}]
    assert markdown_table(rows).splitlines()[-1] == "| tools = a and b, quiet = yes | 1.2e-18 | 123,457 |"


def test_no_rows_are_said() -> None:
    assert markdown_table([]) == "*no rows*"


def test_a_preview_is_bounded_and_says_what_is_left_out() -> None:
    frame = pd.DataFrame({f"column {number}": ["x" * 500] * 1000 for number in range(50)})
    shown = preview(frame).md_str or ""
    assert shown.count("\n| x") == 10
    assert shown.count("column") == 12
    assert (
        max(len(cell.strip()) for line in shown.splitlines() for cell in line.split("|")) <= CELL_CHARACTERS
    )
    assert shown.endswith("*and 990 more rows*")


def test_columns_of_a_table_come_with_type_description_and_constraints() -> None:
    columns = {one.name: one for one in column_schema("packaging_outcomes").columns}
    assert columns["approach_details"].type == "jsonb"
    assert "advised" in (columns["approach_details"].description or "")
    assert not columns["outcome_status"].constraints.nullable
    assert columns["id"].constraints.unique


def test_columns_of_a_frame_that_the_contract_does_not_name_are_conditions() -> None:
    types = frame_types(pd.DataFrame({"id": ["a"], "silent": [True]}))
    columns = column_schema("outcome_features", types).columns
    assert [(one.name, one.description) for one in columns] == [
        ("id", "The attempt."),
        ("silent", "A condition."),
    ]


def test_a_picture_that_cannot_be_drawn_says_so_and_fails_nothing() -> None:
    def too_large(rows: int) -> alt.Chart:
        raise ValueError(f"{rows} rows are <too many>")

    assert picture(too_large, 7).md_str == (
        r"*The picture could not be drawn (ValueError: 7 rows are &lt;too many&gt;). The table is complete.*"
    )
    broken = alt.Chart(pd.DataFrame({"a": [1]})).mark_bar().transform_calculate("b", "(")
    assert "could not be drawn" in (picture(lambda: broken).md_str or "")
    drawn = picture(lambda data: alt.Chart(data).mark_bar().encode(x="a:Q"), pd.DataFrame({"a": [1]}))
    assert (drawn.md_str or "").startswith("![chart](data:image/png;base64,")


def test_control_characters_are_left_out() -> None:
    assert escape("a\x00b\x1bc\ud800d\r\ne") == "abcd e"


@pytest.mark.parametrize(
    "value", ["<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "![x](http://x)"]
)
def test_markup_in_data_stays_text(value: str) -> None:
    html = MARKDOWN.render(markdown_table([{"value": value}]))
    assert "<img" not in html
    assert "<a " not in html
