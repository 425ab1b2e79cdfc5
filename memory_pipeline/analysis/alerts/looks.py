"""When a watched rate is tested: spans of three lengths that end on fixed days, and what each may spend.

A test of fixed size that is repeated every day rejects a true null hypothesis sooner or later. Here the days
on which something is tested are fixed by the calendar, and each test spends its share of the error rate of a
year: how often somebody looks in between changes nothing (alpha spending; Lan & DeMets 1983).
"""

from __future__ import annotations

from dataclasses import dataclass

DAYS_A_YEAR = 365.25
SPANS = ((7, 7), (28, 14), (91, 28))
"""Length of a span, and days from the end of one to the end of the next, in days: short spans see a large
fall soon, long ones a small fall at all."""
LOOKS_A_YEAR = sum(DAYS_A_YEAR / step for _, step in SPANS)
"""How many spans end in a year: 91.3."""
LOOKED_BACK_DAYS = 364
"""Days before a span with which it is compared; whole weeks, so that each weekday occurs equally often."""


@dataclass(frozen=True)
class Look:
    """One span that is tested against the days before it.

    Attributes
    ----------
    begins, ends
        Its first day, and the first day after it, as days since 1970-01-01.
    """

    begins: int
    ends: int

    @property
    def compared_from(self) -> int:
        """First day of what it is compared with, which ends where the span begins."""
        return self.begins - LOOKED_BACK_DAYS


def looks_that_ended(after: int, until: int) -> list[Look]:
    """Return the spans that ended after a day and until another, the earliest first.

    Parameters
    ----------
    after, until
        Days since 1970-01-01; a span that ends on `until` is over when that day begins.

    >>> [(one.ends - one.begins, one.ends) for one in looks_that_ended(0, 14)]
    [(7, 7), (28, 14), (7, 14)]
    """
    found = [
        Look(end - days, end)
        for days, step in SPANS
        for end in range((after // step + 1) * step, until + 1, step)
    ]
    return sorted(found, key=lambda one: (one.ends, one.begins))


def needed_e_value(error_rate: float, parts: int = 1) -> float:
    """Return the e-value from which one look at one of some parts is an alarm.

    By Markov's inequality a null hypothesis reaches it with a probability of at most `error_rate / parts /
    LOOKS_A_YEAR`, so that at most `error_rate` false alarms are expected in a year, over all parts and looks,
    however they depend on each other.

    Parameters
    ----------
    error_rate
        Expected false alarms in a year, such as 0.05.
    parts
        Parts that are watched side by side, such as installer types.
    """
    return LOOKS_A_YEAR * max(1, parts) / error_rate
