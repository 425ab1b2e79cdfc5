"""Compiled inner loops of the exact tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from memory_pipeline.analysis.compute.compiled import compiled


@compiled
def sum_of_hypergeometrics(total: Any, hits: Any, drawn: Any, log_factorials: Any) -> Any:
    """Compute the distribution of a sum of hypergeometric numbers, by convolution of one after the other.

    Parameters
    ----------
    total, hits, drawn
        Attempts, attempts with the target, and attempts inside of each table, shape (tables,).
    log_factorials
        Logarithms of the factorials from 0 to the largest total.

    Returns
    -------
    array, shape (values,)
        Probabilities, from the least possible sum upwards.
    """
    values = 1
    for one in range(len(total)):
        values += min(drawn[one], hits[one]) - max(drawn[one] + hits[one] - total[one], 0)
    chance, before = np.zeros(values), np.zeros(values)
    chance[0] = 1.0
    width = 1
    for one in range(len(total)):
        low = max(drawn[one] + hits[one] - total[one], 0)
        steps = min(drawn[one], hits[one]) - low
        if steps == 0:
            continue
        rest, misses = total[one] - drawn[one], total[one] - hits[one]
        margins = (
            log_factorials[hits[one]]
            + log_factorials[misses]
            + log_factorials[drawn[one]]
            + log_factorials[rest]
            - log_factorials[total[one]]
        )
        before[:width] = chance[:width]
        chance[: width + steps] = 0.0
        for step in range(steps + 1):
            inside = low + step
            term = np.exp(
                margins
                - log_factorials[inside]
                - log_factorials[hits[one] - inside]
                - log_factorials[drawn[one] - inside]
                - log_factorials[misses - drawn[one] + inside]
            )
            for value in range(width):
                chance[value + step] += before[value] * term
        width += steps
    return chance
