"""How strongly are two columns associated, when attempts repeat within units (Cramér's V)?

The strength of association is Cramér's V with Bergsma's correction for bias (ref. 1). Columns that are
constant within a unit seem associated when there are few units, since the attempts of a unit are no
independent observations. So the correction and the test use an *effective* number of attempts: the number
of independent attempts whose chi-square statistic has the same expectation under independence (Rao and
Scott's design effect, ref. 2). With x and y the centred and scaled indicators of the two columns, X_u the
sum of x y' over the attempts of unit u, X their total and w_u the unit's share of all N attempts, the
expectation of phi squared under independence is::

    E = c / N^2 * sum over units of || X_u - w_u X ||^2

which is about (rows - 1)(columns - 1) / N where attempts are independent. The factor
c = S2 / (S2 - 2 S3 + S2^2), with S2 and S3 the sums of w_u^2 and w_u^3, corrects for the deviations being
taken from the estimated total (it is units / (units - 1) for units of equal size), so that one unit with
half of all attempts does not count as the agreement of many.

References
----------
1. Bergsma (2013), A bias-correction for Cramér's V and Tschuprow's T, Journal of the Korean
   Statistical Society 42.
2. Rao and Scott (1981), The analysis of categorical data from complex sample surveys, JASA 76.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats, Ints


_DENSE_CELLS = 5_000_000


class Association(NamedTuple):
    """How strongly two columns are associated, with the p-value and the effective number of attempts."""

    cramers_v: float
    p_value: float
    effective_attempts: float


def association(a: Ints, b: Ints, n: Ints, unit: Ints | None = None) -> Association:
    """Compute the association of two columns.

    Parameters
    ----------
    a, b
        Level codes of each row, shape (rows,), from 0.
    n
        Attempts of each row, shape (rows,).
    unit
        Code of the evidence unit of each row; None where every attempt is an independent observation.

    Returns
    -------
    Association
        Bias-corrected V in [0, 1], 0 where a column has one level only; the p-value of independence
        (F with as many denominator degrees of freedom as there are effective units, less one, per cell).
    """
    a, rows = _present_codes(a, n)
    b, columns = _present_codes(b, n)
    total = float(n.sum())
    if rows < 2 or columns < 2:  # noqa: PLR2004 - a constant is associated with nothing
        return Association(0.0, 1.0, total)
    joint = np.bincount(a * columns + b, weights=n, minlength=rows * columns).reshape(rows, columns)
    share_a, share_b = joint.sum(axis=1) / total, joint.sum(axis=0) / total
    phi_square = float((joint**2 / (np.outer(share_a, share_b) * total**2)).sum()) - 1
    cells = (rows - 1) * (columns - 1)
    by_chance, effective_units = cells / total, np.inf
    if unit is not None:
        # At least that of independent attempts: units that balance a column do not make it more certain.
        by_chance = max(_expected_by_chance(a, b, n, unit), by_chance)
        of_unit = np.bincount(unit, weights=n)
        effective_units = max(total**2 / float((of_unit**2).sum()) - 1, 1.0)
    effective = cells / by_chance
    statistic = phi_square / by_chance  # chi square by its degrees of freedom
    p_value = float(
        stats.f.sf(statistic, cells, cells * effective_units)
        if unit is not None
        else stats.chi2.sf(statistic * cells, cells)
    )
    return Association(_bergsma(phi_square, rows, columns, effective), p_value, effective)


def _present_codes(codes: Ints, n: Ints) -> tuple[Ints, int]:
    """Renumber the levels that occur, from 0."""
    levels, numbered = np.unique(codes[n > 0], return_inverse=True)
    if len(numbered) == len(codes):
        return numbered, len(levels)
    whole = np.zeros(len(codes), dtype=np.int64)
    whole[n > 0] = numbered
    return whole, len(levels)


def _bergsma(phi_square: float, rows: int, columns: int, n: float) -> float:
    if n <= 1:
        return 0.0
    corrected = max(0.0, phi_square - (rows - 1) * (columns - 1) / (n - 1))
    size = min(k - (k - 1) ** 2 / (n - 1) for k in (rows, columns)) - 1
    return float(np.clip(np.sqrt(corrected / size), 0, 1)) if size > 0 else 0.0


def _expected_by_chance(a: Ints, b: Ints, n: Ints, unit: Ints) -> float:
    """Compute the expectation of phi squared under independence, from counts (E in the module docstring)."""
    total = float(n.sum())
    share_a, share_b = (np.bincount(codes, weights=n) / total for codes in (a, b))
    rows, columns, units = len(share_a), len(share_b), int(unit.max()) + 1
    wide = unit.astype(np.int64)

    def squares(cell: Ints, size: int, share: Floats) -> float:
        key = wide * size + cell
        if units * size <= _DENSE_CELLS:
            counts = np.bincount(key, weights=n, minlength=units * size).reshape(units, size)
            return float((counts**2).sum(axis=0) @ (1 / share))
        keys, place = np.unique(key, return_inverse=True)
        return float((np.bincount(place, weights=n) ** 2) @ (1 / share[keys % size]))

    both = squares(a * columns + b, rows * columns, np.outer(share_a, share_b).ravel())
    alone = squares(a, rows, share_a) + squares(b, columns, share_b)
    whole = float((np.bincount(wide, weights=n) ** 2).sum())
    # Less what all units share, which is the association itself; the scatter around it is left.
    joint = np.bincount(a * columns + b, weights=n, minlength=rows * columns)
    independent = total * np.outer(share_a, share_b).ravel()
    excess = np.divide(joint - independent, independent / total)
    of_unit = np.bincount(wide, weights=n) / total
    shared = float((n * of_unit[wide]) @ excess[a * columns + b])
    size = float(((joint - independent) ** 2 / (independent / total)).sum())
    scatter = both - alone + whole - 2 * shared + float((of_unit**2).sum()) * size
    # The deviations are taken from the estimated mean, and a unit's part varies with its size (for equal
    # units the correction is the usual factor units / (units - 1)).
    square, cube = float((of_unit**2).sum()), float((of_unit**3).sum())
    return scatter / total**2 * square / max(square - 2 * cube + square**2, 1e-12)
