"""Predict the success of approaches in contexts: a success model, corrected by the pooled records.

There are two such reward models. The *structured* one predicts from the settings of an approach and the
context, corrected by the record of the approach at each pooling level. The *unstructured* one predicts from
the context alone, and gives each approach an effect of its own in each context. `ModelWeights` holds how
probable each is (Bayesian model averaging); the rest is that approaches do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.recommendations.draw_kernels import corrected_rates
from memory_pipeline.analysis.recommendations.pooled_records import PoolingLevel
from memory_pipeline.analysis.recommendations.success_model import N_DRAWS, SuccessModel
from memory_pipeline.analysis.stats.beta_binomial import log_odds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.pooled_records import Values


# Prior weights: nothing matters with probability one half; otherwise settings matter in three cases of five.
_PRIOR_STRUCTURED, _PRIOR_UNSTRUCTURED, _PRIOR_NOTHING = 0.3, 0.2, 0.5
FLATTENING = np.pi / 8
"""By how much log-odds are stretched per variance of the noise on them, so that the mean stays."""
_RANKS = np.random.default_rng(0).permutation(N_DRAWS)


@dataclass(frozen=True)
class ModelWeights:
    """Posterior weights of the reward models; the rest to 1 is the weight of "approaches do not matter".

    Attributes
    ----------
    structured
        Probability that success follows from the settings of an approach.
    unstructured
        Probability that each approach has an effect of its own in each context.
    """

    structured: float
    unstructured: float

    @classmethod
    def from_evidence(cls, structured: float, unstructured: float) -> ModelWeights:
        """Compute the weights from log Bayes factors against "nothing matters"; prior 0.3, 0.2, 0.5."""
        gains = np.array([structured, unstructured, 0.0])
        weights = np.exp(gains - gains.max()) * (_PRIOR_STRUCTURED, _PRIOR_UNSTRUCTURED, _PRIOR_NOTHING)
        weights /= weights.sum()
        return cls(float(weights[0]), float(weights[1]))

    def is_structured(self) -> NDArray[np.bool_]:
        """Return the draws that are taken from the structured model, as a mask of shape (500,)."""
        return np.asarray(self.structured * N_DRAWS > _RANKS)

    def is_unstructured(self) -> NDArray[np.bool_]:
        """Return the draws that are taken from the unstructured model, as a mask of shape (500,)."""
        return np.asarray(((self.structured + self.unstructured) * N_DRAWS > _RANKS) & ~self.is_structured())

    def is_indifferent(self) -> NDArray[np.bool_]:
        """Return the draws in which approaches do not matter, as a mask of shape (500,)."""
        return np.asarray((self.structured + self.unstructured) * N_DRAWS <= _RANKS)


@dataclass(frozen=True)
class RewardModel:
    """A success model, and the pooled records that correct it.

    Attributes
    ----------
    model
        Predicts success before the record of an approach is used.
    levels
        The records, from the widest pools to the narrowest.
    """

    model: SuccessModel
    levels: tuple[PoolingLevel, ...]

    def log_odds(self, encoded: pd.DataFrame, keys: Sequence[Values]) -> Floats:
        """Predict the log-odds of success of attempts, shape (attempts,).

        Parameters
        ----------
        encoded
            Encoded context and settings, shape (attempts, columns).
        keys
            The approach key of each attempt.
        """
        eta = self.model.log_odds(encoded)
        columns = {name: encoded[name].to_numpy(dtype=object) for name in encoded}
        for level in self.levels:
            eta += level.offset
            named = [columns[name] for name in level.columns]
            pools = list(zip(*named, strict=True)) if named else [()] * len(keys)
            records = [level.records.get(pair) for pair in zip(pools, keys, strict=True)]
            known = np.array([record is not None for record in records], dtype=bool)
            if known.any():
                facts = np.array(
                    [
                        (r.effective_attempts, r.effective_successes, r.prior_log_odds)
                        for r in records
                        if r is not None
                    ]
                )
                eta[known] += level.shifts(*facts.T)
        return eta

    def draws(
        self, described: Mapping[str, str], keys: Sequence[Values], point: Floats, eta: Floats
    ) -> Floats:
        """Draw success rates from the posterior: the model's draws, corrected by the record at each level.

        The corrections are drawn independently of the coefficients. A record is compared with what is known
        about its own units, so it tells how the approach differs, but not how far these units represent
        others; that uncertainty is kept in full. Normal noise on log-odds moves a mean success rate towards
        one half; the log-odds are stretched by as much (MacKay 1992, "The evidence framework applied to
        classification networks", eq. 10), so that the mean agrees with the records.

        Parameters
        ----------
        described
            A full context.
        keys
            The keys of the approaches.
        point, eta
            Log-odds of each approach by the model, shape (approaches,), and draws of them, shape
            (approaches, 500).

        Returns
        -------
        array, shape (approaches, 500)
        """
        shifts, spreads = [], []
        for level in self.levels:
            point = point + level.offset
            expected, attempts, successes = point.copy(), np.zeros(len(keys)), np.zeros(len(keys))
            for number, record in level.records_in(described, keys):
                attempts[number] = record.effective_attempts
                successes[number] = record.effective_successes
                expected[number] = record.prior_log_odds
            rates = level.rates(attempts, successes, expected)
            worth = np.array(level.strengths) + attempts[:, None] + 1
            spreads.append(1 / np.sqrt(worth * np.maximum(rates * (1 - rates), 1e-4)))
            shift = log_odds(rates) - expected[:, None]
            shifts.append(level.offset + shift)
            point = point + shift.mean(axis=1)
        if not shifts:
            return np.asarray(expit(eta))
        picked, noise = _noise(len(keys), tuple(len(level.strengths) for level in self.levels))
        stacked = np.stack(shifts), np.stack(spreads)
        return np.asarray(corrected_rates(np.ascontiguousarray(eta), *stacked, picked, noise, FLATTENING))

    def to_dict(self) -> dict[str, Any]:
        """Return the reward model as JSON-able values."""
        return {"model": self.model.to_dict(), "levels": [level.to_dict() for level in self.levels]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RewardModel:
        """Rebuild a reward model from `to_dict`."""
        levels = tuple(PoolingLevel.from_dict(level) for level in values["levels"])
        return cls(SuccessModel.from_dict(values["model"]), levels)


@cache
def _noise(approaches: int, strengths: tuple[int, ...]) -> tuple[NDArray[np.int64], Floats]:
    """Return the strength that each draw takes at each level, and its standard normal noise.

    They are the same in every call. Each comes with its negative (antithetic draws, as for the coefficients),
    so that chance in the draws favours no approach.

    Parameters
    ----------
    approaches
        Number of approaches.
    strengths
        Number of strengths of each level.

    Returns
    -------
    tuple
        Numbers of strengths, shape (levels, 250), and noise, shape (levels, approaches, 250).
    """
    picked, noise = [], []
    for level, count in enumerate(strengths):
        random = np.random.default_rng(level + 1)
        noise.append(random.standard_normal((approaches, N_DRAWS // 2)))
        picked.append(random.permutation(np.arange(N_DRAWS // 2) % count))
    return np.stack(picked), np.stack(noise)
