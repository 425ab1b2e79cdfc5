"""How much of the results the conditions explain at all: one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory_pipeline.analysis.patterns.predictability import explain_outcomes
from memory_pipeline.rebuild.evidence import read_evidence
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
    evidence, _ = read_evidence(session.frames)
    found = explain_outcomes(evidence)
    info = {"summary": found.summary, "calibration": found.calibration.to_dict("records")}
    session.frames.write(OUTCOME_PREDICTABILITY, found.scores, info)
    return UpdatedPredictability(found.scores, found.calibration, found.summary)
