"""What does each approach setting change in success, everything else that is known being equal?

What belongs here: which comparisons are made, and in which population. The model is in
`models.penalised_logistic`, the effect in `models.g_computation`, the table of the results in
`factors.table`, their wording in `factors.text`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.compute.threads import on_one_thread
from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts, group_attempts
from memory_pipeline.analysis.factors.contrasts import Comparison, list_comparisons, q_values_of
from memory_pipeline.analysis.factors.effect_modification import where_effect_holds
from memory_pipeline.analysis.factors.interactions import find_pairs
from memory_pipeline.analysis.factors.overlap import LEAST, comparable_share
from memory_pipeline.analysis.factors.table import factor_table
from memory_pipeline.analysis.features.columns import check_columns
from memory_pipeline.analysis.features.encoding import encode_conditions, encoded_columns
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.models.change_points import Change, find_changes
from memory_pipeline.analysis.models.design import Design, main_effects, varying_terms
from memory_pipeline.analysis.models.estimability import Estimability, same_partition_groups
from memory_pipeline.analysis.models.g_computation import standardised_effect
from memory_pipeline.analysis.models.penalised_logistic import LogisticFit, fit_pooled, weak_prior
from memory_pipeline.analysis.models.terms import INTERCEPT
from memory_pipeline.analysis.names import PERIOD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.features.encoding import Encoding


@on_one_thread
def estimate_factors(
    outcomes: pd.DataFrame,
    *,
    approach: Sequence[str],
    context: Sequence[str],
    unit: str,
    encoding: Encoding | None = None,
    fdr: float = 0.05,
    by: str = "installer_type",
    min_effect: float = 0.02,
) -> pd.DataFrame:
    """Estimate what each value of each approach setting changes against its usual alternative.

    One logistic regression of success (a partial success does not count) on all settings, all context and
    the quarter of the history that an attempt is in (where there is `occurred_at`). Where a column varies
    within units, each unit's share of every value is in the model too, so that the effect is that of the
    comparison within units, which nothing constant about a unit, recorded or not, can confound
    (`models.design.varying_terms`); where it does not, units are compared with each other.

    Each coefficient has a weak Gaussian prior, which keeps separated data finite
    (`models.penalised_logistic.weak_prior`); each unit's weight is bounded by its design effect
    (`fit_pooled`). The effect is the difference of standardised success rates over the
    attempts that had either value, with an interval that allows for repeated attempts
    (`standardised_effect`).

    The *reference* is the most frequent other stated value of the same setting; leaving the setting out
    is the reference only where there is no other value. Rare values (`(other)`) are adjusted for and not
    reported.

    Two settings that do not add up are a factor of their own: what both change together
    (`factors.interactions.find_pairs`).

    Parameters
    ----------
    outcomes
        Flat attempts, shape (attempts, any): `outcome_status`, the condition columns, the unit.
    approach
        The settings whose effects are estimated.
    context
        What was known before the attempt and not chosen; adjusted for.
    unit
        Column of the evidence unit.
    encoding
        How approach and context become categories, learned before on this history, as a rebuild does once
        for all steps; None: it is learned here.
    fdr
        False discovery rate of `is_factor`, over all comparisons (Benjamini and Yekutieli 2001).
    by
        Context column for which effect modification is tested.
    min_effect
        Least absolute interaction of a pair of settings, as a difference of success rates.

    Returns
    -------
    DataFrame
        One row per value, columns `FACTOR_COLUMNS`, ranked by the lower bound of the effect's size.
        `effectiveness`, `ci_low`, `ci_high` : difference of success rates, and its 95% interval.
        `confidence` : probability that the sign is right, after shrinkage (`direction_confidence`).
        `sample_size`, `units`, `units_with_both` : attempts and units that had either value, and units that
        had both; `is_within_units` where the effect is that within units. `attempts_with_value`,
        `attempts_with_reference`, `units_with_value`, `units_with_reference` : those of each side.
        `overlap` : share of the attempts in comparable contexts (`factors.overlap.comparable_share`).
        `drift` : since when attempts with one of the values end differently (`models.change_points.Change`
        as a dict). `settings`, `reference_settings` : both sides by column; several columns for a pair, whose
        `column`, `value` and `reference` name both ("a and b"). `interaction` : for a pair, its interaction
        on the scale of rates (`difference`, `ci_low`, `ci_high`, `p_value`); empty otherwise. The `q_value`
        of a pair is that of "both change something, and do not add up", over the pairs tested.
        `expected_rate`, `reference_rate` : the standardised rates. `crude_difference` : without adjustment;
        `is_sign_flipped` where adjustment reverses its sign. `is_mirrored` : the row repeats the comparison
        of another row with the sides exchanged. `not_separable_from` : settings that were always chosen
        together with this one (the effect is that of all of them), or columns that determine it (then the
        effect is not estimable: effect 0, interval -1 to 1, confidence 0.5). Nor is it where the two values
        were not chosen in comparable contexts (`factors.overlap.LEAST`). `applicability` : where effect
        modification was found, the levels of `by` at which the effect holds. `caveats` : sentences about
        the limits of the estimate.

    Raises
    ------
    KeyError
        When a column is not in the frame.
    ValueError
        When a column is both approach and context.
    """
    check_columns(outcomes, approach=approach, context=context, unit=unit)
    if outcomes.empty:
        return factor_table([], ([], []), None, unit=unit, fdr=fdr)
    encoded, settings = _encode(outcomes, approach, context, unit, encoding)
    cells = group_attempts(encoded, outcomes[unit], is_success(outcomes))
    comparisons = [found for column in settings for found in list_comparisons(cells, column)]
    pairs: tuple[list[Comparison], list[float]] = ([], [])
    changes: tuple[Change, ...] = ()
    if 0 < cells.k.sum() < cells.n.sum() and cells.n_units > 1:
        fit, design = _estimate(comparisons, cells, settings, fdr=fdr, by=by)
        pairs = find_pairs(fit, design, comparisons, fdr=fdr, min_effect=min_effect)
        places = [c for c in cells.columns if c not in settings and c != PERIOD]
        for one in (*comparisons, *pairs[0]):
            one.overlap = comparable_share(cells, one, places)
            if one.effect is not None and one.overlap < LEAST:
                one.is_comparable, one.effect, one.applicability = False, None, {}
        pairs = _comparable(pairs)
        changes = _changes(outcomes, fit, encoded[[*settings, *places]], unit=unit)
    return factor_table(comparisons, pairs, cells, unit=unit, fdr=fdr, changes=changes)


def _comparable(pairs: tuple[list[Comparison], list[float]]) -> tuple[list[Comparison], list[float]]:
    """Return the pairs of settings, with their q-values, that were chosen in comparable contexts."""
    kept = [(one, q) for one, q in zip(*pairs, strict=True) if one.is_comparable]
    return [one for one, _ in kept], [q for _, q in kept]


def _changes(
    outcomes: pd.DataFrame, fit: LogisticFit, encoded: pd.DataFrame, *, unit: str
) -> tuple[Change, ...]:
    """Find the values with which attempts end differently from some time on than the model expects."""
    if "occurred_at" not in outcomes:
        return ()
    expected = pd.Series(fit.rates[fit.cells.cell_of], index=outcomes.index)
    return find_changes(outcomes, expected, columns=list(map(str, encoded)), unit=unit, encoded=encoded)


def _encode(
    outcomes: pd.DataFrame,
    approach: Sequence[str],
    context: Sequence[str],
    unit: str,
    encoding: Encoding | None,
) -> tuple[pd.DataFrame, list[str]]:
    """Encode the conditions and the quarter of the history; return which columns are of the approach too."""
    conditions = [column for column in (*context, *approach) if column != unit]
    found = encode_conditions(outcomes, conditions, unit=unit, encoding=encoding)
    encoded, settings = found.frame, encoded_columns(found.encoding.part(approach))
    if "occurred_at" not in outcomes:
        return encoded, settings
    when = pd.to_datetime(outcomes["occurred_at"], utc=True).dt.tz_localize(None)
    moments = when.to_numpy().astype("datetime64[s]").astype(np.int64)
    edges = np.unique(np.quantile(moments, [0.25, 0.5, 0.75]))
    quarter = np.searchsorted(edges, moments, side="right").astype(str)
    if len(set(quarter)) > 1:
        encoded[PERIOD] = pd.Categorical(quarter)
    return encoded, settings


def _estimate(
    comparisons: list[Comparison], cells: GroupedCounts, settings: list[str], *, fdr: float, by: str
) -> tuple[LogisticFit, Design]:
    """Fit the model once and fill in each comparison's effect, or the columns that it is aliased with."""
    context = [column for column in cells.columns if column not in settings]
    groups = same_partition_groups(cells, [*context, *settings])
    leader = {column: group[0] for group in groups for column in group}
    effects = main_effects(cells, [group[0] for group in groups])
    shared = varying_terms(cells, [term for term in effects if term[0][0] != PERIOD])
    design = Design((INTERCEPT, *effects), tuple(shared))
    matrix = design.matrix(cells)
    fit = fit_pooled(matrix, cells, precision=weak_prior(design))
    estimability = Estimability(matrix, design)
    companions = {column: [c for c in group if c != column] for group in groups for column in group}
    for one in comparisons:
        model_column = leader[one.column]
        one.together_with = companions[one.column]
        if model_column in context:
            continue
        levels = [_level_where(cells, model_column, mask) for mask in (one.chosen, one.others)]
        contrast = design.contrast(model_column, levels[0], levels[1])
        aliased = estimability.aliased_with(model_column, contrast)
        if aliased:
            shown = ("(period)" if column == PERIOD else column for column in aliased)
            one.together_with = sorted({*one.together_with, *shown})
            continue
        one.is_within_units = all(
            design.terms[i] in design.unit_terms for i in np.flatnonzero(contrast).tolist()
        )
        one.effect = standardised_effect(
            fit,
            design,
            column=model_column,
            value=levels[0],
            reference=levels[1],
            population=one.population,
        )
    _test_applicability(comparisons, fit, design, leader, fdr=fdr, by=by)
    return fit, design


def _test_applicability(
    comparisons: list[Comparison],
    fit: LogisticFit,
    design: Design,
    leader: dict[str, str],
    *,
    fdr: float,
    by: str,
) -> None:
    """Fill in at which levels of `by` each factor's effect holds, where it differs; mirrored ones alike."""
    if by not in fit.cells.columns:
        return
    found = [
        one
        for one, q in zip(comparisons, q_values_of(comparisons), strict=True)
        if q <= fdr and one.effect is not None and leader[one.column] == one.column
    ]
    twins = {(one.column, one.reference, one.value): one for one in found if not one.is_mirrored}
    for one in twins.values():
        one.applicability = where_effect_holds(
            fit,
            design,
            column=one.column,
            value=one.value,
            reference=one.reference,
            by=by,
            alpha=fdr / len(twins),
        )
    for one in found:
        if one.is_mirrored:
            one.applicability = twins[one.column, one.value, one.reference].applicability


def _level_where(cells: GroupedCounts, column: str, mask: NDArray[np.bool_]) -> str:
    return cells.levels_of(column)[int(cells.codes_of(column)[np.argmax(mask)])]
