"""Format members, what they have in common, and labels and names that count as one, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memory_pipeline.cli.tables import as_text, decision_text, new_table

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


def members(frame: pd.DataFrame) -> Table:
    """Format member profiles."""
    table = new_table("id", "name", "skills", "interests")
    for _, row in frame.iterrows():
        name = as_text(row["name"]) or row["source_record_id"]
        table.add_row(
            str(row["id"]), Text(name), Text(", ".join(row["skills"])), Text(", ".join(row["interests"]))
        )
    return table


def member_patterns(frame: pd.DataFrame) -> Table:
    """Format member patterns with their evidence and questions."""
    table = new_table(
        "id",
        "category",
        "members",
        "chance",
        "lift",
        "pattern",
        "questions",
        right=("id", "members", "chance", "lift"),
    )
    for _, row in frame.iterrows():
        evidence = row["evidence"] or {}
        expected, lift = evidence.get("expected"), evidence.get("lift")
        state = "" if row["is_active"] else " (not active)"
        table.add_row(
            str(row["id"]),
            row["category"].replace("_", " "),
            str(row["member_count"]),
            "" if expected is None else f"{expected:.1f}",
            "" if lift is None else f"{lift:.1f}",
            Text(f"{row['name']}{state}\n{row['description']}{decision_text(row)}\n"),
            Text("\n".join(row["question_prompts"]) + "\n"),
        )
    return table


def questions(frame: pd.DataFrame) -> Table:
    """Format questions with whom to ask and why."""
    table = new_table("question", "ask", "because it", "pattern")
    for _, row in frame.iterrows():
        table.add_row(*(Text(row[name]) for name in ("question", "audience", "why", "pattern_name")))
    return table


def labels(frame: pd.DataFrame) -> Table:
    """Format labels as they were written and as they are read."""
    table = new_table("field", "written", "read as", "why", "members", right=("members",))
    for _, row in frame.iterrows():
        read = as_text(row["label"])
        if not read:
            read = "part of the whole label" if row["why"] == "was broken at a comma" else "nothing"
        elif row["why"] == "looks alike":
            read = f"({read}?)"
        table.add_row(row["field"], Text(row["raw_label"]), Text(read), row["why"], str(row["members"]))
    return table


def names(frame: pd.DataFrame) -> Table:
    """Format names as they were recorded and as they are read."""
    table = new_table("column", "recorded", "read as", "why", "attempts", right=("attempts",))
    for _, row in frame.iterrows():
        read = f"({row['name']}?)" if row["why"] == "looks alike" else row["name"]
        texts = row["column_name"], row["raw_name"], read, row["why"], f"{row['attempts']:,}"
        table.add_row(*map(Text, texts))
    return table


def name_decisions(frame: pd.DataFrame) -> Table:
    """Format what persons decided about names."""
    table = new_table("when", "column", "name", "decision", "other name", "by", "note")
    for _, row in frame.iterrows():
        texts = [as_text(row[one]) for one in ("column_name", "name", "decision", "other_name", "decided_by")]
        table.add_row(f"{row['decided_at']:%Y-%m-%d}", *map(Text, texts), Text(as_text(row["note"])))
    return table
