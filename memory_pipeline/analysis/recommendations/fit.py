"""Fit a policy: what gives advice for a described context.

`fit_policy` fits a `Policy` to the history; the policy answers. The model behind it is in
`recommendations.success_model_fit`, the records in `recommendations.pooled_records`, the posterior in
`recommendations.posterior`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit

from memory_pipeline.analysis.compute.threads import on_one_thread
from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts, combined_key, group_attempts
from memory_pipeline.analysis.features.columns import check_columns
from memory_pipeline.analysis.features.encoding import Encoding, encode, encode_conditions
from memory_pipeline.analysis.features.levels import distinct_values
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.features.screening import screen_columns
from memory_pipeline.analysis.models.design import Design
from memory_pipeline.analysis.models.terms import INTERCEPT
from memory_pipeline.analysis.names import STANDARD_CONTEXT, TABLE_CONTEXT
from memory_pipeline.analysis.recommendations.approaches import number_approaches
from memory_pipeline.analysis.recommendations.candidates import (
    choose_key_columns,
    count_settings,
    find_candidates,
    measure_remainder,
)
from memory_pipeline.analysis.recommendations.contexts import Contexts
from memory_pipeline.analysis.recommendations.level_fit import fit_level
from memory_pipeline.analysis.recommendations.nameable_patterns import nameable_patterns
from memory_pipeline.analysis.recommendations.policy import Policy
from memory_pipeline.analysis.recommendations.policy_model import Limits
from memory_pipeline.analysis.recommendations.pooled_records import PooledRecords, fit_pooling_levels
from memory_pipeline.analysis.recommendations.pooling_column import choose_pooling_columns
from memory_pipeline.analysis.recommendations.reward_model import ModelWeights, RewardModel
from memory_pipeline.analysis.recommendations.success_model import SuccessModel, setting_importance
from memory_pipeline.analysis.recommendations.success_model_fit import MOST_CELLS, fit_success_model
from memory_pipeline.analysis.recommendations.tried import count_tried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.recommendations.success_model import SuccessModelFit


_MOST_CONTEXTS = 2_000


@on_one_thread
def fit_policy(
    outcomes: pd.DataFrame,
    *,
    approach: Sequence[str],
    context: Sequence[str],
    unit: str,
    encoding: Encoding | None = None,
    patterns: pd.DataFrame | None = None,
    min_sample_size: int = 30,
    min_units: int = 3,
    min_attempts: int = 3,
    confidence_threshold: float = 0.7,
    exploration: float = 0.0,
    max_cells: int = MOST_CELLS,
) -> Policy:
    """Fit a policy to the history.

    The expected success of an approach in a context starts from a penalised logistic model on context,
    settings and their interactions (`recommendations.success_model_fit.fit_success_model`). The record of the
    approach then moves it, overall, in its pool and in the context itself, each by as much as the
    record outweighs the prior (beta-binomial; `recommendations.pooled_records.fit_pooling_levels`,
    `stats.beta_binomial.fit_strengths`). Repeated attempts of a unit are discounted throughout by their
    design effect.

    The pools are the values of the context column that tells most about which settings are chosen
    (`recommendations.pooling_column.choose_pooling_columns`), in packaging mostly the installer type.

    Candidates are whole approaches that were tried in the pool. Where few attempts of each would
    be left, settings that hardly matter do not tell approaches apart
    (`recommendations.candidates.choose_key_columns`); advice fills them with their usual values.

    Where success in general has drifted, all promises are moved to today's level (`recommendations.level`).

    Parameters
    ----------
    outcomes
        Flat attempts, shape (attempts, any).
    approach, context, unit
        Columns, as in `estimate_factors`. The unit column is left out of the context. Of more than
        `features.screening.MAX_COLUMNS` context columns, those that go with success most are told apart.
    encoding
        How the context becomes categories, learned before on this history or a longer one; None: it is
        learned here. The approach always has an encoding of its own (see `features.encoding.Floors`).
    patterns
        Findings that advice may name as support, as `find_patterns` returns them (`conditions`,
        `sentence`, `q_value`), with an optional `id`.
    min_sample_size, min_units
        Attempts and units in the pool that every setting of an advised approach needs.
    min_attempts
        Attempts in the pool that a whole approach needs to be a candidate.
    confidence_threshold
        Posterior probability of being better than the usual mix, below which nothing is advised.
    exploration
        0 (the default): always the best candidate. Above 0, up to 1: Thompson sampling, with this share
        spread evenly over the candidates; then the limits on sample and confidence do not apply.
    max_cells
        Most cells (units and combinations of conditions) that the success model is fitted to; of more a
        systematic sample is taken. The records count all attempts.

    Returns
    -------
    Policy

    Raises
    ------
    KeyError
        When a column is not in the frame.
    ValueError
        When a column has two roles, or a limit is outside its range.

    Examples
    --------
    >>> from memory_pipeline.worlds import sample_organisation
    >>> history = sample_organisation(seed=7).attempts_frame()
    >>> policy = fit_policy(history, approach=["silent_switch"], context=["installer_type"],
    ...                     unit="application_name")
    >>> policy.recommend({"installer_type": "msi"}).recommended_approach
    {'silent_switch': '/quiet /norestart'}
    """
    check_columns(outcomes, approach=approach, context=context, unit=unit)
    _check_limits(min_sample_size, min_units, min_attempts, confidence_threshold, exploration)
    context = [column for column in context if column != unit]
    limits = Limits(min_sample_size, min_units, min_attempts, confidence_threshold, exploration)
    if outcomes.empty:
        return _empty_policy(tuple(approach), tuple(context), unit, limits)
    screened = screen_columns(
        outcomes, context, hits=is_success(outcomes), unit=unit, always=STANDARD_CONTEXT
    )
    contexts = encode_conditions(outcomes, screened.kept, unit=unit, encoding=encoding)
    approaches = encode(outcomes, approach, min_count=min_attempts)
    cells = group_attempts(
        pd.concat([contexts.frame, approaches.frame], axis=1), outcomes[unit], is_success(outcomes)
    )
    context_columns, settings = tuple(contexts.frame.columns), tuple(approaches.frame.columns)
    pooling_columns = choose_pooling_columns(
        cells, settings=settings, context=context_columns, enough=min_sample_size
    )
    levels = list(dict.fromkeys([(), pooling_columns, context_columns]))
    fit = fit_success_model(
        cells,
        settings=settings,
        context=context_columns,
        pooling_columns=pooling_columns,
        max_cells=max_cells,
    )
    key_columns = choose_key_columns(
        cells,
        settings,
        setting_importance(fit.model, cells, settings),
        pooling_columns=pooling_columns,
        enough=min_sample_size,
    )
    structured, unstructured, model_weights = _fit_records(cells, fit, key_columns, levels)
    support = count_settings(cells, key_columns, pooling_columns)
    candidates = find_candidates(
        cells,
        number_approaches(outcomes, approach),
        settings=settings,
        key_columns=key_columns,
        pooling_columns=pooling_columns,
        support=support,
        moments=_moments(outcomes),
        min_attempts=min_attempts,
    )
    told_apart = [c for one in TABLE_CONTEXT for c in contexts.encoding.columns_of(one)]
    tried = count_tried(
        cells,
        candidates,
        columns=list(dict.fromkeys([*pooling_columns, *told_apart])),
        key_columns=key_columns,
    )
    remainder = measure_remainder(
        cells,
        expit(fit.model.design.matrix(cells).dot(fit.model.coefficients)),
        candidates,
        key_columns=key_columns,
        pooling_columns=pooling_columns,
    )
    policy = Policy(
        approach=tuple(approach),
        context=tuple(context),
        unit=unit,
        limits=limits,
        contexts=Contexts(
            encoding=contexts.encoding,
            known_levels={column: cells.levels_of(column) for column in context_columns},
            pooling_columns=pooling_columns,
            constants=_constants(outcomes, [one for one in context if one not in contexts.encoding.codes]),
            seen=_seen(cells, context_columns),
        ),
        approach_encoding=approaches.encoding,
        key_columns=key_columns,
        structured=structured,
        unstructured=unstructured,
        model_weights=model_weights,
        candidates=candidates,
        support=support,
        remainder=remainder,
        patterns=nameable_patterns(patterns),
        history={
            "attempts": int(cells.n.sum()),
            "successes": int(cells.k.sum()),
            "units": cells.n_units,
        },
        tried=tried,
    )
    return replace(policy, level=fit_level(policy, outcomes))


def _fit_records(
    cells: GroupedCounts, fit: SuccessModelFit, key_columns: Sequence[str], levels: Sequence[Sequence[str]]
) -> tuple[RewardModel, RewardModel, ModelWeights]:
    """Fit the pooled records under both success models, and compute the weights of the reward models.

    The unstructured model is compared with "nothing matters", as the structured one is, and with the
    structured one on the same records, penalised for the coefficients fitted (Schwarz 1978). The smaller
    Bayes factor counts: the first is too large where only a sample of the cells was fitted, the second in
    short histories.
    """
    elsewhere = _share_elsewhere(cells, key_columns)

    def fitted(
        model: SuccessModel, log_odds: NDArray[np.float64], at: Sequence[Sequence[str]], *, recentred: bool
    ) -> PooledRecords:
        marginal = model.design.matrix(cells).dot(model.coefficients)
        eta = elsewhere * log_odds + (1 - elsewhere) * marginal
        return fit_pooling_levels(
            cells,
            fit.attempt_weight,
            eta,
            correlation=fit.model.correlation,
            levels=at,
            key_columns=key_columns,
            recentred=recentred,
        )

    structured = fitted(fit.model, fit.log_odds, levels, recentred=False)
    unstructured = fitted(fit.without_settings, fit.log_odds_without_settings, levels[-1:], recentred=True)
    own_effects = unstructured.scatter[-1]
    by_settings = fitted(fit.model, fit.log_odds, levels[-1:], recentred=False).scatter[-1]
    settings_matter = fit.log_bayes_factor + structured.log_bayes_factor
    penalty = 0.5 * fit.determined * float(np.log(cells.n.sum()))
    over_settings = own_effects.likelihood - by_settings.likelihood_either_way + penalty
    own_effects_matter = min(own_effects.evidence, settings_matter + over_settings)
    return (
        RewardModel(fit.model, structured.levels),
        RewardModel(fit.without_settings, unstructured.levels),
        ModelWeights.from_evidence(settings_matter, own_effects_matter if key_columns else -np.inf),
    )


def _share_elsewhere(cells: GroupedCounts, key_columns: Sequence[str]) -> NDArray[np.float64]:
    """Return the share of each cell's unit that was tried with other approaches, shape (cells,).

    A record is compared with what is known about its units from their other attempts. Where there are none,
    the effects of unit and approach are not identified, and the record is compared with what is expected of a
    new unit.
    """
    groups = np.unique(cells.unit, return_inverse=True)[1]
    codes = [cells.unit.astype(np.int64), *(cells.codes_of(column) for column in key_columns)]
    pairs = np.unique(combined_key(codes), return_inverse=True)[1]
    own, all_of_it = (np.bincount(group, weights=cells.n)[group] for group in (pairs, groups))
    return np.asarray(1 - own / all_of_it)


def _moments(outcomes: pd.DataFrame) -> NDArray[np.int64]:
    """Return the time of each attempt as a number, shape (attempts,); all the same where none is known."""
    if "occurred_at" not in outcomes:
        return np.zeros(len(outcomes), dtype=np.int64)
    return np.asarray(pd.to_datetime(outcomes["occurred_at"], utc=True).astype("int64"), dtype=np.int64)


def _constants(outcomes: pd.DataFrame, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the only value of each column that has one only."""
    values = {column: distinct_values(outcomes[column])[1] for column in columns}
    return {column: found[0] for column, found in values.items() if len(found) == 1}


