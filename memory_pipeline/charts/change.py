"""Draw why success changed between two spans: the parts of the difference, and who contributes to each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from memory_pipeline.analysis.learning.change_explanation import MIX, RATE
from memory_pipeline.analysis.learning.change_text import change_title, contributor_sentence, part_text
from memory_pipeline.analysis.text import condition_text, count_units, percent
from memory_pipeline.charts.forest import Kind, Style, forest, left_out, scale_around
from memory_pipeline.charts.theme import BLUE, MUTED, VERMILION, Chart, finish, no_data

if TYPE_CHECKING:
    from memory_pipeline.analysis.learning.change_explanation import (
        ChangeExplanation,
        Contributor,
        Part,
    )

RAISES, LOWERS, UNCLEAR = "raises success", "lowers success", "inconclusive"
_KINDS = {
    RAISES: Kind(BLUE, "circle"),
    LOWERS: Kind(VERMILION, "square"),
    UNCLEAR: Kind(MUTED, "diamond"),
}
_HEADINGS = {
    MIX: "Other cases came (mix): what a changed share of the attempts explains",
    RATE: "The same cases end otherwise (rates): what a changed success rate explains",
}
_LEVEL = 0.95


def change_contributors(explanation: ChangeExplanation, *, limit: int = 8) -> Chart:
    """Draw the parts of a difference in success, and the values that contribute most to mix and to rates.

    Parameters
    ----------
    explanation
        The difference and its parts.
    limit
        Most contributors drawn of each kind: the clear ones first, then the largest. Of a value with too few
        units for an interval, nothing is drawn.

    Returns
    -------
    Chart
        One block of the parts, one of the contributors to the mix and one of those to the rates.
    """
    title = change_title(explanation)
    if explanation.reason:
        return no_data(title, f"Inconclusive: {explanation.reason}. Compare longer spans.")
    drawn = {kind: _of_kind(explanation, kind) for kind in (MIX, RATE)}
    blocks = [("The difference and its parts", pd.DataFrame(_parts(explanation)))]
    for kind, contributors in drawn.items():
        if contributors:
            rows = [_contributor(one, explanation) for one in contributors[:limit]]
            blocks.append((_HEADINGS[kind], pd.DataFrame(rows)))
    every = pd.concat([rows for _, rows in blocks])
    style = Style(
        kinds={name: kind for name, kind in _KINDS.items() if name in set(every["kind"])},
        domain=scale_around(every["low"], every["high"]),
        axis_title="part of the difference in success (percentage points)",
        note_title="before → after",
        note_characters=34,
        label_characters=44,
    )
    found = sum(map(len, drawn.values()))
    shown = sum(min(len(one), limit) for one in drawn.values())
    return finish(
        alt.vconcat(
            *(
                forest(rows, style, title=heading, is_last=place == len(blocks) - 1)
                for place, (heading, rows) in enumerate(blocks)
            ),
            spacing=18,
        ),
        title,
        " ".join(explanation.sentences[1:4]),
        "Point: part of the difference; line: its interval. All intervals hold together with 95%. "
        "Contributors to the mix sum to it, those to the rates once for each column."
        + left_out(found, shown, "of each kind the clear ones, then the largest"),
    )


def _of_kind(explanation: ChangeExplanation, kind: str) -> list[Contributor]:
    return [one for one in explanation.contributors if one.kind == kind and not _is_unknown(one)]


def _is_unknown(part: Part) -> bool:
    return part.ci_low <= -1 and part.ci_high >= 1


def _parts(explanation: ChangeExplanation) -> list[dict[str, Any]]:
    before, after = explanation.before, explanation.after
    attempts = before.attempts + after.attempts
    rates = f"{percent(before.success_rate)} → {percent(after.success_rate)}"
    named = [
        ("the difference in success", rates, explanation.total),
        ("mix: other cases came", "", explanation.mix),
        ("rates: the same cases end otherwise", "", explanation.rate),
    ]
    if explanation.same_units is not None and not _is_unknown(explanation.same_units):
        shared = count_units(explanation.n_same_units, explanation.unit)
        named.append((f"{shared} with attempts in both spans", "", explanation.same_units))
    return [
        {
            "label": label,
            "note": note,
            "sample_size": attempts,
            "sentence": f"{label}: {part_text(part)}",
            **_drawn(part),
        }
        for label, note, part in named
    ]


def _contributor(one: Contributor, explanation: ChangeExplanation) -> dict[str, Any]:
    before, after = explanation.before, explanation.after
    if one.kind == MIX:
        note = f"{percent(one.share_before)} → {percent(one.share_after)} of attempts"
    else:
        rates = ["none" if rate is None else percent(rate) for rate in (one.rate_before, one.rate_after)]
        note = f"{rates[0]} → {rates[1]} succeed"
    return {
        "label": condition_text({one.column: one.value}),
        "note": note,
        "sample_size": round(one.share_before * before.attempts + one.share_after * after.attempts),
        "sentence": contributor_sentence(one),
        **_drawn(one),
    }


def _drawn(part: Part) -> dict[str, Any]:
    """Return a part in percentage points, with its kind."""
    kind = (RAISES if part.change > 0 else LOWERS) if part.is_clear else UNCLEAR
    return {
        "kind": kind,
        "points": 100 * part.change,
        "low": 100 * part.ci_low,
        "high": 100 * part.ci_high,
        "confidence": _LEVEL,
    }
