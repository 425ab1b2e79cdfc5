"""Why success changed, in sentences: for every door and chart, so that all of them say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory_pipeline.analysis.learning.change_explanation import MIX, RATE
from memory_pipeline.analysis.learning.change_spans import span_text
from memory_pipeline.analysis.text import (
    condition_text,
    count_units,
    listed,
    percent,
    plain_name,
    points_text,
    unit_plural,
)

if TYPE_CHECKING:
    from memory_pipeline.analysis.learning.change_explanation import (
        ChangeExplanation,
        Contributor,
        Part,
        Span,
    )

_MOST_NAMED = 3
_NOTHING = 0.01


def change_title(explanation: ChangeExplanation) -> str:
    """Write what changed, without the reasons: `Success fell by 7.7 points: 62% in June 2026, 70% before`."""
    before, after, total = explanation.before, explanation.after, explanation.total
    rates = (
        f"{percent(after.success_rate)} in {_name(after)}, {percent(before.success_rate)} in {_name(before)}"
    )
    if total.is_clear:
        verb = "rose" if total.change > 0 else "fell"
        return f"Success {verb} by {points_text(100 * abs(total.change))} points: {rates}"
    return f"No clear change in success: {rates}"


def change_sentences(explanation: ChangeExplanation) -> tuple[str, ...]:
    """Write the explanation: what changed, what other cases explain, what same cases do, and who.

    Parameters
    ----------
    explanation
        The parts of the difference.

    Returns
    -------
    tuple of str
        The first is the title; each can be read alone.
    """
    sentences = [f"{change_title(explanation)}."]
    if explanation.reason:
        return (*sentences, f"Inconclusive: {explanation.reason}.")
    sentences.append(_total_sentence(explanation))
    sentences.append(_mix_sentence(explanation))
    sentences.append(_rate_sentence(explanation))
    sentences += _same_units(explanation)
    for kind in (MIX, RATE):
        sentences += [
            f"{contributor_sentence(one)}." for one in explanation.clear_contributors(kind)[:_MOST_NAMED]
        ]
    if not explanation.has_changed:
        sentences.append("None of this can be told from chance; more attempts or longer spans may decide it.")
    return tuple(sentences)


def contributor_sentence(one: Contributor) -> str:
    """Write what one value of a column contributes: its share or its rate, then and now, and the interval."""
    name = condition_text({one.column: one.value})
    if one.kind == MIX:
        fact = f"{percent(one.share_after)} of the attempts after {percent(one.share_before)}"
        return f"Where {name}: {fact}, which explains {part_text(one)}"
    rates = ["no attempts" if rate is None else percent(rate) for rate in (one.rate_after, one.rate_before)]
    return f"Where {name}: {rates[0]} succeed after {rates[1]}, which is {part_text(one)}"


def part_text(part: Part) -> str:
    """Write a part and its interval: `+5.2 points (interval +1.4 to +9.1)`."""
    change, low, high = (_points(share) for share in (part.change, part.ci_low, part.ci_high))
    if part.ci_low <= -1 and part.ci_high >= 1:
        return f"{change} points (too few units for an interval)"
    return f"{change} points (interval {low} to {high})"


def _total_sentence(explanation: ChangeExplanation) -> str:
    before, after = explanation.before, explanation.after
    sizes = [
        f"{span.attempts:,} attempts of {count_units(span.units, explanation.unit)}"
        for span in (after, before)
    ]
    end = "" if explanation.total.is_clear else ", which may be chance"
    return f"The difference is {part_text(explanation.total)}{end}: {sizes[0]} against {sizes[1]}."


def _mix_sentence(explanation: ChangeExplanation) -> str:
    if not explanation.columns:
        return "No condition has values that several units share, so nothing is known of the mix."
    text = part_text(explanation.mix)
    if _is_nothing(explanation.mix):
        return f"Other cases explain next to nothing: the mix explains {text}."
    if not explanation.mix.is_clear:
        return f"Whether other cases came is inconclusive: the mix explains {text}."
    clear = [one for one in explanation.columns if one.jointly.is_clear][:_MOST_NAMED]
    by = listed([f"{plain_name(one.column)} {part_text(one.jointly)}" for one in clear]) if clear else ""
    return f"Other cases came: the mix explains {text}{', of which by ' + by if by else ''}."


def _rate_sentence(explanation: ChangeExplanation) -> str:
    text = part_text(explanation.rate)
    if _is_nothing(explanation.rate):
        return f"The same cases succeed as often as before: rates explain {text}."
    if not explanation.rate.is_clear:
        return f"Whether the same cases end otherwise is inconclusive: rates explain {text}."
    how = "more" if explanation.rate.change > 0 else "less"
    return f"The same cases succeed {how} often: rates explain {text}."


def _same_units(explanation: ChangeExplanation) -> list[str]:
    part = explanation.same_units
    if part is None:
        return []
    shared = explanation.n_same_units
    who = f"The same {unit_plural(explanation.unit)} ({shared:,} with attempts in both spans)"
    end = "" if part.is_clear else ", which may be chance"
    return [f"{who} changed by {part_text(part)}{end}."]


def _is_nothing(part: Part) -> bool:
    return max(abs(part.ci_low), abs(part.ci_high)) < _NOTHING


def _points(share: float) -> str:
    text = points_text(100 * share, signed=True)
    return "0" if text[1:] == "0" else text


def _name(span: Span) -> str:
    return span_text((span.first, span.last))
