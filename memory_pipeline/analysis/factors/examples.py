"""Which past attempts are examples of a factor, and which patterns agree with it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.columns import unit_names
from memory_pipeline.analysis.features.encoding import encode_conditions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.features.encoding import Encoding


_DIRECTIONS = {"success": 1, "failure": -1}


def find_cases(
    outcomes: pd.DataFrame,
    factors: pd.DataFrame,
    *,
    approach: Sequence[str],
    unit: str,
    encoding: Encoding | None = None,
    most: int = 3,
) -> list[dict[str, Any]]:
    """Return past attempts on both sides of each factor, those of units that had both sides first.

    Parameters
    ----------
    outcomes
        Flat attempts with `id` and, if it is there, `occurred_at`, shape (attempts, any).
    factors
        As `estimate_factors` returns them.
    approach, unit, encoding
        As given to `estimate_factors`.
    most
        Most attempts on each side; of each unit the newest one.

    Returns
    -------
    list of dict
        By factor: `with_value`, `with_reference` (ids, the same place in both is the same unit for the
        first `same_unit` of them), `same_unit`.
    """
    if factors.empty:
        return []
    settings = [column for column in approach if column != unit]
    encoded = encode_conditions(outcomes, settings, unit=unit, encoding=encoding).frame
    units = unit_names(outcomes[unit]).to_numpy()
    ids = outcomes["id"].astype(str).to_numpy(dtype=object)
    order = np.lexsort((ids.astype(str), _age(outcomes)))
    found = []
    for row in factors[["settings", "reference_settings"]].to_dict("records"):
        newest: list[dict[str, str]] = []
        for side in (row["settings"], row["reference_settings"]):
            has = np.ones(len(outcomes), dtype=bool)
            for column, level in side.items():
                has &= (encoded[column] == level).to_numpy()
            rows = order[has[order]]
            # The first of each unit in this order is its newest attempt.
            first = np.sort(np.unique(units[rows].astype(str), return_index=True)[1])
            newest.append({str(units[i]): str(ids[i]) for i in rows[first]})
        both = [one for one in newest[0] if one in newest[1]][:most]
        sides = [
            [side[one] for one in both] + [one for name, one in side.items() if name not in both]
            for side in newest
        ]
        found.append(
            {"with_value": sides[0][:most], "with_reference": sides[1][:most], "same_unit": len(both)}
        )
    return found


def find_supporting(factors: pd.DataFrame, patterns: pd.DataFrame) -> list[list[str]]:
    """Return the patterns of success and failure that contain a factor's setting and have its direction.

    Parameters
    ----------
    factors
        As `estimate_factors` returns them.
    patterns
        Patterns with `id`, `pattern_type`, `conditions`, the most certain first.

    Returns
    -------
    list of list of str
        Ids by factor.
    """
    known = [
        (str(row["id"]), _DIRECTIONS[row["pattern_type"]], row["conditions"])
        for row in patterns.to_dict("records")
        if row["pattern_type"] in _DIRECTIONS
    ]
    return [
        [
            identity
            for identity, direction, conditions in known
            if direction * effect > 0 and _contains(conditions, settings)
        ]
        for effect, settings in zip(factors["effectiveness"], factors["settings"], strict=True)
    ]


def _contains(conditions: Mapping[str, str], settings: Mapping[str, str]) -> bool:
    return all(conditions.get(column) == level for column, level in settings.items())


def _age(outcomes: pd.DataFrame) -> NDArray[np.int64]:
    """Rank attempts by age, the newest lowest, those without a time highest, shape (attempts,)."""
    if "occurred_at" not in outcomes:
        return np.zeros(len(outcomes), dtype=np.int64)
    when = pd.to_datetime(outcomes["occurred_at"], utc=True).dt.tz_localize(None)
    age = -when.to_numpy().astype("datetime64[s]").astype(np.int64)
    return np.where(when.isna().to_numpy(), np.iinfo(np.int64).max, age)
