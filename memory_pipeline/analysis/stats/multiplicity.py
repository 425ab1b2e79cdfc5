"""Which p-values are small, given how many tests were made (q-values)?

References
----------
1. Benjamini and Yekutieli (2001), The control of the false discovery rate in multiple testing under
   dependency, Annals of Statistics 29.
2. Benjamini and Hochberg (1995), Controlling the false discovery rate, JRSS B 57.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from statsmodels.stats.multitest import multipletests

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats


def false_discovery_q_values(p_values: Floats, searched: int, *, method: str = "fdr_by") -> Floats:
    """Compute q-values of some p-values out of `searched` tests (all others have the p-value 1).

    Parameters
    ----------
    p_values
        Shape (tests,).
    searched
        Number of tests.
    method
        `fdr_by`: Benjamini and Yekutieli, valid under any dependence (ref. 1); `fdr_bh`: Benjamini and
        Hochberg, valid under independence (ref. 2) and positive dependence (ref. 1).
    """
    padded = np.ones(max(searched, len(p_values)))
    padded[: len(p_values)] = p_values
    q_values: Floats = multipletests(padded, method=method)[1][: len(p_values)]
    return q_values


def largest_passing_p_value(tests: int, fdr: float) -> float:
    """Compute the largest p-value that Benjamini and Yekutieli's procedure can reject (ref. 1).

    A p-value can be rejected at this bound only where the p-values of all other tests are smaller.
    """
    return fdr / float(np.sum(1 / np.arange(1, tests + 1))) if tests else 0.0


def benjamini_yekutieli_q_values(p_values: list[float]) -> list[float]:
    """Compute q-values that hold under any dependence (ref. 1)."""
    adjusted: list[float] = multipletests(p_values, method="fdr_by")[1].tolist()
    return adjusted
