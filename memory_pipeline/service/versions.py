"""Has anything changed? What tells the present content of the memory from an earlier one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from memory_pipeline.service.session import Service
from memory_pipeline.store import reads
from memory_pipeline.store.frames import (
    CONDITION_ASSOCIATIONS,
    OUTCOME_EVIDENCE,
    OUTCOME_FEATURES,
    OUTCOME_PREDICTABILITY,
    OUTCOME_VALUES,
    PATTERN_OVERLAPS,
)
from memory_pipeline.store.models import (
    AdviceChange,
    AdviceVerification,
    Alert,
    AlertMessage,
    AlertRule,
    AnalysisRun,
    ApproachRecommendation,
    Base,
    DiscoveryRun,
    FindingDecision,
    Ingest,
    LabelMerge,
    LearningHistory,
    LearningMeasure,
    Member,
    MemberPattern,
    NameDecision,
    NameMerge,
    PatternIdentification,
    QuestionPrompt,
    SuccessFactor,
)


@dataclass(frozen=True)
class _Part:
    """The tables and frames that a part of the memory is read from."""

    tables: tuple[type[Base], ...] = ()
    frames: tuple[str, ...] = ()


PARTS = {
    # Whatever writes outcomes adds a row to `ingests` in the same transaction, and that table is small.
    "outcomes": _Part((Ingest,)),
    "names": _Part((NameMerge, NameDecision)),
    "features": _Part(frames=(OUTCOME_FEATURES, OUTCOME_EVIDENCE, OUTCOME_VALUES)),
    "patterns": _Part((PatternIdentification, FindingDecision)),
    "factors": _Part((SuccessFactor, FindingDecision)),
    "associations": _Part(frames=(CONDITION_ASSOCIATIONS, PATTERN_OVERLAPS)),
    "predictability": _Part(frames=(OUTCOME_PREDICTABILITY,)),
    "recommendations": _Part((ApproachRecommendation,)),
    "learning": _Part((LearningMeasure, LearningHistory)),
    "verification": _Part((AdviceVerification, AdviceChange)),
    "alerts": _Part((Alert, AlertMessage, AlertRule, AnalysisRun)),
    "members": _Part((Member, MemberPattern, QuestionPrompt, LabelMerge, DiscoveryRun, FindingDecision)),
}
"""What can be asked for its version."""


class VersionService(Service):
    """Versions of parts of the memory, for whoever keeps an answer and asks whether it still holds."""

    def version(self, *parts: str) -> str:
        """Compute a text that changes with every write to some parts of the memory.

        Parameters
        ----------
        parts
            Keys of `PARTS`.

        Raises
        ------
        KeyError
            When there is no such part.
        """
        wanted = [PARTS[part] for part in parts]
        tables = [one for part in wanted for one in part.tables]
        frames = [self.frames.version(name) for part in wanted for name in part.frames]
        written = reads.table_version(self.store, tables) if tables else ()
        return hashlib.blake2b(repr((parts, written, frames)).encode(), digest_size=12).hexdigest()
