"""Which combinations of conditions are associated with success, failure or an intervention?

The search counts every combination of up to three conditions, tests each against all other attempts
(allowing for repeated applications), adjusts for everything searched, and removes redundant patterns. The
effect of a setting with everything else equal is the question of `factors`, not of this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.compute.threads import on_one_thread
from memory_pipeline.analysis.evidence.count import count_evidence
from memory_pipeline.analysis.features.columns import require_columns
from memory_pipeline.analysis.features.encoding import FLOORS, learn_conditions
from memory_pipeline.analysis.features.flatten import condition_columns
from memory_pipeline.analysis.features.outcomes import is_hit, outcome_labels
from memory_pipeline.analysis.features.screening import MAX_COLUMNS, screen_columns
from memory_pipeline.analysis.names import OUTCOME, PERIOD
from memory_pipeline.analysis.patterns.search import TIERS, Limits, search_evidence
from memory_pipeline.analysis.patterns.table import describe_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.evidence.evidence import Evidence


_MOST_PERIODS = 24
_LEAST_IN_PERIOD = 100


def find_patterns(
    outcomes: pd.DataFrame,
    *,
    min_sample_size: int,
    max_conditions: int = 3,
    fdr: float = 0.05,
    unit: str | None = "application_name",
    conditions: Sequence[str] | None = None,
    target: str = "success",
    min_units: int = 5,
    min_effect: float = 0.02,
    tier: str = "default",
    max_columns: int = MAX_COLUMNS,
) -> pd.DataFrame:
    """Find the combinations of conditions whose attempts end in `target` more or less often than others.

    Parameters
    ----------
    outcomes
        Flat attempts, shape (attempts, any): `outcome_status`, the unit's column and the conditions.
    min_sample_size
        Attempts that a pattern must have inside (and leave outside).
    max_conditions
        Most conditions in one pattern.
    fdr
        Expected share of false findings among the reported ones, over everything searched.
    unit
        Column of the evidence unit; None where every attempt is an independent observation.
    conditions
        Condition columns; by default all that are neither identifiers nor known only afterwards.
    target
        `success`, `failure`, `partial`, `intervention`, `failure_reason=<reason>` or
        `intervention_kind=<kind>`.
    min_units
        Units that a pattern must have inside; not required where `unit` is None.
    min_effect
        Least absolute risk difference of a finding (of the whole pattern, and of what each of its
        conditions adds).
    tier
        The tier that a finding must at least reach, one of `patterns.search.TIERS`.
    max_columns
        Columns that are searched at most: of more, those that go with the target most by themselves
        (`features.screening.screen_columns`), with as much less of the error rate.

    Returns
    -------
    DataFrame
        One row per finding, the most certain first; columns `COLUMNS`. `rate` and `base_rate` are the shares
        of attempts with the target inside the pattern and over all; `risk_difference` is inside less outside;
        `likely_difference` is what is likely of it, and `ci_low` and `ci_high` its 95% interval, given that
        it was picked as a large one (`patterns.selected`); `support` to `zhang` are the metrics of the
        association rule pattern -> target (mlxtend). `confidence` is the probability that the difference has
        the same sign on later attempts (`patterns.replicability`); `earlier_difference` and
        `later_difference` are those of the halves of the history (NaN without `occurred_at`).
        `separable_from_time` is the share of what tells the attempts inside from the others that is left
        between attempts of the same time. `adjusted_difference` is the difference in a model with all other
        columns, `stratified_difference` that over the levels of `stratified_by`, the column that changes it
        most, and `turns` is whether either reverses the sign (`patterns.confounding`).
        `attrs["searched"]` is the number of tests that the error rate covers, `attrs["left_out"]` lists the
        columns that were not searched.

    Raises
    ------
    ValueError
        When a setting is out of range or the target is not known.
    KeyError
        When a named column is absent.
    """
    if not 0 < fdr < 1:
        msg = f"fdr is {fdr}; it must lie between 0 and 1"
        raise ValueError(msg)
    if min_sample_size < 1:
        msg = f"min_sample_size is {min_sample_size}; it must be at least 1"
        raise ValueError(msg)
    if unit is not None:
        require_columns(outcomes, [unit], role="unit")
    columns = condition_columns(outcomes, unit=unit) if conditions is None else tuple(conditions)
    outcomes = outcomes.reset_index(drop=True)
    floors = FLOORS.at_most(min_sample_size, min_units)
    labels = outcome_labels(outcomes, target)
    hits = labels.map({label: is_hit(label, target) for label in labels.unique()}).to_numpy(dtype=bool)
    screened = screen_columns(outcomes, columns, hits=hits, unit=unit, most=max_columns, floors=floors)
    encoded = learn_conditions(outcomes, screened.kept, unit=unit, floors=floors).apply(outcomes)
    frame = encoded.assign(**{OUTCOME: labels})
    if unit is not None:
        frame[unit] = outcomes[unit]
    period = None
    if "occurred_at" in outcomes and outcomes["occurred_at"].notna().any():
        period = PERIOD
        frame[period] = _parts_of_history(pd.to_datetime(outcomes["occurred_at"], utc=True))
    evidence = count_evidence(
        frame,
        conditions=list(encoded.columns),
        outcome=OUTCOME,
        unit=unit,
        period=period,
        max_conditions=max_conditions,
    )
    found = search_patterns(
        evidence,
        min_sample_size=min_sample_size,
        fdr=fdr,
        targets=(target,),
        min_units=min_units,
        min_effect=min_effect,
        tier=tier,
        column_share=screened.share,
    )
    found.attrs["left_out"] = list(screened.left_out)
    return found


def _parts_of_history(moments: pd.Series) -> pd.Series:
    """Return the part of the history that each moment lies in, as text that sorts by time.

    Parts have the same number of attempts, as far as attempts of one moment can be told apart; an even
    number, so that the history has two halves. What has no moment is a part of its own.
    """
    number = 2 * int(np.clip(moments.notna().sum() // (2 * _LEAST_IN_PERIOD), 1, _MOST_PERIODS // 2))
    share = (moments.rank(method="max") - 1) / max(int(moments.notna().sum()) - 1, 1)
    part = pd.Series(np.floor(share * number)).clip(upper=number - 1)
    return pd.Series(part.map("{:02.0f}".format, na_action="ignore").fillna("unknown"))


@on_one_thread
def search_patterns(
    evidence: Evidence,
    *,
    min_sample_size: int,
    fdr: float = 0.05,
    targets: Sequence[str] = ("success",),
    min_units: int = 5,
    min_effect: float = 0.02,
    tier: str = "default",
    is_adjusted: bool = True,
    column_share: float = 1.0,
) -> pd.DataFrame:
    """Find patterns in evidence whose outcomes are `outcome_labels`; see `find_patterns`.

    With several targets, the first gets half of the error rate and the others share the rest evenly, so
    that it holds over all of them together; `q_value` is scaled to be compared with the whole `fdr`.
    `attrs["searched"]` is then a dict by target. Without `is_adjusted`, the differences are not adjusted
    for the other columns: that takes a third of the time and does not change which patterns are found.
    `column_share` is the share of the columns that were chosen for the search by their outcomes
    (`features.screening`): the search has that share of the error rate.
    """
    belongs = {
        target: np.array([is_hit(label, target) for label in evidence.outcomes], dtype=bool)
        for target in targets
    }
    shares = {target: column_share * share for target, share in _shares(targets).items()}
    if tier not in TIERS:
        raise ValueError(f"tier is {tier!r}; use one of {', '.join(TIERS)}")
    units = min_units if evidence.unit is not None else 1
    limits = {
        target: Limits(min_sample_size, units, min_effect, fdr * share, tier)
        for target, share in shares.items()
    }
    parts, searched = [], {}
    for target, result in search_evidence(evidence, belongs, limits).items():
        part = describe_findings(result, target, evidence, is_adjusted=is_adjusted)
        shared = {
            name: np.minimum(part[name] / shares[target], 1.0) for name in ("q_value", "family_wise_p_value")
        }
        parts.append(part.assign(**shared))
        searched[target] = result.searched
    frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    frame.attrs["searched"] = searched if len(targets) > 1 else searched[targets[0]]
    return frame


def _shares(targets: Sequence[str]) -> dict[str, float]:
    if len(targets) == 1:
        return {targets[0]: 1.0}
    return {target: 0.5 if i == 0 else 0.5 / (len(targets) - 1) for i, target in enumerate(targets)}
