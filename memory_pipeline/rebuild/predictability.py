"""How much of the results the conditions explain at all: one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.patterns.predictability import Predictability, explain_outcomes
from memory_pipeline.rebuild.evidence import read_evidence
from memory_pipeline.rebuild.kept_results import (
    KeptResults,
    evidence_fingerprint,
    frame_from_plain,
    frame_to_plain,
)
from memory_pipeline.store.frames import OUTCOME_PREDICTABILITY

if TYPE_CHECKING:
    import pandas as pd

    from memory_pipeline.store.session import Session


@dataclass(frozen=True)
class UpdatedPredictability:
    """The scores by question and model, the calibration of predictions, and the answer in a sentence."""

    scores: pd.DataFrame
    calibration: pd.DataFrame
    summary: str

    @property
    def rows(self) -> int:
        """Questions times models."""
        return len(self.scores)


def update_predictability(session: Session) -> UpdatedPredictability:
    """Predict attempts that no model has seen, and store how well that goes."""
    kept = KeptResults(session.frames)
    found = kept.value(
        "predictability",
        {"counted": evidence_fingerprint(session.frames)},
        lambda: explain_outcomes(read_evidence(session.frames)[0]),
        (_to_plain, _from_plain),
    )
    info = {"summary": found.summary, "calibration": found.calibration.to_dict("records")}
    session.frames.write(OUTCOME_PREDICTABILITY, found.scores, info)
    return UpdatedPredictability(found.scores, found.calibration, found.summary)


def _to_plain(found: Predictability) -> dict[str, Any]:
    tables = {"scores": found.scores, "calibration": found.calibration}
    return {"summary": found.summary, **{name: frame_to_plain(one) for name, one in tables.items()}}


def _from_plain(plain: dict[str, Any]) -> Predictability:
    tables = {name: frame_from_plain(plain[name]) for name in ("scores", "calibration")}
    return Predictability(**tables, summary=plain["summary"])
