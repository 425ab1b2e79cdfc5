"""Format frames as tables for a terminal; nothing in here changes a value, only how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from memory_pipeline.analysis.text import confidence_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_WIDE = 140
_ROOM_FOR_NUMBERS = 120
"""Characters of a terminal from which on a sentence has room beside six columns."""
_STATUS_STYLES = {"success": "green", "failure": "red", "partial": "yellow"}
_TYPE_STYLES = {"success": "green", "failure": "red", "intervention": "yellow"}


def new_table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return an empty table; the columns named in `right` are aligned there."""
    table = Table(box=None, header_style="bold", pad_edge=False, expand=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def as_text(value: Any) -> str:
    """Return a value as text; empty where it is missing."""
    if value is None or value != value:  # noqa: PLR0124 - NaN differs from itself
        return ""
    return str(value)


def settings_text(settings: Mapping[str, Any] | None) -> str:
    """Return an approach or a context as one line: `detection_method=file, wrapper=psadt`."""
    if not settings:
        return ""
    return ", ".join(f"{key}={_setting(value)}" for key, value in settings.items())


def _setting(value: Any) -> str:
    if value is None:
        return "not set"
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def percent(value: float) -> str:
    """Return a share as whole per cent."""
    return f"{value:.0%}"


def points(value: float) -> str:
    """Return a difference of shares as signed percentage points."""
    return f"{100 * value:+.0f}".replace("-", "−")  # noqa: RUF001 - a minus sign


def _short_id(identity: str) -> str:
    """Return the beginning of an id: the commands take any beginning that only one id has."""
    return identity[:8]


def decision_text(finding: Mapping[str, Any] | pd.Series) -> str:
    """Return a person's decision and note about a finding: ` [confirm by ann: seen on ten machines]`."""
    if finding["decided_by"] is None:
        return ""
    said = " ".join(filter(None, (finding["decision"], f"by {finding['decided_by']}")))
    return f" [{said}: {finding['note']}]" if finding["note"] else f" [{said}]"


def outcomes(frame: pd.DataFrame, *, width: int) -> Table | Group:
    """Format recorded attempts: as a table where the terminal is wide enough, else a block for each."""
    table = new_table("when", "application", "installer", "status", "reason", "intervention", "approach")
    lines: list[Text | Padding] = []
    for _, row in frame.iterrows():
        reasons = ", ".join(str(one.get("reason") or "") for one in row["failure_reasons"] or [])
        kinds = ", ".join(str(one.get("kind") or "") for one in row["manual_interventions"] or [])
        when = f"{row['occurred_at']:%Y-%m-%d %H:%M}"
        name = f"{row['application_name']} {as_text(row['application_version'])}".strip()
        installer = as_text(row["installer_type"])
        status = Text(row["outcome_status"], style=_STATUS_STYLES[row["outcome_status"]])
        approach = Text(settings_text(row["approach_details"]), style="dim")
        if width >= _WIDE:
            texts = [Text(one) for one in (when, name, installer, reasons, kinds)]
            table.add_row(*texts[:3], status, *texts[3:], approach)
            continue
        happened = ", ".join(filter(None, (reasons, kinds)))
        head = Text(f"{when}  {name}{f' ({installer})' if installer else ''}: ")
        lines += [head + status + Text(f" ({happened})" if happened else ""), Padding(approach, (0, 0, 0, 4))]
    return table if width >= _WIDE else Group(*lines)


def patterns(frame: pd.DataFrame) -> Table:
    """Format patterns; their sentence has sample, effect and interval."""
    table = new_table("id", "type", "confidence", "q", "finding", right=("confidence", "q"))
    for _, row in frame.iterrows():
        retired = "" if row["active"] else f" (retired: {row['retired_reason']})"
        kept = " (not found by the newest rebuild)" if row["active"] and not row["is_found"] else ""
        table.add_row(
            _short_id(row["id"]),
            Text(row["pattern_type"], style=_TYPE_STYLES[row["pattern_type"]]),
            confidence_text(row["confidence"]),
            f"{row['impact']['q_value']:.2g}",
            Text(row["description"] + retired + kept + decision_text(row)),
        )
    return table


def pattern_history(frame: pd.DataFrame) -> Table:
    """Format the history of one pattern over the rebuilds."""
    columns = ("since", "points", "95% interval", "confidence", "q", "attempts", "units", "state")
    table = new_table(*columns, right=("points", "confidence", "q", "attempts", "units"))
    for _, row in frame.iterrows():
        table.add_row(
            f"{row['recorded_at']:%Y-%m-%d %H:%M}",
            points(row["risk_difference"]),
            f"{points(row['ci_low'])} to {points(row['ci_high'])}",
            confidence_text(row["confidence"]),
            f"{row['q_value']:.2g}",
            f"{row['sample_size']:,}",
            f"{row['units']:,}",
            Text("found" if row["is_found"] else f"not found: {row['absence_reason']}"),
        )
    return table


def associations(frame: pd.DataFrame) -> Table:
    """Format pairs of conditions: how strongly they are associated, and from how many attempts."""
    right = ("V", "q", "attempts", "worth", "group")
    table = new_table("V", "q", "attempts", "worth", "group", "conditions", right=right)
    for _, row in frame.iterrows():
        table.add_row(
            f"{row['cramers_v']:.2f}",
            f"{row['q_value']:.2g}",
            f"{row['attempts']:,}",
            f"{row['effective_attempts']:,.0f}",
            str(row["group"] or ""),
            Text(f"{row['column_a']} and {row['column_b']}", style="" if row["is_sure"] else "dim"),
        )
    return table


def pattern_overlaps(frame: pd.DataFrame) -> Table:
    """Format pairs of patterns that cover the same attempts."""
    table = new_table("shared", "inside", "attempts", "patterns", right=("shared", "inside", "attempts"))
    for _, row in frame.iterrows():
        names = [f"{row[f'pattern_{side}']} ({row[f'targets_{side}']})" for side in ("a", "b")]
        table.add_row(
            percent(row["jaccard"]),
            percent(row["inside"]),
            f"{row['attempts_both']:,}",
            Text("\n".join(names)),
        )
    return table


def predictability(frame: pd.DataFrame) -> Table:
    """Format how much each model explains of attempts that it was not fitted to."""
    right = ("explained", "AUC", "slope", "attempts")
    table = new_table(
        "predicted", "model", "explained", "95% interval", "AUC", "slope", "attempts", right=right
    )
    for _, row in frame.iterrows():
        slope = row["calibration_slope"]
        table.add_row(
            row["question"],
            row["model"],
            percent(row["brier_skill"]),
            f"{percent(row['ci_low'])} to {percent(row['ci_high'])}",
            f"{row['auc']:.2f}",
            "" if slope is None or slope != slope else f"{slope:.2f}",  # noqa: PLR0124 - NaN differs from itself
            f"{row['attempts']:,}",
        )
    return table


def factors(frame: pd.DataFrame, *, width: int) -> Table:
    """Format factors: adjusted change in percentage points with its interval, and where it applies.

    On a terminal whose `width` in characters is small, confidence and attempts stand below the sentence.
    """
    is_narrow = width < _ROOM_FOR_NUMBERS
    numbers = () if is_narrow else ("confidence", "attempts with", "against")
    table = new_table("id", "points", "95% interval", *numbers, "factor", right=("points", *numbers[1:]))
    for _, row in frame.iterrows():
        where = settings_text(row["applicability_conditions"])
        applies = f" Applies where {where}." if where else ""
        sentence = row["description"] + applies + decision_text(row)
        confidence = confidence_text(row["confidence"])
        details = row["implementation_details"]
        with_it, against = (f"{details[f'attempts_with_{side}']:,}" for side in ("value", "reference"))
        if is_narrow:
            sentence += f"\nConfidence {confidence}; attempts with {with_it}, against {against}."
        table.add_row(
            _short_id(row["id"]),
            Text(points(row["effectiveness"]), style="green" if row["effectiveness"] > 0 else "red"),
            f"{points(row['ci_low'])} to {points(row['ci_high'])}",
            *(() if is_narrow else (confidence, with_it, against)),
            Text(sentence),
        )
    return table


def recommendations(frame: pd.DataFrame) -> Table:
    """Format the recommendation table."""
    table = new_table(
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
            confidence_text(row["confidence"]),
            f"{row['sample_size']:,}",
            Text(settings_text(advised)) if advised else Text("not enough evidence", style="yellow"),
        )
    return table


def advice_changes(frame: pd.DataFrame) -> Group:
    """Format changes of the advice, each as a block: approaches are long."""
    lines: list[Text | Table] = []
    for _, row in frame.iterrows():
        context = settings_text(row["conditions"]) or "any application"
        lines.append(Text(f"{row['changed_at']:%Y-%m-%d %H:%M}  {context}: {row['change']}"))
        below = Table.grid(padding=(0, 2))
        for name in ("before", "after"):
            said = f"{_approach(row[name])} ({percent(row[f'success_rate_{name}'])})"
            below.add_row("", name, Text(said))
        below.add_row("", "why", Text(row["why"]))
        lines.append(below)
    return Group(*lines)


def verifications(frame: pd.DataFrame) -> Table:
    """Format the verifications of the advice."""
    table = new_table(
        "verified", "verdict", "finding", "followed", "not followed", "withheld", right=("followed",)
    )
    for _, row in frame.iterrows():
        table.add_row(
            f"{row['verified_at']:%Y-%m-%d %H:%M}",
            row["verdict"],
            Text(row["reason"]),
            f"{row['followed']:,}",
            f"{row['not_followed']:,}",
            f"{row['control']:,}",
        )
    return table


def _approach(approach: Any) -> str:
    return settings_text(approach) if approach else "no advice"


def learning(frame: pd.DataFrame) -> Table:
    """Format learning measures by month; of their history also when each was measured."""
    is_history = "recorded_at" in frame
    names = ["measure", "part", "month", "value", "95% interval", "sample"]
    table = new_table(*names, *(["measured"] if is_history else []), right=("value", "sample"))
    for _, row in frame.iterrows():
        part = f"{row['segment_column']}={row['segment_value']}" if row["segment_column"] else "all"
        interval = "" if as_text(row["ci_low"]) == "" else f"{row['ci_low']:.3f} to {row['ci_high']:.3f}"
        when = [f"{row['recorded_at']:%Y-%m-%d %H:%M}"] if is_history else []
        table.add_row(
            row["measure"],
            Text(part),
            f"{row['period_start']:%Y-%m}",
            f"{row['value']:.3f}",
            interval,
            f"{row['sample_size']:,}",
            *when,
        )
    return table


def sentences(said: Mapping[str, str]) -> Table:
    """Format one sentence for each of several things."""
    table = Table.grid(padding=(0, 2))
    for name, sentence in said.items():
        table.add_row(name.replace("_", " "), Text(sentence))
    return table


def success_by_month(frame: pd.DataFrame) -> Table:
    """Format the success rate of all attempts by month, as a bar with its interval."""
    table = new_table("month", "success", "95% interval", "", "attempts", right=("success", "attempts"))
    for _, row in frame[frame["segment_column"] == ""].iterrows():
        table.add_row(
            f"{row['period_start']:%Y-%m}",
            percent(row["value"]),
            f"{percent(row['ci_low'])} to {percent(row['ci_high'])}",
            Text("█" * round(40 * row["value"]), style="green"),
            f"{row['sample_size']:,}",
        )
    return table


def status(state: dict[str, Any]) -> Table:
    """Format the status."""
    table = Table(box=None, show_header=False, pad_edge=False)
    sentences = state["learning"]
    for key, value in ((key, value) for key, value in state.items() if key != "learning"):
        if isinstance(value, dict):
            text = ", ".join(f"{name} {_count(one)}" for name, one in value.items()) or "none"
        else:
            text = "never" if value is None else _count(value)
        if key == "names_that_look_alike" and value:
            text += '; see `memory-pipeline show names --why "looks alike"`, decide with `decide name`'
        table.add_row(Text(key.replace("_", " "), style="bold"), Text(text))
    for measure, sentence in sentences.items():
        table.add_row(Text(measure.replace("_", " "), style="bold"), Text(sentence))
    return table


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
