"""What are the true effects of settings on the generated attempts?

What belongs here: contrasts of settings and their true sizes, computed from the mechanism.
What does not: which contrasts are planted. A risk difference here is a counterfactual average
(g-computation [1]_) of the true success probabilities: every attempt of the scope with the setting at `value`
minus the same attempts with it at `reference`, everything else as it was chosen.

References
----------
.. [1] J. Robins, "A new approach to causal inference in mortality studies", Mathematical Modelling 7, 1986.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.worlds.mechanism import success_probability, utc_datetime64

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from memory_pipeline.worlds.mechanism import Columns, Hazards


@dataclass(frozen=True)
class Contrast:
    """One setting at one value against another, over the attempts of a scope.

    Parameters
    ----------
    name
        Name for readers.
    column, value, reference
        The setting and the two values compared. Elements of list settings are columns of their own, named
        `column: element`, with the values yes and no.
    conditions
        Scope: the attempts whose columns have one of these values; empty for all.
    since, until
        Scope in time: from `since`, before `until`.
    """

    name: str
    column: str
    value: str
    reference: str
    conditions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    since: pd.Timestamp | None = None
    until: pd.Timestamp | None = None

    def scope(self, columns: Columns) -> NDArray[np.bool_]:
        """Return which attempts are in the scope of the contrast, shape (n_attempts,)."""
        times = columns["occurred_at"]
        inside = np.ones(len(times), bool)
        for column, values in self.conditions.items():
            inside &= np.isin(columns[column], values)
        if self.since is not None:
            inside &= times >= utc_datetime64(self.since)
        if self.until is not None:
            inside &= times < utc_datetime64(self.until)
        return inside


@dataclass(frozen=True)
class Effect:
    """A contrast with its true size.

    Parameters
    ----------
    contrast
        The settings compared, and the scope.
    risk_difference
        True average difference in success probability (counterfactual, over the scope).
    crude_difference
        Expectation of the unadjusted comparison: the mean success probability of the attempts that had
        `value` minus that of those that had `reference`. NaN where one of them did not occur.
    attempts, units
        Attempts and different applications in the scope.
    """

    contrast: Contrast
    risk_difference: float
    crude_difference: float
    attempts: int
    units: int


@dataclass(frozen=True)
class PotentialOutcomes:
    """The true success probabilities of the generated attempts, as they were or as they could have been."""

    columns: Columns
    drift_date: pd.Timestamp
    hazards: Hazards

    def success_probability(
        self, settings: Mapping[str, Any] | None = None, *, scope: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Compute the probability of each attempt of the scope, with some settings replaced for all of them.

        Raises
        ------
        KeyError
            When a setting is not a column of the attempts.
        """
        inside = slice(None) if scope is None else scope
        columns = {name: values[inside] for name, values in self.columns.items()}
        for name, value in (settings or {}).items():
            if name not in columns:
                raise KeyError(f"settings names {name!r}, which is not a column; there are {sorted(columns)}")
            columns[name] = np.full(len(columns[name]), value, object)
        return success_probability(columns, drift_date=self.drift_date, hazards=self.hazards)

    def effect(self, contrast: Contrast) -> Effect:
        """Compute the true size of a contrast.

        Raises
        ------
        ValueError
            When no attempt is in its scope.
        """
        scope = contrast.scope(self.columns)
        if not scope.any():
            raise ValueError(f"no attempt is in the scope of {contrast}; widen conditions, since or until")
        factual = self.success_probability(scope=scope)
        chosen = self.columns[contrast.column][scope]
        sides = [factual[chosen == value] for value in (contrast.value, contrast.reference)]
        crude = sides[0].mean() - sides[1].mean() if all(map(len, sides)) else np.nan
        with_value, with_reference = (
            self.success_probability({contrast.column: value}, scope=scope).mean()
            for value in (contrast.value, contrast.reference)
        )
        return Effect(
            contrast=contrast,
            risk_difference=float(with_value - with_reference),
            crude_difference=float(crude),
            attempts=int(scope.sum()),
            units=len(np.unique(self.columns["application"][scope])),
        )
