"""What is expected of approaches: a model, moved by the records; and how probable it is that this holds.

There are two such expectations. By the *ruled* one, what an approach achieves follows from its settings and
the context, up to what its record says. By the *unruled* one it follows from the context alone, and each
approach has a way of its own in each context.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.recommendations.pooled_records import Level
from memory_pipeline.analysis.recommendations.success_model import N_DRAWS, PriorModel
from memory_pipeline.analysis.stats.beta_binomial import log_odds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.pooled_records import Values


# Before any evidence: as likely as not that nothing matters; otherwise three times in five it is by settings.
_PRIOR_RULED, _PRIOR_UNRULED, _PRIOR_NOTHING = 0.3, 0.2, 0.5
_FLATTENING = np.pi / 8
_RANKS = np.random.default_rng(0).permutation(N_DRAWS)


@dataclass(frozen=True)
class Chances:
    """How probable it is that approaches matter, and in which way; the rest is that they do not.

    Attributes
    ----------
    ruled
        That what an approach achieves follows from its settings.
    unruled
        That each approach has a way of its own in each context.
    """

    ruled: float
    unruled: float

    @classmethod
    def from_evidence(cls, ruled: float, unruled: float) -> Chances:
        """Weigh log Bayes factors against "nothing matters" with what is usual (0.3, 0.2 and 0.5)."""
        gains = np.array([ruled, unruled, 0.0])
        weights = np.exp(gains - gains.max()) * (_PRIOR_RULED, _PRIOR_UNRULED, _PRIOR_NOTHING)
        weights /= weights.sum()
        return cls(float(weights[0]), float(weights[1]))

    def is_ruled(self) -> NDArray[np.bool_]:
        """Tell in which draws settings matter, as often as that is probable, shape (500,)."""
        return np.asarray(self.ruled * N_DRAWS > _RANKS)

    def is_unruled(self) -> NDArray[np.bool_]:
        """Tell in which draws each approach has a way of its own, shape (500,)."""
        return np.asarray(((self.ruled + self.unruled) * N_DRAWS > _RANKS) & ~self.is_ruled())

    def is_indifferent(self) -> NDArray[np.bool_]:
        """Tell in which draws nothing matters, shape (500,)."""
        return np.asarray((self.ruled + self.unruled) * N_DRAWS <= _RANKS)


@dataclass(frozen=True)
class Expectation:
    """A model, and the records that move it.

    Attributes
    ----------
    model
        What is expected before the record of an approach is looked at.
    levels
        The records, from the widest place to the narrowest.
    """

    model: PriorModel
    levels: tuple[Level, ...]

    def log_odds(self, encoded: pd.DataFrame, keys: Sequence[Values]) -> Floats:
        """Expect the success of attempts, shape (attempts,).

        Parameters
        ----------
        encoded
            Encoded context and settings, shape (attempts, columns).
        keys
            The approach of each attempt.
        """
        eta = self.model.log_odds(encoded)
        columns = {name: encoded[name].to_numpy(dtype=object) for name in encoded}
        for level in self.levels:
            eta += level.offset
            named = [columns[name] for name in level.columns]
            places = list(zip(*named, strict=True)) if named else [()] * len(keys)
            records = [level.records.get(pair) for pair in zip(places, keys, strict=True)]
            known = np.array([record is not None for record in records], dtype=bool)
            if known.any():
                facts = np.array([(r.counted, r.won, r.expected) for r in records if r is not None])
                eta[known] += level.shifts(*facts.T)
        return eta

    def draws(
        self, described: Mapping[str, str], keys: Sequence[Values], point: Floats, eta: Floats
    ) -> Floats:
        """Draw success rates: what the model says, then what the record adds at each level.

        What a record adds is drawn apart from the coefficients. The record is taken against what is known
        about its own units, so it says how the approach differs, and nothing about how far these units
        stand for others; that uncertainty stays in full. Normal noise on log-odds draws a mean success rate
        towards one half; the log-odds are stretched by as much (MacKay 1992, "The evidence framework
        applied to classification networks", eq. 10), so that the mean is what the records say.

        Parameters
        ----------
        described
            A context in full.
        keys
            The approaches.
        point, eta
            Log-odds of each by the model, shape (approaches,), and draws of them, shape (approaches, 500).

        Returns
        -------
        array, shape (approaches, 500)
        """
        centre, noise, variance = eta, np.zeros_like(eta), np.zeros_like(eta)
        for number, level in enumerate(self.levels):
            place = tuple(described[column] for column in level.columns)
            point, centre = point + level.offset, centre + level.offset
            records = [level.records.get((place, key)) for key in keys]
            counted = np.array([r.counted if r else 0.0 for r in records])
            won = np.array([r.won if r else 0.0 for r in records])
            expected = np.array([r.expected if r else now for r, now in zip(records, point, strict=True)])
            rates = level.rates(counted, won, expected)
            worth = np.array(level.strengths) + counted[:, None] + 1
            spread = 1 / np.sqrt(worth * np.maximum(rates * (1 - rates), 1e-4))
            shift = log_odds(rates) - expected[:, None]
            drawn, picked = _noise(number, len(keys), len(level.strengths))
            centre = centre + shift[:, picked]
            noise += spread[:, picked] * drawn
            variance += (spread**2)[:, picked]
            point = point + shift.mean(axis=1)
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-centre * np.sqrt(1 + _FLATTENING * variance) - noise)))

    def to_dict(self) -> dict[str, Any]:
        """Return the expectation as JSON-able values."""
        return {"model": self.model.to_dict(), "levels": [level.to_dict() for level in self.levels]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Expectation:
        """Rebuild an expectation from `to_dict`."""
        levels = tuple(Level.from_dict(level) for level in values["levels"])
        return cls(PriorModel.from_dict(values["model"]), levels)


@cache
def _noise(level: int, approaches: int, strengths: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return the standard normal draws of a level, shape (approaches, 500), and each draw's strength.

    They are always the same ones. Each comes with its opposite, as those of the coefficients do, so that no
    approach is lucky in its draws.
    """
    random = np.random.default_rng(level + 1)
    noise = random.standard_normal((approaches, N_DRAWS // 2))
    picked = random.permutation(np.arange(N_DRAWS // 2) % strengths)
    return np.hstack([noise, -noise]), np.tile(picked, 2)
