"""The compiled inner loop of posterior draws (`compute.compiled` says how compiled code is cached)."""

from __future__ import annotations

from typing import Any

import numpy as np

from memory_pipeline.analysis.compute.compiled import compiled


@compiled
def corrected_rates(  # noqa: PLR0917 - numba knows no keyword-only arguments
    eta: Any, shifts: Any, spreads: Any, picked: Any, noise: Any, flattening: float
) -> Any:
    """Correct draws of log-odds by the records of each level, and return success rates, as the shape of eta.

    Parameters
    ----------
    eta
        Draws of log-odds, shape (approaches, draws); the second half of the draws takes the noise of the
        first with the other sign.
    shifts, spreads
        By how much records move the log-odds, and the standard deviation of that, for each prior strength,
        shape (levels, approaches, strengths).
    picked
        The strength of each draw, shape (levels, draws / 2).
    noise
        Standard normal draws, shape (levels, approaches, draws / 2).
    flattening
        By how much log-odds are stretched per variance.
    """
    levels, half = picked.shape
    rates = np.empty(eta.shape)
    for one in range(eta.shape[0]):
        for draw in range(half):
            moved, noisy, variance = 0.0, 0.0, 0.0
            for level in range(levels):
                strength = picked[level, draw]
                spread = spreads[level, one, strength]
                moved += shifts[level, one, strength]
                noisy += spread * noise[level, one, draw]
                variance += spread * spread
            stretch = np.sqrt(1 + flattening * variance)
            rates[one, draw] = 1 / (1 + np.exp(-(eta[one, draw] + moved) * stretch - noisy))
            rates[one, half + draw] = 1 / (1 + np.exp(-(eta[one, half + draw] + moved) * stretch + noisy))
    return rates
