"""Which two spans of months are compared where a change is to be explained, and what they are called."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Months = tuple[str, str]
"""First and last month of a span, both included, as `YYYY-MM`."""

MONTHS_BEFORE = 12
_MONTH = re.compile(r"[12]\d{3}-(0[1-9]|1[0-2])", re.ASCII)


def choose_spans(
    periods: Sequence[str],
    *,
    before: Months | None = None,
    after: Months | None = None,
    current: str | None = None,
) -> tuple[Months, Months]:
    """Return the two spans that are compared; by default the last month and the twelve before it.

    Parameters
    ----------
    periods
        Months with attempts, in any order.
    before, after
        The earlier and the later span, where they are wanted. Without `before` it is the last twelve months
        with attempts before `after`, or as many as there are.
    current
        The month that is not over, which is left out where the later span is chosen here.

    Returns
    -------
    before, after
        The earlier span, then the later one.

    Raises
    ------
    ValueError
        When a month is not written `YYYY-MM`, a span ends before it begins, the two have months in common,
        one has no attempts, or there is none to choose.
    """
    known = sorted(periods)
    for name, span in (("before", before), ("after", after)):
        _check_months(name, span)
    if after is None:
        ended = [month for month in known if month != current] if before is None else known
        newest = (ended if len(ended) > 1 else known)[-1:]
        after = (newest[0], newest[0]) if newest else ("", "")
    earlier = [month for month in known if month < after[0]][-MONTHS_BEFORE:]
    if before is None:
        if not earlier:
            raise ValueError(
                f"there are no attempts before {after[0] or 'today'}, and a change needs an earlier span; "
                f"record older outcomes, or name both spans ({_history(known)})"
            )
        before = (earlier[0], earlier[-1])
    if not (before[1] < after[0] or after[1] < before[0]):
        raise ValueError(
            f"before is {before[0]} to {before[1]} and after {after[0]} to {after[1]}; name spans that have "
            "no month in common"
        )
    for name, span in (("before", before), ("after", after)):
        if not any(span[0] <= month <= span[1] for month in known):
            raise ValueError(f"{name} is {span[0]} to {span[1]}, without attempts; {_history(known)}")
    return before, after


def span_of(first: str | None, last: str | None, name: str) -> Months | None:
    """Return a span from its two months; without `last` it is `first` alone, without both None.

    Raises
    ------
    ValueError
        When there is a last month and no first; the message calls the span by `name`.
    """
    if first is None:
        if last is not None:
            raise ValueError(f"{name} has the last month {last} and no first; name its first month too")
        return None
    return first, first if last is None else last


def span_text(span: Months) -> str:
    """Write a span of months: `June 2026`, `July 2025 to June 2026`."""
    names = [f"{date(int(month[:4]), int(month[5:7]), 1):%B %Y}" for month in span]
    return names[0] if span[0] == span[1] else " to ".join(names)


def _check_months(name: str, span: Months | None) -> None:
    for month in span or ():
        if not _MONTH.fullmatch(month):
            raise ValueError(f"{name} has the month {month!r}; write it as YYYY-MM, such as 2026-06")
    if span is not None and span[1] < span[0]:
        raise ValueError(f"{name} is {span[0]} to {span[1]}; its last month is before its first")


def _history(known: Sequence[str]) -> str:
    if not known:
        return "the history has none"
    return f"the history has attempts from {known[0]} to {known[-1]}"
