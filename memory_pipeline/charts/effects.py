"""Draw forest charts: what goes with success, what changes it, and what to expect of the advice.

At most a page of findings is drawn; the subtitle says how many are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from memory_pipeline.analysis.names import MISSING
from memory_pipeline.analysis.text import condition_text, name_settings
from memory_pipeline.charts.forest import Kind, Style, forest, left_out, scale_around
from memory_pipeline.charts.theme import BLUE, INK, MUTED, PURPLE, VERMILION, Chart, finish, no_data, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOT_ANALYSED = "If nothing was analysed yet, run `memory-pipeline rebuild`."
PATTERN_KINDS = {
    "success": Kind(BLUE, "circle"),
    "failure": Kind(VERMILION, "square"),
    "intervention": Kind(PURPLE, "diamond"),
}
RAISES, LOWERS, UNCLEAR, CRUDE = "raises success", "lowers success", "not shown", "unadjusted"
FACTOR_KINDS = {
    RAISES: Kind(BLUE, "circle"),
    LOWERS: Kind(VERMILION, "square"),
    UNCLEAR: Kind(MUTED, "circle"),
    CRUDE: Kind(INK, "diamond"),
}
ADVICE, NO_ADVICE = "advice", "not enough evidence"
_TARGETS = {
    "success": "Share of attempts that succeed",
    "failure": "Share of attempts that fail",
    "partial": "Share of attempts that succeed only in part",
    "intervention": "Share of attempts that need a person to step in",
}
_ONE_RESULT = "Share of attempts with one failure reason, or one kind of intervention"
_WHOLE_RANGE = 1.999
"""Width of the interval of an effect about which nothing is known (-1 to 1)."""


def pattern_effects(patterns: pd.DataFrame, *, limit: int = 20) -> Chart:
    """Draw how much more or less often the attempts of each pattern end in its target than all others.

    Parameters
    ----------
    patterns
        Rows of `pattern_identifications` (or of `find_patterns`), shape (patterns, any). Retired ones are
        left out.
    limit
        Most patterns drawn: the most confident, of equal confidence those with the larger effect.

    Returns
    -------
    Chart
        One block for success, for failure and for interventions, and one for single reasons and kinds;
        in each the largest difference is at the top.
    """
    title = "Patterns: what goes with success, failure and interventions"
    if "active" in patterns:
        patterns = patterns[patterns["active"].astype(bool)]
    if patterns.empty:
        return no_data(title, f"No data yet: no pattern has held up so far. {_NOT_ANALYSED}")
    rows = pd.DataFrame([_pattern_row(row) for row in _records(patterns)])
    rows["size"] = rows["points"].abs()
    shown = rows.sort_values(["confidence", "size"], ascending=False, kind="stable").head(limit)
    style = Style(
        kinds={name: kind for name, kind in PATTERN_KINDS.items() if name in set(shown["kind"])},
        domain=scale_around(shown["low"], shown["high"]),
        axis_title="difference from all other attempts (percentage points)",
        note_title="inside · outside · attempts",
        legend_title="pattern of",
    )
    headings = [heading for heading in (*_TARGETS.values(), _ONE_RESULT) if heading in set(shown["heading"])]
    blocks = [
        forest(
            shown[shown["heading"] == heading].sort_values("points", ascending=False, kind="stable"),
            style,
            title=heading,
            is_last=heading == headings[-1],
        )
        for heading in headings
    ]
    counts = [(rows["kind"] == name).sum() for name in PATTERN_KINDS]
    parts = [f"{count} of {name}" for name, count in zip(PATTERN_KINDS, counts, strict=True) if count]
    return finish(
        alt.vconcat(*blocks, spacing=18),
        f"{_counted(len(rows), 'pattern')}: {', '.join(parts)}",
        "Point: share inside the pattern less share outside; line: its 95% interval. "
        "A pattern goes with its result; it need not cause it."
        + left_out(len(rows), len(shown), "the most confident"),
    )


def factor_effects(factors: pd.DataFrame, *, limit: int = 20) -> Chart:
    """Draw what each setting changes, everything else being equal, beside the unadjusted difference.

    Parameters
    ----------
    factors
        Rows of `success_factors` (or of `estimate_factors`), shape (factors, any). Of a comparison that is
        listed both ways round, the better one is drawn; effects about which nothing is known are left out.
    limit
        Most factors drawn: first those shown to matter, by how far their interval is from zero, then
        those with the narrowest intervals.

    Returns
    -------
    Chart
        One block of the settings that make a difference, and one of the others.
    """
    title = "Success factors: what a setting changes, everything else being equal"
    rows = pd.DataFrame([_factor_row(row) for row in _records(factors)])
    if len(rows):
        rows = rows[rows["high"] - rows["low"] < 100 * _WHOLE_RANGE]
        rows = rows.sort_values("points", ascending=False, kind="stable").drop_duplicates("comparison")
    if rows.empty:
        return no_data(title, f"No data yet: no setting could be compared so far. {_NOT_ANALYSED}")
    is_shown = rows["kind"] != UNCLEAR
    distance = rows[["low", "high"]].abs().min(axis=1)
    order = distance.where(is_shown, rows["low"] - rows["high"]).rename("order")
    ranked = pd.concat([is_shown.rename("first"), order], axis=1).sort_values(
        ["first", "order"], ascending=False
    )
    shown = rows.loc[ranked.index[:limit]].sort_values("points", ascending=False, kind="stable")
    parts = [
        ("Settings that make a difference", shown[shown["kind"] != UNCLEAR]),
        ("No effect could be shown", shown[shown["kind"] == UNCLEAR]),
    ]
    parts = [(heading, part) for heading, part in parts if len(part)]
    style = Style(
        kinds={name: kind for name, kind in FACTOR_KINDS.items() if name in {CRUDE, *shown["kind"]}},
        domain=scale_around(shown["low"], shown["high"], shown["other"]),
        axis_title="change in the share of successes (percentage points)",
        note_title="attempts · units",
        note_characters=20,
    )
    blocks = [
        forest(part, style, title=heading, other=CRUDE, is_last=heading == parts[-1][0])
        for heading, part in parts
    ]
    helps, hurts = int((rows["kind"] == RAISES).sum()), int((rows["kind"] == LOWERS).sum())
    without = len(rows) - helps - hurts
    message = (
        f"{_counted(helps, 'setting')} raise{'s' if helps == 1 else ''} success, {hurts} "
        f"lower{'s' if hurts == 1 else ''} it"
        + (f"; of {without} no effect could be shown" if without else "")
        if helps + hurts
        else f"No effect of any of {_counted(without, 'setting')} could be shown"
    )
    flips = int((shown["is_sign_flipped"] & (shown["kind"] != UNCLEAR)).sum())
    flipped = f" {flips} look{'s' if flips == 1 else ''} the other way round unadjusted." if flips else ""
    return finish(
        alt.vconcat(*blocks, spacing=18),
        message,
        "Point: change against the usual alternative, adjusted for context and other settings; line: its "
        f"95% interval. Diamond: the unadjusted difference.{flipped}"
        + left_out(len(rows), len(shown), "those furthest from zero, then the most precise"),
    )


def recommendation_rates(recommendations: pd.DataFrame, *, limit: int = 20) -> Chart:
    """Draw what to expect of the advised approach in each context.

    Parameters
    ----------
    recommendations
        Rows of `approach_recommendations`, shape (contexts, any).
    limit
        Most contexts drawn, those with most attempts.
    """
    if recommendations.empty:
        title = "Recommendations: what to expect of the advised approach"
        return no_data(title, f"No data yet: no context is known so far. {_NOT_ANALYSED}")
    columns = _common_columns(recommendations["conditions"])
    everywhere = _common_settings(recommendations["recommended_approach"])
    rows = pd.DataFrame([_recommendation_row(row, columns, everywhere) for row in _records(recommendations)])
    advised = rows[rows["kind"] == ADVICE]
    shown = rows.sort_values("sample_size", ascending=False, kind="stable").head(limit)
    style = Style(
        kinds={ADVICE: Kind(BLUE, "circle"), NO_ADVICE: Kind(MUTED, "diamond")},
        domain=(10 * (float(shown["low"].min()) // 10), 100),
        axis_title="expected share of successes (%)",
        label_title=", ".join(name.replace("_", " ") for name in columns),
        note_title="advised approach",
        has_zero=False,
        width=260,
        label_characters=36,
        note_characters=56,
    )
    span = f": {advised['points'].min():.0f}% to {advised['points'].max():.0f}% expected success"
    return finish(
        forest(shown.sort_values("points", ascending=False, kind="stable"), style),
        f"Advice for {len(advised)} of {_counted(len(rows), 'context')}{span if len(advised) else ''}",
        "Point: expected share of successes with the advised approach (without advice: as it is usually "
        "done); line: its 95% interval." + left_out(len(rows), len(shown), "those with most attempts"),
        shorten(f"Advised everywhere: {settings_text(everywhere)}.", 260) if everywhere else "",
    )


def _pattern_row(row: Mapping[str, Any]) -> dict[str, Any]:
    size: Mapping[str, Any] = row.get("impact") or row
    inside, difference = float(size["rate"]), float(size["risk_difference"])
    target, words = str(row.get("target") or row["pattern_type"]), condition_text(row["conditions"])
    result = target.partition("=")[2].replace("_", " ")
    label = f"{result}: {words}" if result else words
    return {
        "label": label,
        "heading": _TARGETS.get(target, _ONE_RESULT),
        "note": f"{inside:.0%} · {inside - difference:.0%} · {int(row['sample_size']):,}",
        "kind": str(row["pattern_type"]),
        "points": 100 * difference,
        "low": 100 * float(size["ci_low"]),
        "high": 100 * float(size["ci_high"]),
        "confidence": float(row["confidence"]),
        "sample_size": int(row["sample_size"]),
        "sentence": str(row.get("description") or row.get("sentence") or label),
    }


def _factor_row(row: Mapping[str, Any]) -> dict[str, Any]:
    details: Mapping[str, Any] = row.get("implementation_details") or row
    low, high = float(row["ci_low"]), float(row["ci_high"])
    is_shown = bool(details.get("is_factor", True)) and low * high > 0
    reference = "not set" if details["reference"] == MISSING else details["reference"]
    label = f"{str(details['column']).replace('_', ' ')} = {details['value']} instead of {reference}"
    if len(details.get("settings", ())) > 1:
        label = f"{name_settings(details['settings'])} instead of neither".replace("_", " ")
    crude = details.get("crude_difference")
    return {
        "label": label,
        "note": f"{int(row['sample_size']):,} · {int(row['units']):,}",
        "kind": (RAISES if low > 0 else LOWERS) if is_shown else UNCLEAR,
        "points": 100 * float(row["effectiveness"]),
        "low": 100 * low,
        "high": 100 * high,
        "other": float("nan") if crude is None else 100 * float(crude),
        "confidence": float(row["confidence"]),
        "sample_size": int(row["sample_size"]),
        "comparison": (str(details["column"]), *sorted((str(details["value"]), str(details["reference"])))),
        "is_sign_flipped": bool(details.get("is_sign_flipped", False)),
        "sentence": str(row.get("description") or label),
    }


def _recommendation_row(
    row: Mapping[str, Any], columns: Sequence[str], everywhere: Mapping[str, Any]
) -> dict[str, Any]:
    approach = row["recommended_approach"]
    is_advice = isinstance(approach, dict)  # A value that is not recorded may be None or NaN.
    context = row["conditions"]
    label = settings_text(context) or "any context"
    advice = note = NO_ADVICE
    if is_advice:
        own = {name: value for name, value in approach.items() if name not in everywhere}
        advice, note = settings_text(approach), settings_text(own) or "as everywhere"
    return {
        "label": ", ".join(_value_text(context[name]) for name in columns) if columns else label,
        "note": note,
        "kind": ADVICE if is_advice else NO_ADVICE,
        "points": 100 * float(row["success_rate"]),
        "low": 100 * float(row["ci_low"]),
        "high": 100 * float(row["ci_high"]),
        "confidence": float(row["confidence"]),
        "sample_size": int(row["sample_size"]),
        "sentence": f"{label}: {advice}",
    }


def _common_columns(contexts: pd.Series) -> tuple[str, ...]:
    """Return the columns of the contexts if all have the same: then values alone identify a context."""
    columns = {tuple(context) for context in contexts}
    return columns.pop() if len(columns) == 1 else ()


def _common_settings(approaches: pd.Series) -> dict[str, Any]:
    """Return the settings that all advised approaches share, where there are several approaches."""
    advised = [approach for approach in approaches if isinstance(approach, dict)]
    if len(advised) <= 1:
        return {}
    return {
        name: value
        for name, value in advised[0].items()
        if all(name in one and one[name] == value for one in advised)
    }


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return settings or a context as words: `install context system, transform yes`."""
    return ", ".join(f"{name.replace('_', ' ')} {_value_text(value)}" for name, value in settings.items())


def _value_text(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return " and ".join(map(str, value))
    return str(value)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
