"""Why did success change between two spans: other cases (mix), or the same cases with other results (rates)?

`change_parts` splits the difference, `change_spread` estimates how uncertain each part is. All intervals of
one explanation hold together with 95%: those of the parts (the difference, mix, rates, the same units) with
97.5%, and so do those of the contributors (Bonferroni between the two families). So at most one explanation
in twenty calls anything a change where nothing changed. A part whose interval contains zero, or that rests
on fewer than five units, is inconclusive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.learning.change_explanation import (
    MIX,
    RATE,
    ChangeExplanation,
    ColumnMix,
    Contributor,
    Part,
    Span,
)
from memory_pipeline.analysis.learning.change_parts import PARTS, change_parts, ridge_penalty
from memory_pipeline.analysis.learning.change_spans import choose_spans, span_text
from memory_pipeline.analysis.learning.change_spread import leave_out_each, variance_floors
from memory_pipeline.analysis.learning.change_text import change_sentences
from memory_pipeline.analysis.learning.span_counts import MIN_UNITS, group_totals, span_rows
from memory_pipeline.analysis.text import count_units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Floats, Mask
    from memory_pipeline.analysis.evidence import Evidence
    from memory_pipeline.analysis.learning.change_parts import ChangeParts
    from memory_pipeline.analysis.learning.change_spans import Months
    from memory_pipeline.analysis.learning.span_counts import SpanRows

LEVEL = 0.95
"""Probability that all intervals of an explanation hold."""
_FAMILIES = 2
_ROUNDING = 1e-9


def explain_change(
    evidence: Evidence,
    *,
    before: Months | None = None,
    after: Months | None = None,
    columns: Sequence[str] | None = None,
    current: str | None = None,
) -> ChangeExplanation:
    """Split the difference in success between two spans into mix and rates, by contributor.

    Parameters
    ----------
    evidence
        Collapsed attempts by period and unit, with `features.outcomes.outcome_labels` as outcomes.
    before, after
        First and last month of each span, both included, such as `("2026-01", "2026-05")`; by default the
        last month and the twelve before it.
    columns
        Condition columns that are to explain it; by default all.
    current
        The month that is not over; see `choose_spans`.

    Returns
    -------
    ChangeExplanation
        In shares of the attempts, later less earlier, with its sentences.

    Raises
    ------
    KeyError
        When there is no such column.
    ValueError
        When the spans cannot be compared (`choose_spans`), or the evidence has no months or no units.
    """
    wanted = evidence.conditions if columns is None else tuple(dict.fromkeys(columns))
    _check(evidence, wanted)
    periods = evidence.columns[str(evidence.period)].levels
    before, after = choose_spans(periods, before=before, after=after, current=current)
    rows = span_rows(evidence, before, after, wanted)
    attempts, successes = rows.by_unit(rows.n), rows.by_unit(rows.k)
    spans = [
        Span(
            *span,
            attempts=int(n.sum()),
            units=int((n > 0).sum()),
            success_rate=float(k.sum() / n.sum()),
        )
        for span, n, k in zip((before, after), attempts, successes, strict=True)
    ]
    inference = _Inference.of(rows)
    parts = inference.parts()
    shared = int((attempts > 0).all(axis=0).sum())
    explanation = ChangeExplanation(
        before=spans[0],
        after=spans[1],
        unit=str(evidence.unit),
        total=parts[0],
        mix=parts[1],
        rate=parts[2],
        same_units=parts[3] if shared else None,
        n_same_units=shared,
        columns=inference.by_column(),
        contributors=inference.by_value(),
        reason=_too_few(spans, str(evidence.unit)),
    )
    return replace(explanation, sentences=change_sentences(explanation))


@dataclass(frozen=True)
class _Inference:
    """Estimates with their margins.

    Attributes
    ----------
    rows
        Rows of both spans.
    estimate
        The parts.
    margins
        Half the width of each interval, in the order of `ChangeParts.vector`; infinite where too few units
        are behind it.
    """

    rows: SpanRows
    estimate: ChangeParts
    margins: Floats

    @classmethod
    def of(cls, rows: SpanRows) -> _Inference:
        """Estimate everything from the rows of two spans."""
        attempts = rows.by_unit(rows.n)
        sizes, penalty = tuple(map(len, rows.levels)), ridge_penalty(attempts)
        totals = group_totals(rows)
        estimate = change_parts(*totals.whole, sizes, penalty=penalty)
        values = estimate.vector()
        margins = np.full(len(values), np.inf)
        if _has_units(attempts > 0).all():
            deviations = leave_out_each(totals, estimate, sizes, penalty=penalty)
            deviations = deviations.at_least(variance_floors(rows, estimate))
            is_part = np.arange(len(values)) < PARTS
            usable = _is_usable(rows) & np.isfinite(values) & np.isfinite(deviations.variance)
            for family in (is_part, ~is_part):
                chosen = family & usable
                margins[chosen] = deviations.margins(chosen, level=1 - (1 - LEVEL) / _FAMILIES)
        return cls(rows, estimate, margins)

    def parts(self) -> list[Part]:
        """Return the difference, the mix, the rates, and the change of the same units."""
        return [Part(**self._interval(place)) for place in range(PARTS)]

    def by_column(self) -> tuple[ColumnMix, ...]:
        """Return the mix by column, the largest first."""
        columns, terms = self.rows.columns, len(self.rows.terms)
        start = PARTS + 2 * terms
        found = [
            ColumnMix(
                column,
                Part(**self._interval(start + place)),
                Part(**self._interval(start + len(columns) + place)),
            )
            for place, column in enumerate(columns)
        ]
        return tuple(sorted(found, key=lambda one: -abs(one.jointly.change)))

    def by_value(self) -> tuple[Contributor, ...]:
        """Return the contributors, the clear ones first and then the largest."""
        terms, found = self.rows.terms, []
        for kind, start in ((MIX, PARTS), (RATE, PARTS + len(terms))):
            for place, about in enumerate(self._values):
                found.append(Contributor(kind=kind, **self._interval(start + place), **about))
        return tuple(sorted(found, key=lambda one: (not one.is_clear, -abs(one.change))))

    @cached_property
    def _values(self) -> list[dict[str, Any]]:
        """What is known of each value of each column: its share, rate and units in both spans."""
        found = []
        for place, column in enumerate(self.rows.columns):
            n, k = (self.rows.by_level(place, weight) for weight in (self.rows.n, self.rows.k))
            attempts, successes, units = n.sum(axis=1), k.sum(axis=1), (n > 0).sum(axis=1)
            shares = attempts / attempts.sum(axis=1, keepdims=True)
            for code, value in enumerate(self.rows.levels[place]):
                rates = [
                    float(successes[span, code] / attempts[span, code]) if attempts[span, code] else None
                    for span in (0, 1)
                ]
                found.append(
                    {
                        "column": column,
                        "value": value,
                        "share_before": float(shares[0, code]),
                        "share_after": float(shares[1, code]),
                        "rate_before": rates[0],
                        "rate_after": rates[1],
                        "units_before": int(units[0, code]),
                        "units_after": int(units[1, code]),
                    }
                )
        return found

    def _interval(self, place: int) -> dict[str, Any]:
        """Return an estimate and its interval, cut to what a difference of shares can be."""
        change, margin = float(self.estimate.vector()[place]), float(self.margins[place])
        low, high = max(change - margin, -1.0), min(change + margin, 1.0)
        is_clear = bool(np.isfinite(margin) and margin < abs(change) - _ROUNDING)
        return {"change": change, "ci_low": low, "ci_high": high, "is_clear": is_clear}


def _has_units(is_there: Mask) -> Mask:
    """Return which rows of an array that says which units are there, shape (..., units), have enough."""
    enough: Mask = is_there.sum(axis=-1) >= MIN_UNITS
    return enough


def _is_usable(rows: SpanRows) -> Mask:
    """Return which estimates rest on enough units, in the order of `ChangeParts.vector`.

    A change of rates needs them in both spans; one of shares in either, which every value has.
    """
    attempts = rows.by_unit(rows.n)
    parts = [True, True, True, bool(_has_units(np.asarray((attempts > 0).all(axis=0))))]
    rates = [
        _has_units(np.moveaxis(rows.by_level(place, rows.n) > 0, 1, 2)).all(axis=0)
        for place in range(len(rows.columns))
    ]
    shares = np.ones(len(rows.terms), dtype=bool)
    columns = np.ones(2 * len(rows.columns), dtype=bool)
    return np.concatenate([parts, shares, *rates, columns])


def _check(evidence: Evidence, columns: Sequence[str]) -> None:
    """Refuse evidence without periods or units, and unknown columns; see `explain_change`."""
    if evidence.unit is None or evidence.period is None:
        raise ValueError("the evidence has no units or no periods; count it with `unit` and `period`")
    for column in columns:
        if column not in evidence.conditions:
            raise KeyError(f"there is no condition {column!r}; use some of {', '.join(evidence.conditions)}")


def _too_few(spans: Sequence[Span], unit: str) -> str:
    """Write which span has too few units for any conclusion; empty where none has."""
    few = [span for span in spans if span.units < MIN_UNITS]
    return "; ".join(
        f"{span_text((span.first, span.last))} has {count_units(span.units, unit)}, fewer than {MIN_UNITS}"
        for span in few
    )
