"""Whether a rate changed, or advice did harm: the looks of the last days at counts by day and unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from memory_pipeline.analysis.alerts.looks import (
    LOOKED_BACK_DAYS,
    SPANS,
    Look,
    looks_that_ended,
    needed_e_value,
)
from memory_pipeline.analysis.alerts.unit_bets import (
    GroupCounts,
    UnitDifferences,
    change_e_value,
    fall_e_value,
    halved_contrast,
    rise_e_value,
    unit_differences,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memory_pipeline.analysis.arrays import Floats, Ints, Mask

Direction = Literal["fell", "rose", "changed"]
REMEMBERED_DAYS = 28
"""An alarm stands for so many days after the last look that raised it."""
NEEDED_DAYS = LOOKED_BACK_DAYS + SPANS[-1][0] + REMEMBERED_DAYS
"""Days before the present one whose counts the looks use."""
_HALF = 0.5
"""A pattern stopped holding where success moved against it by more than this share of its difference."""
_E_VALUES: dict[str, Callable[..., float]] = {
    "fell": fall_e_value,
    "rose": rise_e_value,
    "changed": change_e_value,
}


@dataclass(frozen=True)
class DailyCounts:
    """Attempts and successes by day, unit and stratum.

    Attributes
    ----------
    day
        Days since 1970-01-01, shape (rows,).
    unit, stratum
        Codes from 0, shape (rows,). Rates are compared within strata, so that a season with more attempts of
        a difficult kind is not taken for a fall.
    attempts, successes
        Counts, shape (rows,).
    """

    day: Ints
    unit: Ints
    stratum: Ints
    attempts: Floats
    successes: Floats

    def of(self, chosen: Mask) -> GroupCounts:
        """Return the counts of some rows as one group."""
        return GroupCounts(
            self.unit[chosen], self.stratum[chosen], self.attempts[chosen], self.successes[chosen]
        )


@dataclass(frozen=True)
class Sighting:
    """One look at one part, with what it found.

    Attributes
    ----------
    look
        The span that was tested.
    difference
        Mean difference in success over units, -1 to 1.
    units
        Units that were compared.
    e_value, needed
        Evidence, and from how much on it is an alarm.
    """

    look: Look
    difference: float
    units: int
    e_value: float
    needed: float

    @property
    def is_alarm(self) -> bool:
        """Whether the evidence suffices."""
        return self.e_value >= self.needed

    @property
    def strength(self) -> float:
        """Evidence as a share of what is needed; 1 and above is an alarm."""
        return self.e_value / self.needed


def watch_success(
    counts: DailyCounts,
    *,
    today: int,
    direction: Direction,
    error_rate: float,
    beyond: float = 0.0,
    parts: int = 1,
    remembered: int = REMEMBERED_DAYS,
) -> list[Sighting]:
    """Compare each span that ended lately with the year before it, unit by unit.

    Parameters
    ----------
    counts
        Those of the part that is watched, of at least `NEEDED_DAYS` days where the history is that long.
    today
        The present day, which is not over, as days since 1970-01-01.
    direction, beyond
        What is an alarm: that success fell, rose or changed by more than `beyond` (0.05: five points).
    error_rate
        Expected false alarms in a year, over all parts.
    parts
        Parts that are watched side by side by one rule.
    remembered
        Spans count that ended in so many days.

    Returns
    -------
    list of Sighting
        One a look, the earliest first.
    """
    found = []
    for look in looks_that_ended(today - remembered, today):
        before = (counts.day >= look.compared_from) & (counts.day < look.begins)
        within = (counts.day >= look.begins) & (counts.day < look.ends)
        said = unit_differences(counts.of(before), counts.of(within))
        found.append(_sighting(look, said, direction, beyond, needed_e_value(error_rate, parts)))
    return found


def watch_gain(
    without: DailyCounts,
    advised: DailyCounts,
    *,
    today: int,
    direction: Direction,
    error_rate: float,
    beyond: float = 0.0,
    remembered: int = REMEMBERED_DAYS,
) -> list[Sighting]:
    """Compare attempts with advice and without, of the same unit, in the spans that ended lately.

    Parameters and return value are those of `watch_success`; `without` and `advised` use the same codes.
    """
    found = []
    for look in looks_that_ended(today - remembered, today):
        sides = [one.of((one.day >= look.begins) & (one.day < look.ends)) for one in (without, advised)]
        found.append(_sighting(look, unit_differences(*sides), direction, beyond, needed_e_value(error_rate)))
    return found


def watch_contrast(
    inside: DailyCounts,
    outside: DailyCounts,
    *,
    today: int,
    direction: Direction,
    error_rate: float,
    beyond: float = 0.0,
    parts: int = 1,
    remembered: int = REMEMBERED_DAYS,
) -> list[Sighting]:
    """Test whether success moved inside a part, against the year before, by more than it moved outside.

    A unit with attempts inside alone counts with its move inside. Parameters and return value are those of
    `watch_success`; `inside` and `outside` use the same codes.
    """
    found = []
    for look in looks_that_ended(today - remembered, today):
        moves = []
        for one in (inside, outside):
            before = (one.day >= look.compared_from) & (one.day < look.begins)
            within = (one.day >= look.begins) & (one.day < look.ends)
            moves.append(unit_differences(one.of(before), one.of(within)))
        said = halved_contrast(*moves)
        seen = _sighting(look, said, direction, beyond / 2, needed_e_value(error_rate, parts))
        found.append(replace(seen, difference=2 * seen.difference))
    return found


def watch_pattern(
    inside: DailyCounts,
    outside: DailyCounts,
    *,
    difference: float,
    today: int,
    error_rate: float,
    beyond: float = 0.0,
    parts: int = 1,
    remembered: int = REMEMBERED_DAYS,
) -> list[Sighting]:
    """Test whether the difference of a pattern moved against it by more than half of what it says.

    A pattern was chosen because its past looks striking, so a part of its difference is chance and goes by
    itself: less than half of one that passed the search. Moves up to half, and up to `beyond`, are no alarm.

    Parameters
    ----------
    inside, outside
        The attempts that have the pattern's conditions, and all others.
    difference
        Success inside less outside, as the pattern says it.
    today, error_rate, beyond, parts, remembered
        See `watch_success`; `parts` are the patterns that are watched.
    """
    return watch_contrast(
        inside,
        outside,
        today=today,
        direction="fell" if difference > 0 else "rose",
        error_rate=error_rate,
        beyond=min(1.0, max(beyond, _HALF * abs(difference))),
        parts=parts,
        remembered=remembered,
    )


def strongest(sightings: Sequence[Sighting]) -> Sighting | None:
    """Return the look with the most evidence, measured by what it needs; None where there is none."""
    return max(sightings, key=lambda one: one.strength, default=None)


def codes(values: Sequence[object]) -> Ints:
    """Return a code from 0 for each value; equal values share one."""
    return np.unique(np.asarray(values, dtype=str), return_inverse=True)[1].astype(np.int64)


def _sighting(
    look: Look, said: UnitDifferences, direction: Direction, beyond: float, needed: float
) -> Sighting:
    e_value = _E_VALUES[direction](said, beyond=beyond)
    return Sighting(look, said.mean, said.units, e_value, needed)
