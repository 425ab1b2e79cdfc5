"""How strongly units testify that a rate fell: an e-value in which each unit has one say.

Attempts of one unit go together: they have a rate of their own, and spells in which everything fails. So what
is tested is the mean difference of units between two groups of attempts, and each unit's difference enters
once. Where nothing changed, a unit's difference has mean 0 whatever its own rate, its share of the attempts,
and how its attempts depend on each other; units are independent. Then the product of `1 - bet * difference`
over units has mean 1 at most: it is an e-value, the wealth of somebody who bets on a fall at fair odds
(Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables by betting", JRSS B 86). The bets
depend on counts of attempts alone, never on how attempts ended, so that nothing is estimated that could go
wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats, Ints

EFFECTS = (0.05, 0.1, 0.2, 0.4)
"""Falls that the bets are made for; the e-value is the mean over them (method of mixtures)."""
_ATTEMPT_VARIANCE = 0.2
_UNIT_VARIANCE = 0.02
"""Assumed variance of one attempt, and of a unit's own ups and downs. Wrong ones cost power, not validity."""
_LARGEST_BET = 0.9


@dataclass(frozen=True)
class UnitDifferences:
    """What each unit says about a difference in success between two groups of attempts.

    Attributes
    ----------
    unit
        Codes of the units, each once, in their order; shape (units,).
    difference
        Success in the second group less that in the first, within strata, between -1 and 1; shape (units,).
    information
        How many attempts it rests on, as the harmonic sum over strata: n1 * n2 / (n1 + n2); shape (units,).
    """

    unit: Ints
    difference: Floats
    information: Floats

    @property
    def units(self) -> int:
        """How many units have attempts in both groups of one stratum."""
        return len(self.difference)

    @property
    def mean(self) -> float:
        """Mean difference, units weighted by what they rest on, as the bets do."""
        weight = 1 / (_ATTEMPT_VARIANCE / self.information + _UNIT_VARIANCE)
        return float(np.average(self.difference, weights=weight)) if self.units else 0.0


@dataclass(frozen=True)
class GroupCounts:
    """Attempts and successes of one group.

    Attributes
    ----------
    unit, stratum
        Codes of unit and stratum of each row, shape (rows,); a pair may occur in several rows.
    attempts, successes
        Counts of each row, shape (rows,).
    """

    unit: Ints
    stratum: Ints
    attempts: Floats
    successes: Floats


def unit_differences(first: GroupCounts, second: GroupCounts) -> UnitDifferences:
    """Compare the second group with the first, unit by unit and within strata.

    A unit whose attempts are in one group only, or never in the same stratum of both, is left out.
    """
    every = np.concatenate([first.unit, second.unit, [-1]])
    stratum = np.concatenate([first.stratum, second.stratum, [0]])
    width = int(stratum.max()) + 1
    cells, code = np.unique(every * width + stratum, return_inverse=True)
    ends = len(first.unit), len(first.unit) + len(second.unit)
    sums = [
        np.bincount(code[begin:end], weights=values, minlength=len(cells))
        for begin, end, group in ((0, ends[0], first), (ends[0], ends[1], second))
        for values in (group.attempts, group.successes)
    ]
    both = (sums[0] > 0) & (sums[2] > 0)
    n1, s1, n2, s2 = (one[both] for one in sums)
    weight = n1 * n2 / (n1 + n2)
    units, unit = np.unique(cells[both] // width, return_inverse=True)
    information: Floats = np.bincount(unit, weights=weight).astype(np.float64)
    moved: Floats = np.bincount(unit, weights=weight * (s2 / n2 - s1 / n1)).astype(np.float64)
    return UnitDifferences(units, moved / information, information)


def halved_contrast(inside: UnitDifferences, outside: UnitDifferences) -> UnitDifferences:
    """Return half of how much more each unit's success moved inside a part than outside it.

    A unit without a say about the outside counts with its move inside; half, so that it stays between -1 and
    1.
    """
    place = np.searchsorted(outside.unit, inside.unit)
    place = np.minimum(place, max(0, outside.units - 1))
    other, noise = np.zeros(inside.units), np.zeros(inside.units)
    if outside.units:
        has = outside.unit[place] == inside.unit
        other[has] = outside.difference[place[has]]
        noise[has] = 1 / outside.information[place[has]]
    information: Floats = 4 / (1 / inside.information + noise)
    return UnitDifferences(inside.unit, (inside.difference - other) / 2, information)


def fall_e_value(said: UnitDifferences, *, beyond: float = 0.0) -> float:
    """Return the e-value against "success is not lower in the second group".

    Parameters
    ----------
    said
        What each unit says.
    beyond
        Falls up to this difference (0.05: five points) are part of the null hypothesis.

    Returns
    -------
    float
        At least 0; 1 where there is nothing to go by.
    """
    if not said.units:
        return 1.0
    effect = np.array(EFFECTS)[:, None]
    variance = _ATTEMPT_VARIANCE / said.information + _UNIT_VARIANCE
    bet = np.minimum(effect / (variance + effect**2), _LARGEST_BET / (1 + beyond))
    wealth = np.log1p(bet * (-said.difference - beyond)).sum(axis=1)
    return float(np.exp(np.minimum(wealth, _LARGEST_LOG)).mean())


_LARGEST_LOG = 600.0


def rise_e_value(said: UnitDifferences, *, beyond: float = 0.0) -> float:
    """Return the e-value against "success is not higher in the second group"; see `fall_e_value`."""
    return fall_e_value(replace(said, difference=-said.difference), beyond=beyond)


def change_e_value(said: UnitDifferences, *, beyond: float = 0.0) -> float:
    """Return the e-value against "success is the same": the mean of those against a fall and a rise."""
    return (fall_e_value(said, beyond=beyond) + rise_e_value(said, beyond=beyond)) / 2
