"""What is left of a pattern's difference once other columns are adjusted for (confounding)?

Each pattern is adjusted in two ways. *Stratified*: for each other column, the Mantel-Haenszel difference
over its levels (ref. 1); the column that changes the difference most is returned, and a reversed sign is a
case of Simpson's paradox (ref. 2). *Modelled*: the standardised difference in a logistic model with all
other columns. Both adjust only for what was recorded.

References
----------
1. Greenland and Robins (1985), Estimation of a common effect parameter from sparse follow-up data,
   Biometrics 41 (the Mantel-Haenszel risk difference).
2. Simpson (1951), The interpretation of interaction in contingency tables, JRSS B 13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.models.design import Design, main_effects
from memory_pipeline.analysis.models.g_computation import standardised_effect
from memory_pipeline.analysis.models.penalised_logistic import fit_pooled, weak_prior
from memory_pipeline.analysis.models.terms import INTERCEPT
from memory_pipeline.analysis.stats.mantel_haenszel import StratifiedCounts, risk_difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.analysis.arrays import Floats, Ints, Mask
    from memory_pipeline.analysis.evidence.evidence import Evidence
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts


LEAST_OVERLAP = 0.2
"""Least share of a pattern's attempts in strata with both sides, for a stratified difference to be used."""
_MOST_CELLS = 4_000
"""Most collapsed rows that the model is fitted to; of more, those of a random sample of the units."""
_PATTERN = "(pattern)"


@dataclass(frozen=True)
class Adjustment:
    """A pattern's difference after allowing for other columns.

    Attributes
    ----------
    stratified
        Mantel-Haenszel risk difference over the levels of `by`.
    by
        The column that moves the difference furthest towards, or past, zero; None where there is none
        that overlaps.
    overlap
        Share of the pattern's attempts in strata with attempts on both sides.
    modelled, ci_low, ci_high
        Risk difference with all other columns in a logistic model, and its 95% interval; NaN where all
        or no attempts of the model's rows are inside the pattern, or the fit does not converge.
    """

    stratified: float
    by: str | None
    overlap: float
    modelled: float
    ci_low: float
    ci_high: float

    def turns(self, difference: float) -> bool:
        """Return whether adjustment reverses the sign of a difference.

        True where the stratified difference has the opposite sign, or the interval of the modelled one lies
        on the other side of zero.
        """
        sign = np.sign(difference)
        high, low = (self.ci_high, self.ci_low) if sign > 0 else (-self.ci_low, -self.ci_high)
        return bool((self.by is not None and self.stratified * sign < 0) or (high < 0 and low < 0))


class Adjuster:
    """Adjusts patterns of one history for one target.

    Parameters
    ----------
    evidence
        The counted history.
    target
        As in `patterns.find.find_patterns`.
    """

    def __init__(self, evidence: Evidence, target: str) -> None:
        self._evidence = evidence
        self._n, self._k = evidence.n.astype(float), evidence.hits(target).astype(float)
        self._codes = {column: evidence.codes(column)[0].astype(np.int64) for column in evidence.conditions}
        self._row_of_cell = _rows_to_model(evidence)
        self._cells = evidence.part(self._row_of_cell).grouped(target)

    def adjust(self, conditions: Mapping[str, str]) -> Adjustment:
        """Compute the stratified and the modelled difference of one pattern."""
        inside = self._evidence.rows_with(conditions)
        rest = [column for column in self._evidence.conditions if column not in conditions]
        difference = _difference(self._n, self._k, inside)
        sign = 1.0 if difference >= 0 else -1.0
        found: tuple[float, str | None, float] = (difference, None, 1.0)
        for column in rest:
            size = len(self._evidence.codes(column)[1])
            counts = StratifiedCounts.of(self._n, self._k, inside, self._codes[column], size)
            stratified = risk_difference(counts)
            if counts.overlap >= LEAST_OVERLAP and stratified * sign < found[0] * sign:
                found = (stratified, column, counts.overlap)
        return Adjustment(*found, *self._modelled(inside, rest))

    def _modelled(self, inside: Mask, rest: list[str]) -> tuple[float, float, float]:
        here = inside[self._row_of_cell]
        cells = self._cells
        others = [
            column
            for column in rest
            if len(np.unique(cells.codes_of(column))) > 1 and not _is_split_by(here, cells, column)
        ]
        nothing = (float("nan"),) * 3
        if here.all() or not here.any():
            return nothing
        whole = cells.select(others).with_column(_PATTERN, ("no", "yes"), here.astype(np.int64))
        design = Design((INTERCEPT, *main_effects(whole, others), ((_PATTERN, "yes"),)))
        try:
            fit = fit_pooled(design.matrix(whole), whole, precision=weak_prior(design))
        except ArithmeticError:
            return nothing
        effect = standardised_effect(
            fit, design, column=_PATTERN, value="yes", reference="no", population=here
        )
        return (effect.difference, *effect.interval())


def _difference(n: Floats, k: Floats, inside: Mask) -> float:
    n1, k1 = int(n[inside].sum()), int(k[inside].sum())
    return k1 / max(n1, 1) - (int(k.sum()) - k1) / max(int(n.sum()) - n1, 1)


def _is_split_by(inside: Mask, cells: GroupedCounts, column: str) -> bool:
    """Return whether no level of a column occurs both inside and outside the pattern."""
    codes = cells.codes_of(column)
    return not np.intersect1d(codes[inside], codes[~inside]).size


def _rows_to_model(evidence: Evidence) -> Ints:
    """Choose the collapsed rows to model, shape (rows,): all, or those of a random part of the units."""
    if len(evidence) <= _MOST_CELLS:
        return np.arange(len(evidence))
    unit = np.arange(len(evidence)) if evidence.unit is None else evidence.codes(evidence.unit)[0]
    rank = np.random.default_rng(0).permutation(int(unit.max()) + 1)[unit]
    return np.flatnonzero(rank < np.partition(rank, _MOST_CELLS)[_MOST_CELLS])
