"""At which levels of a context column does an effect hold (effect modification)?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, stats

from memory_pipeline.analysis.models.design import Design
from memory_pipeline.analysis.models.g_computation import Effect, standardised_effect
from memory_pipeline.analysis.models.penalised_logistic import LogisticFit, fit_pooled, weak_prior

if TYPE_CHECKING:
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts


def where_effect_holds(
    fit: LogisticFit,
    design: Design,
    *,
    column: str,
    value: str,
    reference: str,
    by: str,
    alpha: float,
    min_attempts: int = 20,
    min_units: int = 3,
) -> dict[str, list[str]]:
    """Test whether an effect is the same at every level of a context column, and if not, where it holds.

    The model is fitted again with the interaction of the two columns. The effects at the levels are compared
    by two Wald tests with an F reference: with the jackknife covariance over units
    (`LogisticFit.jackknife_shifts`) and with the working covariance; the larger p-value counts. The
    denominator degrees of freedom are the fewest of the effects.

    Parameters
    ----------
    fit, design
        The model without the interaction.
    column, value, reference
        The comparison.
    by
        The context column.
    alpha
        Level of the test; the caller adjusts it for the number of tests.
    min_attempts, min_units
        Attempts and units that each of the two values must have at a level for the level to be tested.

    Returns
    -------
    dict
        Empty where the levels do not differ significantly. Otherwise `{by: levels}` with the levels at which
        the effect has the sign of the overall effect and its interval excludes zero.
    """
    cells = fit.cells
    levels = [
        level
        for level in cells.levels_of(by)
        if all(
            _is_supported(cells, {column: side, by: level}, min_attempts, min_units)
            for side in (value, reference)
        )
    ]
    if len(levels) < 2:  # noqa: PLR2004 - a difference needs two levels
        return {}
    wider, again = _with_interaction(fit, design, column, by)
    effects = [
        standardised_effect(
            again,
            wider,
            column=column,
            value=value,
            reference=reference,
            population=cells.is_at(by, level) & (cells.is_at(column, value) | cells.is_at(column, reference)),
        )
        for level in levels
    ]
    if _p_value_of_equality(again, effects) > alpha:
        return {}
    weights = [cells.n[cells.is_at(by, level)].sum() for level in levels]
    overall = np.sign(np.average([effect.difference for effect in effects], weights=weights))
    return {
        by: [level for level, effect in zip(levels, effects, strict=True) if _excludes_zero(effect, overall)]
    }


def _is_supported(cells: GroupedCounts, values: dict[str, str], min_attempts: int, min_units: int) -> bool:
    mask = cells.where(values)
    return bool(cells.n[mask].sum() >= min_attempts) and cells.units_where(mask) >= min_units


def _with_interaction(fit: LogisticFit, design: Design, column: str, by: str) -> tuple[Design, LogisticFit]:
    cells = fit.cells
    products = [
        ((column, level), (by, place))
        for level in cells.levels_of(column)
        if level != cells.usual_level(column)
        for place in cells.levels_of(by)
        if place != cells.usual_level(by)
        and bool((cells.is_at(column, level) & cells.is_at(by, place)).any())
    ]
    wider = Design((*design.terms, *products), design.unit_terms)
    added = weak_prior(Design(tuple(products)))
    precision = np.insert(fit.precision, np.full(len(products), len(design.terms)), added)
    start = np.insert(fit.coefficients, np.full(len(products), len(design.terms)), 0.0)
    again = fit_pooled(
        wider.matrix(cells), cells, precision=precision, correlation=fit.correlation, start=start
    )
    return wider, again


def _p_value_of_equality(fit: LogisticFit, effects: list[Effect]) -> float:
    """Compute the p-value of Wald tests that all effects are equal (F distribution)."""
    gradients = np.array([effect.gradient - effects[0].gradient for effect in effects[1:]])
    differences = np.array([effect.difference - effects[0].difference for effect in effects[1:]])
    shifts = fit.jackknife_shifts @ gradients.T
    units = fit.cells.n_units
    robust = (units - 1) / units * shifts.T @ shifts
    working = gradients @ fit.bread @ fit.exchangeable_information() @ fit.bread @ gradients.T
    degrees = min(effect.degrees for effect in effects)
    # Each covariance alone can be too small (see standardised_effect), so both tests have to agree.
    return max(
        float(
            stats.f.sf(
                differences @ linalg.pinvh(covariance) @ differences / len(differences),
                len(differences),
                degrees,
            )
        )
        for covariance in (robust, working)
    )


def _excludes_zero(effect: Effect, sign: float) -> bool:
    low, high = effect.interval()
    return low > 0 if sign > 0 else high < 0
