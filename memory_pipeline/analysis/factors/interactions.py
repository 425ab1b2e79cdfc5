"""Which two settings interact: is the effect of both not the sum of their effects?

Most settings are additive, and then factors of single settings suffice. A pair is reported where additivity
is rejected on both scales, rates and log-odds: near 0 and 1, effects that are additive on one scale are not
on the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from memory_pipeline.analysis.factors.contrasts import Comparison, PairOfSettings
from memory_pipeline.analysis.models.design import Design, varying_terms
from memory_pipeline.analysis.models.g_computation import standardised_contrast
from memory_pipeline.analysis.models.penalised_logistic import fit_pooled, weak_prior
from memory_pipeline.analysis.stats.multiplicity import benjamini_yekutieli_q_values, largest_passing_p_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.models.penalised_logistic import LogisticFit
    from memory_pipeline.analysis.models.terms import Term

    Singles = tuple[Comparison, Comparison]


_NEARLY = 2.0
_LEAST_ATTEMPTS, _LEAST_UNITS = 20, 3


def find_pairs(
    fit: LogisticFit, design: Design, singles: Sequence[Comparison], *, fdr: float, min_effect: float
) -> tuple[list[Comparison], list[float]]:
    """Find the pairs of settings that interact.

    Every two comparisons of different settings are tested where each of the four combinations has 20
    attempts of 3 units. A robust score test in the model without the interaction screens the pairs: those
    with more than twice the largest p-value that could be rejected count as tested, with p = 1. For the
    others the model is fitted again with the interaction, and the p-value is the larger of two Wald tests:
    of the interaction of log-odds, and of that of standardised rates. Over all pairs the false discovery rate
    is controlled (Benjamini and Yekutieli 2001).

    Parameters
    ----------
    fit, design
        The model without interactions.
    singles
        Comparisons of single settings; mirrored ones, those without an effect and those of settings that
        always occur with another one are not paired.
    fdr
        False discovery rate over the pairs tested.
    min_effect
        Least absolute interaction, as a difference of success rates.

    Returns
    -------
    pairs, q_values
        The pair of values with the smallest p-value of each two columns; the q-value is that of "both
        together have an effect, and it is not the sum of theirs".
    """
    tested = [
        (first, second)
        for first, second in combinations([one for one in singles if _can_pair(one)], 2)
        if first.column != second.column and _is_supported(fit, first, second)
    ]
    largest = _NEARLY * largest_passing_p_value(len(tested), fdr)
    screen = _ScoreTest.of(fit)
    found: list[Comparison | None] = [
        _pair(fit, design, pair) if screen.p_value(pair) <= largest else None for pair in tested
    ]
    if not any(found):
        return [], []
    apart = benjamini_yekutieli_q_values(
        [1.0 if one is None or one.together is None else one.together.p_value for one in found]
    )
    matters = benjamini_yekutieli_q_values([1.0 if one is None else _joint_p_value(one) for one in found])
    best: dict[frozenset[str], tuple[float, Comparison, float]] = {}
    for one, q_apart, q_matters in zip(found, apart, matters, strict=True):
        if one is None or one.together is None or q_apart > fdr:
            continue
        if abs(one.together.interaction.difference) < min_effect:
            continue
        columns = frozenset(one.settings)
        if columns not in best or one.together.p_value < best[columns][0]:
            best[columns] = (one.together.p_value, one, q_matters)
    return [one for _, one, _ in best.values()], [q for _, _, q in best.values()]


def _can_pair(one: Comparison) -> bool:
    return not one.is_mirrored and one.effect is not None and not one.together_with


def _joint_p_value(one: Comparison) -> float:
    if one.effect is None or one.together is None:
        return 1.0
    # Of two comparisons of the pair the one with the smaller p-value was taken: Bonferroni.
    return max(min(1.0, 2 * one.effect.p_value), one.together.p_value)


def _is_supported(fit: LogisticFit, first: Comparison, second: Comparison) -> bool:
    """Return whether all four combinations have enough attempts and units."""
    cells = fit.cells
    return all(
        cells.n[one & other].sum() >= _LEAST_ATTEMPTS and cells.units_where(one & other) >= _LEAST_UNITS
        for one, other in product((first.chosen, first.others), (second.chosen, second.others))
    )


def _term(pair: Singles) -> Term:
    return tuple((one.column, one.value) for one in pair)


@dataclass(frozen=True)
class _ScoreTest:
    """Cluster-robust score tests of terms that a model does not have.

    Attributes
    ----------
    fit
        The model.
    information, residual
        Weights of the cells in the information and in the score, shape (cells,).
    by_unit
        Scores of the model's own terms by unit, shape (units, terms).
    """

    fit: LogisticFit
    information: Floats
    residual: Floats
    by_unit: Floats

    @classmethod
    def of(cls, fit: LogisticFit) -> _ScoreTest:
        cells = fit.cells
        information = fit.weights * cells.n * fit.rates * (1 - fit.rates)
        residual = fit.weights * (cells.k - cells.n * fit.rates)
        return cls(fit, information, residual, fit.matrix.sums_by_unit(residual))

    def p_value(self, pair: Singles) -> float:
        """Compute the p-value of the interaction of two comparisons, without fitting it."""
        cells = self.fit.cells
        own = np.flatnonzero(cells.where(_term(pair)))
        projection = self.fit.bread @ self.fit.matrix.sums_over(own, self.information[own])
        alone = np.bincount(cells.unit[own], weights=self.residual[own], minlength=cells.n_units)
        sums = alone - self.by_unit @ projection
        spread = float(np.sqrt(np.sum(sums**2)))
        if spread == 0:
            return 1.0
        return float(2 * stats.t.sf(abs(float(sums.sum())) / spread, max(cells.n_units - 1, 1)))


def _pair(fit: LogisticFit, design: Design, pair: Singles) -> Comparison:
    """Fit the model with the interaction of two comparisons, and estimate the effect of both together."""
    cells, term = fit.cells, _term(pair)
    # As for single settings, with the unit's share the interaction is that within units.
    shared = varying_terms(cells, [term])
    wider = Design((*design.terms, term), (*design.unit_terms, *shared))
    where = len(design.terms)
    precision = np.concatenate(
        [np.insert(fit.precision, where, weak_prior(Design((term,)))), weak_prior(Design((), tuple(shared)))]
    )
    start = np.concatenate([np.insert(fit.coefficients, where, 0.0), np.zeros(len(shared))])
    again = fit_pooled(
        wider.matrix(cells), cells, precision=precision, correlation=fit.correlation, start=start
    )
    log_odds = np.zeros(len(wider))
    log_odds[where] = 1.0
    return _as_comparison(again, wider, pair, log_odds, is_within_units=bool(shared))


def _as_comparison(
    fit: LogisticFit, design: Design, pair: Singles, log_odds: Floats, *, is_within_units: bool
) -> Comparison:
    """Build one comparison of two settings from a fit with their interaction.

    There are two ways to compare both at once (both values with both references, or one value and one
    reference with the others). Of these the one with the smaller p-value is taken, in the direction in which
    the effect and the interaction have the same sign.
    """
    first, second = pair
    corners = [
        {first.column: one, second.column: other}
        for one, other in product((first.value, first.reference), (second.value, second.reference))
    ]
    diagonals = (corners[0], corners[3]), (corners[1], corners[2])
    effects = [
        standardised_contrast(
            fit, design, raised=one, lowered=other, population=fit.cells.where(one) | fit.cells.where(other)
        )
        for one, other in diagonals
    ]
    place = int(effects[1].p_value < effects[0].p_value)
    chosen, others = diagonals[place]
    interaction = standardised_contrast(
        fit,
        design,
        raised=diagonals[place],
        lowered=diagonals[1 - place],
        population=first.population & second.population,
    )
    effect = effects[place]
    if effect.difference * interaction.difference < 0:
        chosen, others, effect = others, chosen, effect.mirrored()
    masks = fit.cells.where(chosen), fit.cells.where(others)
    return Comparison(
        column=" and ".join(chosen),
        value=" and ".join(chosen.values()),
        reference=" and ".join(others.values()),
        is_mirrored=False,
        chosen=masks[0],
        population=masks[0] | masks[1],
        is_within_units=first.is_within_units and second.is_within_units and is_within_units,
        effect=effect,
        together=PairOfSettings(
            settings=chosen,
            reference=others,
            interaction=interaction,
            p_value=max(interaction.p_value, _wald_p_value(fit, log_odds, interaction.degrees)),
        ),
    )


def _wald_p_value(fit: LogisticFit, gradient: Floats, degrees: float) -> float:
    """Compute the p-value of a contrast with the larger of two variances (see `standardised_effect`)."""
    variance = max(float(fit.exchangeable_shares(gradient).sum()), fit.jackknife_variance(gradient))
    size = abs(float(gradient @ fit.coefficients))
    return float(2 * stats.t.sf(size / np.sqrt(variance), degrees)) if variance > 0 else 1.0
