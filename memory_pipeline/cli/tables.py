"""Frames as tables for a terminal; nothing in here changes what is said, only how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_STATUS_STYLES = {"success": "green", "failure": "red", "partial": "yellow"}
_TYPE_STYLES = {"success": "green", "failure": "red", "intervention": "yellow"}


def _table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, expand=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def _text(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 - not a number is not itself
        return ""
    return str(value)


def settings_text(settings: Mapping[str, Any] | None) -> str:
    """Write an approach or a context in one line: `detection_method=file, wrapper=psadt`."""
    if not settings:
        return ""
    return ", ".join(f"{key}={_setting(value)}" for key, value in settings.items())


def _setting(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def percent(value: float) -> str:
    """Write a share as whole per cent."""
    return f"{value:.0%}"


def points(value: float) -> str:
    """Write a difference of shares as signed percentage points."""
    return f"{100 * value:+.0f}".replace("-", "−")  # noqa: RUF001 - a minus sign


def outcomes(frame: pd.DataFrame) -> Table:
    """Lay out recorded attempts."""
    table = _table("when", "application", "installer", "status", "reason", "intervention", "approach")
    for _, row in frame.iterrows():
        reasons = [str(one.get("reason") or "") for one in row["failure_reasons"] or []]
        kinds = [str(one.get("kind") or "") for one in row["manual_interventions"] or []]
        name = f"{row['application_name']} {_text(row['application_version'])}".strip()
        table.add_row(
            f"{row['occurred_at']:%Y-%m-%d %H:%M}",
            Text(name),
            _text(row["installer_type"]),
            Text(row["outcome_status"], style=_STATUS_STYLES[row["outcome_status"]]),
            Text(", ".join(reasons)),
            Text(", ".join(kinds)),
            Text(settings_text(row["approach_details"]), style="dim"),
        )
    return table


def patterns(frame: pd.DataFrame) -> Table:
    """Lay out patterns: the sentence carries sample, effect and interval."""
    table = _table("type", "confidence", "q", "finding", right=("confidence", "q"))
    for _, row in frame.iterrows():
        table.add_row(
            Text(row["pattern_type"], style=_TYPE_STYLES[row["pattern_type"]]),
            f"{row['confidence']:.2f}",
            f"{row['impact']['q_value']:.2g}",
            Text(row["description"]),
        )
    return table


def factors(frame: pd.DataFrame) -> Table:
    """Lay out factors: adjusted change in percentage points with its interval, and where it applies."""
    table = _table("points", "95% interval", "confidence", "attempts", "factor", right=("points", "attempts"))
    for _, row in frame.iterrows():
        where = settings_text(row["applicability_conditions"])
        table.add_row(
            Text(points(row["effectiveness"]), style="green" if row["effectiveness"] > 0 else "red"),
            f"{points(row['ci_low'])} to {points(row['ci_high'])}",
            f"{row['confidence']:.2f}",
            f"{row['sample_size']:,}",
            Text(row["description"] + (f" Applies where {where}." if where else "")),
        )
    return table


def recommendations(frame: pd.DataFrame) -> Table:
    """Lay out the recommendation table."""
    table = _table(
        "context",
        "expected",
        "95% interval",
        "confidence",
        "attempts",
        "approach",
        right=("expected", "attempts"),
    )
    for _, row in frame.iterrows():
        advised = row["recommended_approach"]
        table.add_row(
            Text(settings_text(row["conditions"])),
            percent(row["success_rate"]),
            f"{percent(row['ci_low'])} to {percent(row['ci_high'])}",
            f"{row['confidence']:.2f}",
            f"{row['sample_size']:,}",
            Text(settings_text(advised)) if advised else Text("not enough evidence", style="yellow"),
        )
    return table


def learning(frame: pd.DataFrame) -> Table:
    """Lay out learning measures by month."""
    table = _table(
        "measure", "part", "month", "value", "95% interval", "attempts", right=("value", "attempts")
    )
    for _, row in frame.iterrows():
        part = f"{row['segment_column']}={row['segment_value']}" if row["segment_column"] else "all"
        interval = "" if row["ci_low"] is None else f"{row['ci_low']:.3f} to {row['ci_high']:.3f}"
        table.add_row(
            row["measure"],
            Text(part),
            f"{row['period_start']:%Y-%m}",
            f"{row['value']:.3f}",
            interval,
            f"{row['sample_size']:,}",
        )
    return table


def success_by_month(frame: pd.DataFrame) -> Table:
    """Lay out the success rate of the whole by month, as a bar with its interval."""
    table = _table("month", "success", "95% interval", "", "attempts", right=("success", "attempts"))
    for _, row in frame[frame["segment_column"] == ""].iterrows():
        table.add_row(
            f"{row['period_start']:%Y-%m}",
            percent(row["value"]),
            f"{percent(row['ci_low'])} to {percent(row['ci_high'])}",
            Text("█" * round(40 * row["value"]), style="green"),
            f"{row['sample_size']:,}",
        )
    return table


def members(frame: pd.DataFrame) -> Table:
    """Lay out member profiles."""
    table = _table("id", "name", "skills", "interests")
    for _, row in frame.iterrows():
        name = _text(row["name"]) or row["source_record_id"]
        table.add_row(
            str(row["id"]), Text(name), Text(", ".join(row["skills"])), Text(", ".join(row["interests"]))
        )
    return table


def member_patterns(frame: pd.DataFrame) -> Table:
    """Lay out member patterns with their evidence and questions."""
    table = _table(
        "category", "members", "chance", "lift", "pattern", "questions", right=("members", "chance", "lift")
    )
    for _, row in frame.iterrows():
        evidence = row["evidence"] or {}
        expected, lift = evidence.get("expected"), evidence.get("lift")
        table.add_row(
            row["category"].replace("_", " "),
            str(row["member_count"]),
            "" if expected is None else f"{expected:.1f}",
            "" if lift is None else f"{lift:.1f}",
            Text(f"{row['name']}\n{row['description']}\n"),
            Text("\n".join(row["question_prompts"]) + "\n"),
        )
    return table


def questions(frame: pd.DataFrame) -> Table:
    """Lay out questions with whom to ask and why."""
    table = _table("question", "ask", "because it", "pattern")
    for _, row in frame.iterrows():
        table.add_row(*(Text(row[name]) for name in ("question", "audience", "why", "pattern_name")))
    return table


def labels(frame: pd.DataFrame) -> Table:
    """Lay out labels as they were written and as they are read."""
    table = _table("field", "written", "read as", "why", "members", right=("members",))
    for _, row in frame.iterrows():
        read = _text(row["label"])
        if not read:
            read = "part of the whole label" if row["why"] == "was broken at a comma" else "nothing"
        elif row["why"] == "looks alike":
            read = f"({read}?)"
        table.add_row(row["field"], Text(row["raw_label"]), Text(read), row["why"], str(row["members"]))
    return table


def status(state: dict[str, Any]) -> Table:
    """Lay out the status."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for key, value in state.items():
        if isinstance(value, dict):
            text = ", ".join(f"{name} {_count(one)}" for name, one in value.items()) or "none"
        else:
            text = "never" if value is None else _count(value)
        table.add_row(Text(key.replace("_", " "), style="bold"), Text(text))
    return table


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
