"""A small memory whose policy was fitted without a rebuild: quick to make, and to replace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.recommendations import fit_policy
from memory_pipeline.memory import Memory
from memory_pipeline.store.frames import POLICY

if TYPE_CHECKING:
    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store

ATTEMPTS = 240


def made_attempts(better: str = "a", seed: int = 3) -> pd.DataFrame:
    """Return attempts of which those with the better mode succeed more often."""
    random = np.random.default_rng(seed)
    mode = random.choice(["a", "b"], ATTEMPTS)
    success = random.random(ATTEMPTS) < np.where(mode == better, 0.9, 0.3)
    return pd.DataFrame(
        {
            "id": [str(number) for number in range(ATTEMPTS)],
            "application_name": [f"app {number % 24}" for number in range(ATTEMPTS)],
            "occurred_at": pd.date_range("2026-01-01", periods=ATTEMPTS, freq="6h", tz="UTC"),
            "installer_type": random.choice(["msi", "exe"], ATTEMPTS),
            "team": random.choice(["red", "blue"], ATTEMPTS),
            "mode": mode,
            "wrapper": random.choice(["none", "psadt"], ATTEMPTS),
            "outcome_status": np.where(success, "success", "failure"),
        }
    )


def made_policy(better: str = "a", seed: int = 3) -> dict[str, Any]:
    """Fit a policy to made attempts, as it is stored."""
    return fit_policy(
        made_attempts(better, seed),
        approach=["mode", "wrapper"],
        context=["installer_type", "team"],
        unit="application_name",
    ).to_dict()


def made_records(better: str = "a", seed: int = 3) -> list[dict[str, Any]]:
    """Return made attempts as records to ingest."""
    return [
        {
            "source_record_id": row["id"],
            "application_name": row["application_name"],
            "occurred_at": row["occurred_at"].isoformat(),
            "installer_type": row["installer_type"],
            "context": {"team": row["team"]},
            "approach_details": {"mode": row["mode"], "wrapper": row["wrapper"]},
            "outcome_status": row["outcome_status"],
            **({} if row["outcome_status"] == "success" else {"failure_reasons": [{"reason": "timeout"}]}),
        }
        for row in made_attempts(better, seed).to_dict("records")
    ]


def open_made(settings: Settings, store: Store, policy: dict[str, Any]) -> Memory:
    """Open a memory that holds made attempts and a policy."""
    memory = Memory(settings, store)
    memory.ingest(made_records(), source="made")
    memory.frames.write_json(POLICY, policy)
    return memory
