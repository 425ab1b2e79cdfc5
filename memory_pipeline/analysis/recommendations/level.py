"""How much easier or harder everything is today than over the whole history, and what it changes.

How it is estimated is in `recommendations.level_fit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, ndtri

from memory_pipeline.analysis.recommendations.success_model import N_DRAWS
from memory_pipeline.analysis.stats.beta_binomial import log_odds

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats


@dataclass(frozen=True)
class Level:
    """How much easier attempts are today than over the whole history, in log-odds of success.

    Attributes
    ----------
    shift
        Today less the whole history; 0 where no change is shown.
    spread
        Standard deviation of the shift of attempts to come.
    points
        The shift in success, a difference between rates.
    since
        First moment of the newest part of the history, ISO 8601; empty where no change is shown.
    """

    shift: float = 0.0
    spread: float = 0.0
    points: float = 0.0
    since: str = ""

    @property
    def is_shown(self) -> bool:
        """Whether a change is shown."""
        return self.since != ""

    def move(self, rates: Floats) -> Floats:
        """Move predicted rates to today's level."""
        return np.asarray(expit(log_odds(rates) + self.shift)) if self.is_shown else rates

    def move_draws(self, draws: Floats) -> Floats:
        """Move posterior draws of rates, shape (…, 500): all rates of one draw by the same shift."""
        if not self.is_shown:
            return draws
        return np.asarray(expit(log_odds(draws) + self.shift + self.spread * _NOISE))


_NOISE = ndtri((np.random.default_rng(4).permutation(N_DRAWS) + 0.5) / N_DRAWS)


NO_LEVEL = Level()
"""Of a history in which no change of level is shown."""
