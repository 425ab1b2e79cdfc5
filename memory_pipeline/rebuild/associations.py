"""Which conditions travel together, and which patterns cover the same attempts: two frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.patterns.associations import condition_associations, pattern_overlaps
from memory_pipeline.rebuild.evidence import read_evidence
from memory_pipeline.rebuild.kept_results import KeptResults, evidence_fingerprint
from memory_pipeline.store.frames import CONDITION_ASSOCIATIONS, PATTERN_OVERLAPS
from memory_pipeline.store.models import PatternIdentification
from memory_pipeline.store.reads import read_table

if TYPE_CHECKING:
    import pandas as pd

    from memory_pipeline.store.session import Session


@dataclass(frozen=True)
class UpdatedAssociations:
    """The two frames as they were written, and the columns that could not be compared, with the reason."""

    associations: pd.DataFrame
    overlaps: pd.DataFrame
    left_out: Any

    @property
    def rows(self) -> int:
        """Pairs of conditions."""
        return len(self.associations)


def update_associations(session: Session) -> UpdatedAssociations:
    """Measure how strongly every two conditions go together, and how far every two patterns overlap."""
    evidence, _ = read_evidence(session.frames)
    level, counted = session.settings.false_discovery_rate, evidence_fingerprint(session.frames)
    found = KeptResults(session.frames).frame(
        "associations",
        {"counted": counted, "level": level},
        lambda: condition_associations(evidence, level=level),
    )
    patterns = read_table(session.store, PatternIdentification)
    active = patterns[patterns["active"].astype(bool)].sort_values("confidence", ascending=False)
    named = active.drop_duplicates("pattern_name")  # the same conditions may be found for several targets
    conditions = dict(zip(named["pattern_name"], named["conditions"], strict=True))
    targets = active.groupby("pattern_name")["target"].agg(", ".join)
    overlaps = pattern_overlaps(evidence, conditions)
    for side in ("a", "b"):
        overlaps[f"targets_{side}"] = overlaps[f"pattern_{side}"].map(targets).astype(object)
    left_out = found.attrs["left_out"]
    session.frames.write(CONDITION_ASSOCIATIONS, found, {"left_out": left_out})
    session.frames.write(PATTERN_OVERLAPS, overlaps)
    return UpdatedAssociations(found, overlaps, left_out)
