"""Fit the success model by empirical Bayes.

A logistic model of success on context, settings and their interactions, in which each group of terms is
shrunk by a variance that maximises the marginal likelihood. It predicts the success of an approach before the
record of the approach is used, also of approaches that were rarely tried as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from memory_pipeline.analysis.models.design import Design, main_effects, varying_terms
from memory_pipeline.analysis.models.mixed_logistic import MixedFit, discount_cells, dispersion, fit_mixed
from memory_pipeline.analysis.models.terms import INTERCEPT, Term
from memory_pipeline.analysis.recommendations.interactions import (
    MOST_INTERACTIONS,
    promising_interactions,
)
from memory_pipeline.analysis.recommendations.success_model import SuccessModel, SuccessModelFit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts


_FIRST_ROUNDS, _ROUNDS = 6, 25
_DISCOUNT_ROUNDS = 5
_NO_MORE = 1.25
_NEGLIGIBLE_VARIANCE = 1e-3
_LARGEST_VARIANCE = 25.0
# Keeps success rates between 0.2% and 99.8%: where all attempts ended alike, log-odds have no other bound.
_INTERCEPT_PRECISION = 0.1
_LOOSE, _TIGHT = 1e-3, 1e-9
_UNIT_VARIANCES = (1e-3, 9.0)
_SHARING = 3.0
_INTERACTION_ATTEMPTS = 5
_PENALTY_PER_VARIANCE = 0.25
MOST_CELLS = 50_000
_CONVERGED = 0.1
_CONTEXT, _SETTING, _INTERACTION, _SHARE, _HIGHER = 1, 2, 3, 4, 5
_OF_SETTINGS = (_SETTING, _INTERACTION, _HIGHER)
# Usual spread of coefficients of a sort (log-odds), and the number of coefficients that it counts for.
_USUAL_SPREAD = {_CONTEXT: 0.7, _SETTING: 0.2, _INTERACTION: 0.1, _HIGHER: 0.05}
_USUAL_WEIGHT = 4.0
# Unit shares are there to remove confounding, so they are hardly shrunk.
_SHARE_SPREAD = 2.5


def fit_success_model(
    cells: GroupedCounts,
    *,
    settings: Sequence[str],
    context: Sequence[str],
    pooling_columns: Sequence[str] = (),
    max_cells: int = MOST_CELLS,
) -> SuccessModelFit:
    """Fit the success model with settings, and the one without.

    The shrinkage of each group of terms maximises the marginal likelihood (empirical Bayes). Groups are each
    context column, each setting, and pairs of a setting and a context column of at most twelve levels, as far
    as the residuals of a first fit without pairs suggest them (200 terms at most).
    A group's coefficients are normal around zero. Its variance follows from the fixed point
    `variance = sum(b^2) / determined`, where `determined` is the number of its coefficients that the data
    determine, `terms - trace(V) / variance` (MacKay 1992, "The evidence framework applied to
    classification networks"). It is shrunk towards the common variance of the groups of its sort (which
    counts for three coefficients), and that towards a usual one (`_USUAL_SPREAD`, which counts for four). A
    group that explains nothing is dropped.

    The Bayes factor of the model with settings against the one without tells how probable it is that
    settings matter at all. It is corrected for fitted variances: where the true variance is zero, fitting it
    gains a quarter of a unit of log-likelihood on average (half of a chi-squared variable that is zero every
    other time; Self and Liang 1987).

    Attempts are down-weighted so that leaving units out moves the coefficients no more than the model expects
    (`models.mixed_logistic.dispersion`).

    Each unit has a random intercept, whose variance is fitted alike, and as covariates its shares of the
    values that vary within it (`models.design.varying_terms`), relative to what is usual in its pool. So a
    setting gets no credit for the units that it was used with, and comparisons within and across units count
    by their precision (`models.mixed_logistic`). The resulting model is for a new unit: log-odds are
    attenuated by the spread of the intercepts.

    Of more than `max_cells` cells a systematic sample is fitted.

    Parameters
    ----------
    cells
        Counts per unit and combination of encoded conditions.
    settings, context
        The encoded columns of approach and context.
    pooling_columns
        The context columns (none or more) whose values are the pools.
    max_cells
        Most cells that are fitted.
    """
    everything, times = cells, 1.0
    cells = _sample(cells, max_cells)
    plain = _columns(cells, settings, context, ())
    for attempt in range(_DISCOUNT_ROUNDS):
        first, _ = _shrunk_fit(cells, plain, pooling_columns, rounds=_FIRST_ROUNDS)
        promising = promising_interactions(first, cells, settings=settings, context=context)
        columns = _columns(cells, settings, context, promising)
        fit, columns = _shrunk_fit(cells, columns, pooling_columns, rounds=_ROUNDS)
        more = dispersion(fit)
        if more < _NO_MORE or attempt == _DISCOUNT_ROUNDS - 1:
            break
        times *= more
        cells = discount_cells(cells, more)
    without = plain.take(~np.isin(plain.sorts, _OF_SETTINGS))
    fit_without, without = _shrunk_fit(cells, without, pooling_columns, rounds=_ROUNDS)
    return SuccessModelFit(
        *_for_new_units(fit, columns, everything, pooling_columns),
        *_for_new_units(fit_without, without, everything, pooling_columns),
        log_bayes_factor=fit.log_evidence - fit_without.log_evidence - _variance_penalty(columns),
        determined=float(fit.determined[np.isin(columns.sorts, _OF_SETTINGS)].sum()),
        attempt_weight=1 / times,
    )


def _for_new_units(
    fit: MixedFit, columns: _Columns, cells: GroupedCounts, pooling_columns: Sequence[str]
) -> tuple[SuccessModel, Floats]:
    """Return a fit as the model for a new unit, and the log-odds of the cells with their known units."""
    terms = len(columns.design.terms)
    root = linalg.cholesky(fit.covariance[:terms, :terms] + 1e-10 * np.eye(terms), lower=True)
    model = SuccessModel(
        Design(columns.design.terms),
        fit.attenuation * fit.coefficients[:terms],
        np.ascontiguousarray(fit.attenuation * root),
        fit.correlation,
    )
    fitted = columns.design.matrix(cells, centre_on=pooling_columns).dot(fit.coefficients)
    return model, np.asarray(fitted + fit.intercepts[cells.unit])


def _variance_penalty(columns: _Columns) -> float:
    """Return the log-likelihood gained by chance from fitting the variances of settings and interactions."""
    fitted = np.unique(columns.groups[np.isin(columns.sorts, _OF_SETTINGS)])
    return _PENALTY_PER_VARIANCE * len(fitted)


def _sample(cells: GroupedCounts, most: int) -> GroupedCounts:
    """Return a systematic sample of the cells, or all where they are not more than `most`.

    Cells are in the order of their units, so units keep their proportions; some small units have none left.
    """
    if len(cells.unit) <= most:
        return cells
    last = len(cells.unit) - 1
    rows = np.unique(np.linspace(0, last, most).round().astype(int))
    return cells.take(rows)


def _shrunk_fit(
    cells: GroupedCounts, columns: _Columns, pooling_columns: Sequence[str], *, rounds: int
) -> tuple[MixedFit, _Columns]:
    """Alternate between the fit and the variances of the groups; return the fit and the columns left."""
    matrix = columns.design.matrix(cells, centre_on=pooling_columns)
    precision = np.full(len(columns.design), 1.0)
    precision[0] = _INTERCEPT_PRECISION
    precision[columns.sorts == _SHARE] = _SHARE_SPREAD**-2
    fit = fit_mixed(matrix, cells, precision=precision, unit_precision=1.0, tolerance=_LOOSE)
    for _ in range(rounds):
        updated, keep = _updated_precision(fit, columns)
        spread = float(fit.intercepts @ fit.intercepts)
        known = float(np.sum(1 - fit.intercept_variances * fit.unit_precision))
        unit_precision = 1 / float(np.clip(spread / max(known, 1e-6), *_UNIT_VARIANCES))
        changes = [*np.log(updated / fit.precision)[keep], np.log(unit_precision / fit.unit_precision)]
        columns, matrix = columns.take(keep), matrix.columns(keep)
        is_converged = max(map(abs, changes)) < _CONVERGED
        fit = fit_mixed(
            matrix,
            cells,
            precision=updated[keep],
            unit_precision=unit_precision,
            start=(fit.coefficients[keep], fit.intercepts),
            tolerance=_TIGHT if is_converged else _LOOSE,
        )
        if is_converged:
            return fit, columns
    start = fit.coefficients, fit.intercepts
    return (
        fit_mixed(matrix, cells, precision=fit.precision, unit_precision=fit.unit_precision, start=start),
        columns,
    )


@dataclass(frozen=True)
class _Columns:
    """The columns of the model, with the group that each is shrunk with and the sort of the group."""

    design: Design
    groups: NDArray[np.int64]
    sorts: NDArray[np.int64]

    def take(self, keep: NDArray[np.bool_]) -> _Columns:
        kept = [
            tuple(term for term, is_in in zip(terms, part, strict=True) if is_in)
            for terms, part in (
                (self.design.terms, keep[: len(self.design.terms)]),
                (self.design.unit_terms, keep[len(self.design.terms) :]),
            )
        ]
        return _Columns(Design(*kept), self.groups[keep], self.sorts[keep])


def _columns(
    cells: GroupedCounts,
    settings: Sequence[str],
    context: Sequence[str],
    interactions: Sequence[tuple[str, ...]],
) -> _Columns:
    """Return the columns of the model: intercept (group 0), context, settings, interactions, unit shares."""
    blocks: list[tuple[int, list[Term]]] = [
        (sort, [((column, level),) for level in cells.levels_of(column)])
        for sort, names in ((_CONTEXT, context), (_SETTING, settings))
        for column in names
    ]
    room = MOST_INTERACTIONS
    for names in interactions:
        first, group = cells.combinations(names)
        tried = np.bincount(group, weights=cells.n)
        own: list[Term] = [
            tuple((name, cells.levels_of(name)[cells.codes_of(name)[cell]]) for name in names)
            for cell in first[tried >= _INTERACTION_ATTEMPTS]
        ]
        if len(own) <= room:
            is_simple = len(names) == 2 and names[1] in context  # noqa: PLR2004 - a setting and a column
            blocks.append((_INTERACTION if is_simple else _HIGHER, own))
            room -= len(own)
    shared = [(_SHARE, varying_terms(cells, main_effects(cells, [c]))) for c in (*context, *settings)]
    counts = [1, *(len(own) for _, own in (*blocks, *shared))]
    sorts = [0, *(sort for sort, _ in (*blocks, *shared))]
    return _Columns(
        Design(
            (INTERCEPT, *(term for _, own in blocks for term in own)),
            tuple(term for _, own in shared for term in own),
        ),
        np.repeat(np.arange(len(counts)), counts),
        np.repeat(sorts, counts),
    )


def _updated_precision(fit: MixedFit, columns: _Columns) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the next precision of each column, and a mask of the columns whose groups explain anything."""
    precision = fit.precision.copy()
    keep = np.ones(len(precision), dtype=bool)
    determined = fit.determined
    squares = fit.coefficients**2
    fitted = (columns.groups > 0) & (columns.sorts != _SHARE)
    for group in np.unique(columns.groups[fitted]):
        own = columns.groups == group
        alike = columns.sorts == columns.sorts[own][0]
        usual = _USUAL_SPREAD[int(columns.sorts[own][0])] ** 2
        common = squares[alike].sum() + _USUAL_WEIGHT * usual
        common /= determined[alike].sum() + _USUAL_WEIGHT
        known = determined[own].sum()
        updated = (squares[own].sum() + _SHARING * common) / (known + _SHARING)
        keep[own] = updated > _NEGLIGIBLE_VARIANCE
        precision[own] = 1 / float(np.clip(updated, _NEGLIGIBLE_VARIANCE, _LARGEST_VARIANCE))
    return precision, keep
