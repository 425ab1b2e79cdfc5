"""Resamples of whole units (the cluster bootstrap), in memory that many units do not exhaust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_AT_ONCE = 40


def resampled_totals(random: np.random.Generator, columns: Sequence[NDArray[Any]], draws: int) -> Floats:
    """Draw as many units as there are, with replacement, and add up what they have; again and again.

    Parameters
    ----------
    random
        The random numbers.
    columns
        What is added up, of each unit, shape (units,) each.
    draws
        Resamples; each is the same for all columns.

    Returns
    -------
    array
        Shape (columns, draws).
    """
    units = len(columns[0])
    shares = np.full(units, 1 / units)
    totals = np.empty((len(columns), draws))
    for start in range(0, draws, _AT_ONCE):
        end = min(start + _AT_ONCE, draws)
        picks = random.multinomial(units, shares, size=end - start).astype(float)
        for row, column in zip(totals, columns, strict=True):
            row[start:end] = picks @ column
    return totals
