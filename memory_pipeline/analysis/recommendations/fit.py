"""Advice: which approach to take next in a described context, which to avoid, and why.

`fit_policy` learns a `Policy` from history; the policy answers. The model behind it is in
`recommendations.success_model_fit`, the records in `recommendations.pooled_records`, the weighing in
`recommendations.posterior`, the words in `advice`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit

from memory_pipeline.analysis.compute.threads import on_one_thread
from memory_pipeline.analysis.evidence.grouped_counts import Cells, collapse_cells, combined_key
from memory_pipeline.analysis.features.columns import check_columns
from memory_pipeline.analysis.features.encoding import Encoding, encode
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.models.design import INTERCEPT, Design
from memory_pipeline.analysis.recommendations.approaches import number_approaches
from memory_pipeline.analysis.recommendations.candidates import (
    choose_key_columns,
    count_settings,
    find_candidates,
    measure_rest,
)
from memory_pipeline.analysis.recommendations.contexts import Contexts
from memory_pipeline.analysis.recommendations.policy import Policy
from memory_pipeline.analysis.recommendations.policy_model import Limits
from memory_pipeline.analysis.recommendations.pooled_records import Records, fit_levels
from memory_pipeline.analysis.recommendations.reward_model import Chances, Expectation
from memory_pipeline.analysis.recommendations.success_model import PriorModel, setting_importance
from memory_pipeline.analysis.recommendations.success_model_fit import fit_prior_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.recommendations.success_model import PriorFit


_HOME = "installer_type"
_MOST_CONTEXTS = 2_000


@on_one_thread
def fit_policy(
    outcomes: pd.DataFrame,
    *,
    approach: Sequence[str],
    context: Sequence[str],
    unit: str,
    patterns: pd.DataFrame | None = None,
    min_sample_size: int = 30,
    min_units: int = 3,
    min_attempts: int = 3,
    confidence_threshold: float = 0.7,
    exploration: float = 0.0,
) -> Policy:
    """Learn from history what to advise.

    The expected success of an approach in a context starts from a penalised logistic model on context,
    settings and their interactions (`recommendations.success_model_fit.fit_prior_model`). The approach's
    own record then moves it, everywhere, at the installer type and in the very context, each by as much as
    the record outweighs the expectation (beta-binomial; `recommendations.pooled_records.fit_levels`,
    `stats.beta_binomial.fit_strengths`). Repeated attempts of a unit are discounted throughout by their
    design effect.

    Candidates are whole approaches that were tried at the installer type. Settings that hardly matter
    do not tell approaches apart where that would leave too few attempts of each
    (`recommendations.candidates.choose_key_columns`); the advice fills them with what is usual.

    Parameters
    ----------
    outcomes
        Flat attempts, shape (attempts, any).
    approach, context, unit
        Columns, as in `estimate_factors`. A column that is the unit is left out of the context.
    patterns
        Findings that advice may name as support, as `find_patterns` returns them (`conditions`,
        `sentence`, `q_value`), with an optional `id`.
    min_sample_size, min_units
        Attempts and units at the installer type that every setting of an advised approach needs.
    min_attempts
        Attempts at the installer type that a whole approach needs to be a candidate.
    confidence_threshold
        Probability of being better than what is usually done, below which nothing is advised.
    exploration
        0 (the default): always the best. Between 0 and 1: Thompson sampling, this share of it spread
        evenly over the candidates; then the limits on sample and confidence do not apply.

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
    places = encode(outcomes, context, unit=unit, min_units=2)
    choices = encode(outcomes, approach, min_count=min_attempts)
    cells = collapse_cells(
        pd.concat([places.frame, choices.frame], axis=1), outcomes[unit], is_success(outcomes)
    )
    context_columns, settings = tuple(places.frame.columns), tuple(choices.frame.columns)
    home = (_HOME,) if _HOME in context_columns else ()
    level_places = list(dict.fromkeys([(), home, context_columns]))
    fit = fit_prior_model(cells, settings=settings, context=context_columns, home=home)
    key_columns = choose_key_columns(
        cells,
        settings,
        setting_importance(fit.model, cells, settings),
        home=home,
        enough=min_sample_size,
    )
    ruled, unruled, chances = _fit_records(cells, fit, key_columns, level_places)
    support = count_settings(cells, key_columns, home)
    candidates = find_candidates(
        cells,
        number_approaches(outcomes, approach),
        settings=settings,
        key_columns=key_columns,
        home=home,
        support=support,
        min_attempts=min_attempts,
    )
    rest = measure_rest(
        cells,
        expit(fit.model.design.matrix(cells).dot(fit.model.coefficients)),
        candidates,
        key_columns=key_columns,
        home=home,
    )
    return Policy(
        approach=tuple(approach),
        context=tuple(context),
        unit=unit,
        limits=limits,
        contexts=Contexts(
            encoding=places.encoding,
            known_levels={column: cells.levels_of(column) for column in context_columns},
            home=home,
            seen=_seen(cells, context_columns),
        ),
        approach_encoding=choices.encoding,
        key_columns=key_columns,
        ruled=ruled,
        unruled=unruled,
        chances=chances,
        candidates=candidates,
        support=support,
        rest=rest,
        patterns=nameable_patterns(patterns),
        history={
            "attempts": int(cells.attempts.sum()),
            "successes": int(cells.successes.sum()),
            "units": cells.n_units,
        },
    )


