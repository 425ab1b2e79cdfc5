"""Were two values of a setting chosen in comparable contexts (overlap, positivity)?

Where one of them was hardly ever chosen, a comparison is an extrapolation of the model.

References
----------
1. Crump, Hotz, Imbens and Mitnik (2009), Dealing with limited overlap in estimation of average treatment
   effects, Biometrika 96 (propensities from 0.1 to 0.9).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.models.design import Design, main_effects
from memory_pipeline.analysis.models.penalised_logistic import fit_logistic, weak_prior
from memory_pipeline.analysis.models.terms import INTERCEPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
    from memory_pipeline.analysis.factors.contrasts import Comparison


POOR = 0.5
"""Share of comparable attempts below which the overlap is called poor."""
LEAST = 0.01
"""Share of comparable attempts below which two values cannot be compared: all hangs on the model then."""
_RARELY = 0.1


def comparable_share(cells: GroupedCounts, one: Comparison, context: Sequence[str]) -> float:
    """Compute the share of the attempts with either value that have comparable attempts with the other.

    Within units: the attempts of units that had both values. Between units: the attempts with a propensity
    from 0.1 to 0.9 (ref. 1) in a logistic model of the choice on the context columns. Both sides count half:
    a value that is rare everywhere has comparable attempts, one that is chosen apart has none.

    Parameters
    ----------
    cells
        Counts per unit and combination.
    one
        The comparison; its `is_within_units` is set already.
    context
        Encoded context columns.

    Returns
    -------
    float
        Between 0 and 1.
    """
    attempts = np.where(one.population, cells.n, 0.0)
    if one.is_within_units:
        sides = [np.bincount(cells.unit[mask], minlength=cells.n_units) for mask in (one.chosen, one.others)]
        return float(attempts[((sides[0] > 0) & (sides[1] > 0))[cells.unit]].sum() / attempts.sum())
    design = Design((INTERCEPT, *main_effects(cells, context)))
    matrix = design.matrix(cells)
    for side in (one.chosen, one.others):
        attempts[side] *= 0.5 * cells.n[one.population].sum() / attempts[side].sum()
    choices = replace(cells, n=attempts, k=np.where(one.chosen, attempts, 0.0))
    propensity = expit(matrix.dot(fit_logistic(matrix, choices, precision=weak_prior(design))))
    is_comparable = (propensity >= _RARELY) & (propensity <= 1 - _RARELY)
    return float(attempts[is_comparable].sum() / attempts.sum())
