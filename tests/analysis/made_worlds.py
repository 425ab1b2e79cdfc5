"""Small made-up histories with known effects, for the tests of factors, advice and learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.evidence.grouped_counts import group_attempts
from memory_pipeline.analysis.features import encode
from memory_pipeline.analysis.features.outcomes import is_success

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS = ("wrapper", "logging", "detection", "signing")
CONTEXT = ("installer_type", "team")
UNIT = "application_name"


@dataclass(frozen=True)
class World:
    """A history, and what its success really depended on."""

    outcomes: pd.DataFrame
    deviation: np.ndarray
    effects: Mapping[str, float]

    def chances(self, approaches: pd.DataFrame | None = None) -> np.ndarray:
        """Chance of success of each attempt, as it was made or with other approaches, shape (attempts,)."""
        made = self.outcomes if approaches is None else approaches
        place = self.outcomes
        chances = (
            0.75
            - 0.2 * (place["installer_type"] == "exe")
            - 0.15 * (place["team"] == "legacy")
            + self.deviation
            + self._effect("wrapper") * made["wrapper"].astype(bool)
            + self._effect("logging") * (made["logging"] == "verbose")
            + self._effect("signing") * made["signing"].astype(bool)
            + self._effect("product_code") * (made["detection"] == "product_code")
            + self._effect("registry") * (made["detection"] == "registry")
            + self._effect("product_code for msi")
            * ((made["detection"] == "product_code") & (place["installer_type"] == "msi"))
        )
        return np.clip(chances.to_numpy(dtype=float), 0.01, 0.99)

    def _effect(self, name: str) -> float:
        return self.effects.get(name, 0.0)


def packaging_world(
    seed: int,
    *,
    units: int = 80,
    attempts: int = 2000,
    unit_spread: float = 0.15,
    heavy_tail: bool = True,
    treated_units: float = 0.4,
    **effects: float,
) -> World:
    """Make a history of one organisation.

    Chances are additive: 0.75, minus 0.2 for installer_type exe, minus 0.15 for a legacy team, plus the
    unit's own deviation (uniform, up to `unit_spread`), plus the effects of the settings:

    - `wrapper` (true/false): chosen attempt by attempt, mostly for exe, so that it looks harmful.
    - `logging` (verbose/quiet): chosen attempt by attempt, mostly by the legacy team; likewise.
    - `detection` (file/product_code/registry): chosen attempt by attempt, anywhere.
    - `signing` (true/false): one choice per unit.
    """
    random = np.random.default_rng(seed)
    weights = random.pareto(1.5, units) + 0.3 if heavy_tail else np.ones(units)
    unit = random.choice(units, size=attempts, p=weights / weights.sum())
    installer = random.choice(["msi", "exe"], size=units)[unit]
    team = random.choice(["modern", "legacy"], size=units, p=[0.6, 0.4])[unit]
    deviation = (random.uniform(-1, 1, units) * unit_spread)[unit]
    signing = random.permutation(np.arange(units) < treated_units * units)[unit]
    days = np.sort(random.integers(0, 540, attempts))
    outcomes = pd.DataFrame(
        {
            "id": [f"a{i}" for i in range(attempts)],
            "application_name": [f"app-{u:03d}" for u in unit],
            "occurred_at": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(days, unit="D"),
            "outcome_status": "failure",
            "installer_type": installer,
            "team": team,
            "wrapper": random.random(attempts) < np.where(installer == "exe", 0.7, 0.2),
            "logging": np.where(
                random.random(attempts) < np.where(team == "legacy", 0.8, 0.15), "verbose", "quiet"
            ),
            "detection": random.choice(
                ["file", "product_code", "registry"], size=attempts, p=[0.5, 0.3, 0.2]
            ),
            "signing": signing,
        }
    )
    world = World(
        outcomes, deviation, {name.replace("_for_", " for "): size for name, size in effects.items()}
    )
    outcomes["outcome_status"] = np.where(random.random(attempts) < world.chances(), "success", "failure")
    return world


def roles(**more: Any) -> dict[str, Any]:
    """Return the column roles of these worlds as keyword arguments."""
    return {"approach": list(SETTINGS), "context": list(CONTEXT), "unit": UNIT} | more


def cells_of(outcomes, columns=("installer_type", "team", "wrapper")):
    """Count the attempts of a world per unit and combination of conditions."""
    encoded = encode(outcomes, columns).frame
    return group_attempts(encoded, outcomes[UNIT], is_success(outcomes))


def row_of(factors, column, value):
    """Return the one row of a value of a setting."""
    found = factors[(factors["column"] == column) & (factors["value"] == value)]
    assert len(found) == 1
    return found.iloc[0]
