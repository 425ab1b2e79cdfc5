"""What is reported about each factor?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.factors.caveats import list_caveats
from memory_pipeline.analysis.factors.contrasts import q_values_of
from memory_pipeline.analysis.factors.text import describe_factor
from memory_pipeline.analysis.stats.sign_probability import direction_confidence, normal_equivalent_errors
from memory_pipeline.analysis.text import name_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
    from memory_pipeline.analysis.factors.contrasts import Comparison
    from memory_pipeline.analysis.models.change_points import Change


FACTOR_COLUMNS = (
    "factor_name",
    "column",
    "value",
    "reference",
    "effectiveness",
    "ci_low",
    "ci_high",
    "confidence",
    "p_value",
    "q_value",
    "is_factor",
    "sample_size",
    "units",
    "attempts_with_value",
    "attempts_with_reference",
    "units_with_value",
    "units_with_reference",
    "units_with_both",
    "is_within_units",
    "expected_rate",
    "reference_rate",
    "crude_difference",
    "is_sign_flipped",
    "is_mirrored",
    "not_separable_from",
    "overlap",
    "drift",
    "settings",
    "reference_settings",
    "interaction",
    "applicability",
    "description",
    "caveats",
)


def factor_table(
    singles: Sequence[Comparison],
    pairs: tuple[Sequence[Comparison], Sequence[float]],
    cells: GroupedCounts | None,
    *,
    unit: str,
    fdr: float,
    changes: Sequence[Change] = (),
) -> pd.DataFrame:
    """Build the table of factors, ranked by the lower bound of the absolute effect.

    Parameters
    ----------
    singles
        Comparisons of single settings.
    pairs
        Pairs of settings that interact, and their q-values.
    cells
        The counts that they were estimated from; None where there are none.
    unit, fdr
        As in `factors.estimate.estimate_factors`.
    changes
        Values with which attempts end differently from some time on.

    Returns
    -------
    DataFrame
        One row per comparison, columns `FACTOR_COLUMNS`.
    """
    if cells is None or not singles:
        return pd.DataFrame({column: pd.Series(dtype=object) for column in FACTOR_COLUMNS})
    comparisons, q_values = [*singles, *pairs[0]], [*q_values_of(singles), *pairs[1]]
    rows = [
        _row(one, cells, changes) | {"q_value": q, "is_factor": q <= fdr}
        for one, q in zip(comparisons, q_values, strict=True)
    ]
    _add_confidence(singles, rows)
    _add_confidence_of_pairs(rows, len(singles))
    for row in rows:
        row["description"] = describe_factor(row, unit=unit)
        row["caveats"] = list_caveats(row, unit=unit)
    table = pd.DataFrame(rows, columns=list(FACTOR_COLUMNS))
    bound = np.maximum(0, np.maximum(table["ci_low"], -table["ci_high"]))
    order = pd.DataFrame(
        {"bound": -bound, "sure": -table["confidence"], "size": -table["effectiveness"].abs()}
        | {"mirrored": table["is_mirrored"], "name": table["factor_name"]}
    )
    ranked = order.sort_values(list(order.columns), kind="stable").index
    return table.loc[ranked].reset_index(drop=True)


def _row(one: Comparison, cells: GroupedCounts, changes: Sequence[Change]) -> dict[str, Any]:
    effect = one.effect
    low, high = effect.interval() if effect else (-1.0, 1.0)
    crude = _rate(cells, one.chosen) - _rate(cells, one.others)
    difference = effect.difference if effect else 0.0
    with_value, with_other = (set(cells.unit[mask].tolist()) for mask in (one.chosen, one.others))
    return {
        "factor_name": name_settings(one.settings),
        "column": one.column,
        "value": one.value,
        "reference": one.reference,
        "effectiveness": difference,
        "ci_low": low,
        "ci_high": high,
        "p_value": effect.p_value if effect else 1.0,
        "sample_size": int(cells.n[one.population].sum()),
        "units": len(with_value | with_other),
        "attempts_with_value": int(cells.n[one.chosen].sum()),
        "attempts_with_reference": int(cells.n[one.others].sum()),
        "units_with_value": len(with_value),
        "units_with_reference": len(with_other),
        "units_with_both": len(with_value & with_other),
        "is_within_units": one.is_within_units,
        "expected_rate": effect.rate if effect else _rate(cells, one.chosen),
        "reference_rate": effect.reference_rate if effect else _rate(cells, one.others),
        "crude_difference": crude,
        "is_sign_flipped": difference * crude < 0,
        "is_mirrored": one.is_mirrored,
        "is_determined": effect is not None,
        "not_separable_from": one.together_with,
        "overlap": one.overlap,
        "is_comparable": one.is_comparable,
        "drift": _drift(one, changes),
        "settings": one.settings,
        "reference_settings": one.reference_settings,
        "interaction": _interaction(one),
        "applicability": one.applicability,
    }


def _interaction(one: Comparison) -> dict[str, float]:
    """Return the interaction of a pair with its interval; empty for a single setting."""
    if one.together is None:
        return {}
    found = one.together.interaction
    low, high = found.interval(bound=2.0)
    return {
        "difference": found.difference,
        "ci_low": low,
        "ci_high": high,
        "p_value": one.together.p_value,
    }


def _drift(one: Comparison, changes: Sequence[Change]) -> dict[str, Any]:
    """Return the change of one of the values compared; empty where none was detected."""
    values = {pair for side in (one.settings, one.reference_settings) for pair in side.items()}
    found = [change for change in changes if (change.column, change.value) in values]
    return found[0].to_dict() if found else {}


def _rate(cells: GroupedCounts, mask: NDArray[np.bool_]) -> float:
    return float(cells.k[mask].sum() / cells.n[mask].sum())


def _add_confidence(comparisons: Sequence[Comparison], rows: list[dict[str, Any]]) -> None:
    """Fill in the confidence; the spread is estimated from each comparison once, without mirrored ones."""
    for row in rows:
        row["confidence"] = 0.5
    determined = [i for i, one in enumerate(comparisons) if one.effect is not None]
    learn = [i for i in determined if not comparisons[i].is_mirrored]
    effects = np.array([rows[i]["effectiveness"] for i in learn])
    errors = normal_equivalent_errors(effects, np.array([rows[i]["p_value"] for i in learn]))
    for i, sure in zip(learn, direction_confidence(effects, errors), strict=True):
        rows[i]["confidence"] = float(sure)
        for j in determined:
            mirror = comparisons[j]
            same = mirror.column == comparisons[i].column and mirror.value == comparisons[i].reference
            if mirror.is_mirrored and same and mirror.reference == comparisons[i].value:
                rows[j]["confidence"] = float(sure)


def _add_confidence_of_pairs(rows: list[dict[str, Any]], singles: int) -> None:
    """Fill in the confidence of pairs, shrunk by the spread of all effects including those of pairs."""
    if len(rows) == singles:
        return
    learn = [row for row in rows if row["is_determined"] and not row["is_mirrored"]]
    effects = np.array([row["effectiveness"] for row in learn])
    errors = normal_equivalent_errors(effects, np.array([row["p_value"] for row in learn]))
    sure = direction_confidence(effects, errors)
    for row, one in zip(learn, sure, strict=True):
        if row["interaction"]:
            row["confidence"] = float(one)