def _fit_records(
    cells: Cells, fit: PriorFit, key_columns: Sequence[str], places: Sequence[Sequence[str]]
) -> tuple[Expectation, Expectation, Chances]:
    """Hold the records against both models, and weigh the ways in which approaches may matter.

    That each approach has a way of its own is held against "nothing matters", as that settings matter is, and
    against the model with settings on the same records, charged for what was fitted (Schwarz 1978). The
    lower counts: the first overrates it where only a sample of the cells was fitted, the second in
    short histories.
    """
    elsewhere = _share_elsewhere(cells, key_columns)

    def hold(
        model: PriorModel, fitted: NDArray[np.float64], at: Sequence[Sequence[str]], *, recentred: bool
    ) -> Records:
        marginal = model.design.matrix(cells).dot(model.coefficients)
        eta = elsewhere * fitted + (1 - elsewhere) * marginal
        return fit_levels(
            cells,
            fit.worth,
            eta,
            correlation=fit.model.correlation,
            places=at,
            key_columns=key_columns,
            recentred=recentred,
        )

    ruled = hold(fit.model, fit.fitted, places, recentred=False)
    unruled = hold(fit.indifferent, fit.unsettled, places[-1:], recentred=True)
    apart = unruled.scatter[-1]
    by_rule = hold(fit.model, fit.fitted, places[-1:], recentred=False).scatter[-1]
    matters = fit.evidence + ruled.evidence
    charge = 0.5 * fit.settled * float(np.log(cells.attempts.sum()))
    beyond = matters + apart.likelihood - by_rule.likelihood_either_way + charge
    return (
        Expectation(fit.model, ruled.levels),
        Expectation(fit.indifferent, unruled.levels),
        Chances.from_evidence(matters, min(apart.evidence, beyond) if key_columns else -np.inf),
    )


def _share_elsewhere(cells: Cells, key_columns: Sequence[str]) -> NDArray[np.float64]:
    """Tell which share of each cell's unit was tried with other approaches, shape (cells,).

    A record is held against what is known about its units from their other attempts. Where there are
    none, what a unit is like and what the approach does cannot be told apart, and the record counts
    against what is expected of any unit.
    """
    groups = np.unique(cells.unit, return_inverse=True)[1]
    codes = [cells.unit.astype(np.int64), *(cells.codes_of(column) for column in key_columns)]
    pairs = np.unique(combined_key(codes), return_inverse=True)[1]
    own, all_of_it = (np.bincount(group, weights=cells.attempts)[group] for group in (pairs, groups))
    return np.asarray(1 - own / all_of_it)


def _seen(cells: Cells, columns: Sequence[str]) -> tuple[tuple[tuple[str, ...], int], ...]:
    """Count the attempts of the contexts that occurred, the most frequent first and the rarest left out."""
    texts = [np.array(cells.levels_of(c), dtype=object)[cells.codes_of(c)] for c in columns]
    counts: dict[tuple[str, ...], int] = {}
    rows = zip(*texts, strict=True) if texts else [()] * len(cells.unit)
    for levels, attempts in zip(rows, cells.attempts, strict=True):
        counts[tuple(levels)] = counts.get(tuple(levels), 0) + int(attempts)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_CONTEXTS])


def nameable_patterns(patterns: pd.DataFrame | None) -> tuple[dict[str, Any], ...]:
    """Keep of the patterns (as in `fit_policy`) what advice needs to name them: those that raise success."""
    if patterns is None or patterns.empty:
        return ()
    table = patterns.reset_index(drop=True)
    if "pattern_type" in table:
        table = table[table["pattern_type"] == "success"]
    if "risk_difference" in table:
        table = table[table["risk_difference"] > 0]
    table = table.sort_values("q_value", kind="stable")
    return tuple(
        {
            "conditions": {str(column): str(level) for column, level in row["conditions"].items()},
            "label": str(row["id"]) if "id" in table else str(row["sentence"]),
            "sentence": str(row["sentence"]),
        }
        for row in table.to_dict("records")
    )


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
    nothing = Expectation(PriorModel(Design((INTERCEPT,)), np.zeros(1), np.eye(1), 0.0), ())
    return Policy(
        approach=approach,
        context=context,
        unit=unit,
        limits=limits,
        contexts=Contexts(Encoding({}), {}, (), ()),
        approach_encoding=Encoding({}),
        key_columns=(),
        ruled=nothing,
        unruled=nothing,
        chances=Chances(0.0, 0.0),
        candidates={},
        support={},
        rest={},
        patterns=(),
        history={"attempts": 0, "successes": 0, "units": 0},
    )