def _seen(cells: GroupedCounts, columns: Sequence[str]) -> tuple[tuple[tuple[str, ...], int], ...]:
    """Count the attempts of the contexts that occurred, the most frequent first, at most 2,000."""
    texts = [np.array(cells.levels_of(c), dtype=object)[cells.codes_of(c)] for c in columns]
    counts: dict[tuple[str, ...], int] = {}
    rows = zip(*texts, strict=True) if texts else [()] * len(cells.unit)
    for levels, attempts in zip(rows, cells.n, strict=True):
        counts[tuple(levels)] = counts.get(tuple(levels), 0) + int(attempts)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_CONTEXTS])


def _check_limits(
    min_sample_size: int, min_units: int, min_attempts: int, confidence_threshold: float, exploration: float
) -> None:
    counts = {"min_sample_size": min_sample_size, "min_units": min_units, "min_attempts": min_attempts}
    for name, count in counts.items():
        if count < 1:
            msg = f"{name} is {count}; it counts attempts or units, so give 1 or more"
            raise ValueError(msg)
    for name, share in {"confidence_threshold": confidence_threshold, "exploration": exploration}.items():
        if not 0 <= share <= 1:
            msg = f"{name} is {share}; give a share between 0 and 1"
            raise ValueError(msg)


def _empty_policy(approach: tuple[str, ...], context: tuple[str, ...], unit: str, limits: Limits) -> Policy:
    empty = RewardModel(SuccessModel(Design((INTERCEPT,)), np.zeros(1), np.eye(1), 0.0), ())
    return Policy(
        approach=approach,
        context=context,
        unit=unit,
        limits=limits,
        contexts=Contexts(Encoding({}), {}, (), {}, ()),
        approach_encoding=Encoding({}),
        key_columns=(),
        structured=empty,
        unstructured=empty,
        model_weights=ModelWeights(0.0, 0.0),
        candidates={},
        support={},
        remainder={},
        patterns=(),
        history={"attempts": 0, "successes": 0, "units": 0},
    )
