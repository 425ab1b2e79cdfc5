"""The explanation of a change in success: its parts, what contributes to them, and how it is kept as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MIX, RATE = "mix", "rate"
"""The two kinds of contributors."""


@dataclass(frozen=True)
class Span:
    """One of the two spans that are compared.

    Attributes
    ----------
    first, last
        First and last period, both included.
    attempts, units
        Attempts and different units in it.
    success_rate
        Share of the attempts that succeeded.
    """

    first: str
    last: str
    attempts: int
    units: int
    success_rate: float


@dataclass(frozen=True)
class Part:
    """A part of the difference in success, in shares of the attempts.

    Attributes
    ----------
    change
        Later less earlier.
    ci_low, ci_high
        Interval; all intervals of one explanation hold together with 95%.
    is_clear
        Whether the interval leaves out zero and enough units are behind it.
    """

    change: float
    ci_low: float
    ci_high: float
    is_clear: bool


@dataclass(frozen=True)
class Contributor(Part):
    """What one value of a column contributes to the mix or to the rates.

    Attributes
    ----------
    kind
        `mix`: its share of the attempts changed; `rate`: its attempts succeed more or less often than other
        attempts with the same conditions did in the other span.
    column, value
        The condition.
    share_before, share_after
        Its share of the attempts.
    rate_before, rate_after
        Its success rate; None where it has no attempts.
    units_before, units_after
        Different units with it.
    """

    kind: str
    column: str
    value: str
    share_before: float
    share_after: float
    rate_before: float | None
    rate_after: float | None
    units_before: int
    units_after: int


@dataclass(frozen=True)
class ColumnMix:
    """How much of the difference the changed shares of one column's values explain.

    Attributes
    ----------
    column
        The column.
    jointly
        Beside all other columns; these sum to the mix.
    alone
        As if it were the only column; those of columns that go together overlap.
    """

    column: str
    jointly: Part
    alone: Part


@dataclass(frozen=True)
class ChangeExplanation:
    """The difference in success between two spans, and what it consists of.

    Attributes
    ----------
    before, after
        The two spans.
    unit
        Name of the column of the evidence unit.
    total
        The difference in success.
    mix
        What other cases explain: other applications, vendors, types, settings, with unchanged rates.
    rate
        What they leave: the same cases succeed more or less often. `total = mix + rate`.
    same_units
        The change of units with attempts in both spans; None where there are none.
    n_same_units
        How many these are.
    columns
        The mix by column, the largest first.
    contributors
        By value of each column, the clear ones first and then the largest.
    reason
        Why nothing can be concluded; empty where something can, or where intervals say so.
    sentences
        All of it in words (`change_text`), the title first.
    """

    before: Span
    after: Span
    unit: str
    total: Part
    mix: Part
    rate: Part
    same_units: Part | None
    n_same_units: int
    columns: tuple[ColumnMix, ...]
    contributors: tuple[Contributor, ...]
    reason: str = ""
    sentences: tuple[str, ...] = ()

    @property
    def has_changed(self) -> bool:
        """Whether anything is clear: the difference, one of its parts, or a contributor."""
        parts = (self.total, self.mix, self.rate, *self.contributors)
        columns = [part for one in self.columns for part in (one.jointly, one.alone)]
        same = [self.same_units] if self.same_units else []
        return any(part.is_clear for part in (*parts, *columns, *same))

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON-able values."""
        return {**asdict(self), "has_changed": self.has_changed}

    def clear_contributors(self, kind: str) -> tuple[Contributor, ...]:
        """Return the contributors of one kind, `mix` or `rate`, that are clear, the largest first."""
        return tuple(one for one in self.contributors if one.is_clear and one.kind == kind)
