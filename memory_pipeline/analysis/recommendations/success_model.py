"""The fitted model of success, and how much each setting matters in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.models.design import Design

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts


N_DRAWS = 500


@dataclass(frozen=True)
class SuccessModel:
    """A fitted logistic model of success: what is needed to predict from it.

    Attributes
    ----------
    design
        The terms; every level has one, so that an unseen level is predicted at the average.
    coefficients
        Posterior mode, shape (terms,).
    root
        Lower Cholesky factor of the posterior covariance, shape (terms, terms).
    correlation
        Intraclass correlation of attempts of a unit that the model does not explain.
    """

    design: Design
    coefficients: Floats
    root: Floats
    correlation: float

    def log_odds(self, encoded: pd.DataFrame) -> Floats:
        """Predict the log-odds of success of each row of an encoded frame, shape (rows,)."""
        eta = np.zeros(len(encoded))
        columns = {name: encoded[name].to_numpy(dtype=object) for name in encoded}
        for term, coefficient in zip(self.design.terms, self.coefficients, strict=True):
            mask = np.ones(len(encoded), dtype=bool)
            for column, level in term:
                mask &= columns[column] == level if column in columns else False
            eta += coefficient * mask
        return eta

    @cached_property
    def coefficient_draws(self) -> Floats:
        """Draws of the coefficients from the posterior, shape (terms, 500); the same in every call.

        Thus two approaches are compared under the same coefficients, and the same question gets the same
        answer.
        """
        noise = np.random.default_rng(0).standard_normal((len(self.coefficients), N_DRAWS // 2))
        return np.asarray(self.coefficients[:, None] + self.root @ np.hstack([noise, -noise]))

    def to_dict(self) -> dict[str, Any]:
        """Return the model as JSON-able values."""
        lower = self.root[np.tril_indices(len(self.coefficients))]
        return {
            "terms": [[list(condition) for condition in term] for term in self.design.terms],
            "coefficients": self.coefficients.tolist(),
            "root": lower.tolist(),
            "correlation": self.correlation,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SuccessModel:
        """Rebuild a model from `to_dict`."""
        terms = tuple(tuple((c, v) for c, v in term) for term in values["terms"])
        root = np.zeros((len(terms), len(terms)))
        root[np.tril_indices(len(terms))] = values["root"]
        coefficients = np.array(values["coefficients"], dtype=float)
        return cls(Design(terms), coefficients, root, values["correlation"])


@dataclass(frozen=True)
class SuccessModelFit:
    """The success model with settings, and the one without, in which settings do not matter.

    Attributes
    ----------
    model, without_settings
        Both models, for a new unit.
    log_odds, log_odds_without_settings
        Log-odds of each cell by each model, with what is known about its unit, shape (cells,).
    log_bayes_factor
        Of the model with settings against the one without.
    determined
        Number of coefficients of settings that the data determine.
    attempt_weight
        Number of independent attempts that one attempt counts for (`models.mixed_logistic.dispersion`).
    """

    model: SuccessModel
    log_odds: Floats
    without_settings: SuccessModel
    log_odds_without_settings: Floats
    log_bayes_factor: float
    determined: float
    attempt_weight: float


def setting_importance(
    model: SuccessModel, cells: GroupedCounts, settings: Sequence[str]
) -> dict[str, float]:
    """Return how far each setting moves the prediction: standard deviation of its log-odds over attempts."""
    importance = {}
    for column in settings:
        eta = np.zeros(len(cells.unit))
        for i in model.design.involving(column):
            eta += model.coefficients[i] * cells.where(model.design.terms[i])
        mean = np.average(eta, weights=cells.n)
        importance[column] = float(np.sqrt(np.average((eta - mean) ** 2, weights=cells.n)))
    return importance
