"""Members: their labels in one vocabulary, what was merged, what goes together, patterns and questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from memory_pipeline.analysis.members import find_member_patterns
from memory_pipeline.analysis.members.finding import MemberSearch
from memory_pipeline.analysis.members.labels import MemberLabels, normalise_members
from memory_pipeline.analysis.members.pairs import candidate_pairs
from memory_pipeline.analysis.members.questions import question_rows
from memory_pipeline.analysis.members.similar_labels import similar_labels
from memory_pipeline.rebuild.member_patterns import read_member_patterns, store_member_patterns
from memory_pipeline.store.columns import read_columns
from memory_pipeline.store.frames import LABEL_CHANGES, MEMBER_CANDIDATES, MEMBER_FEATURES
from memory_pipeline.store.members import save_label_merges, save_questions
from memory_pipeline.vocabulary import load_vocabulary

if TYPE_CHECKING:
    from memory_pipeline.store.session import Session

SETS = ("skills", "interests", "other_sets")
"""Columns of `members` that hold labels."""
_MEMBER_COLUMNS = ("id", "is_visible", *SETS, "attributes", "source")
_CHANGE_TYPES = {"field": "str", "raw_label": "str", "label": "str", "why": "str", "members": "int64"}


@dataclass(frozen=True)
class UpdatedMemberFeatures:
    """The labels of visible members, the frame that was written, and how many members are stored."""

    labels: MemberLabels
    frame: pd.DataFrame
    members_stored: int

    @property
    def rows(self) -> int:
        """Members times labels."""
        return len(self.frame)


@dataclass(frozen=True)
class UpdatedLabelMerges:
    """The rows of `label_merges`."""

    merges: pd.DataFrame

    @property
    def rows(self) -> int:
        """Labels that were read as another, or look like one."""
        return len(self.merges)


@dataclass(frozen=True)
class UpdatedCandidates:
    """The pairs that were tested, with columns `CANDIDATE_COLUMNS`, the surest first."""

    candidates: pd.DataFrame

    @property
    def rows(self) -> int:
        """Pairs of labels."""
        return len(self.candidates)


@dataclass(frozen=True)
class UpdatedMemberPatterns:
    """What statistics found (columns `PATTERN_COLUMNS`), and how many verified claims changed."""

    patterns: pd.DataFrame
    rechecked: int

    @property
    def rows(self) -> int:
        """Patterns."""
        return len(self.patterns)


@dataclass(frozen=True)
class UpdatedQuestions:
    """The rows of `question_prompts`."""

    questions: pd.DataFrame

    @property
    def rows(self) -> int:
        """Questions."""
        return len(self.questions)


def update_member_features(session: Session) -> UpdatedMemberFeatures:
    """Read the labels of visible members in one vocabulary, and write them with what was changed in them."""
    vocabulary = load_vocabulary(session.settings)
    stored = read_columns(session.store, "members", _MEMBER_COLUMNS)
    labels = normalise_members(stored, vocabulary, strata=session.settings.strata)
    frame = labels.to_frame()
    session.frames.write(MEMBER_FEATURES, frame, {"vocabulary_version": vocabulary.version})
    session.frames.write(LABEL_CHANGES, labels.merges.astype(_CHANGE_TYPES))
    return UpdatedMemberFeatures(labels, frame, len(stored))


def update_label_merges(session: Session) -> UpdatedLabelMerges:
    """Store which labels were read as another, and which look alike."""
    labels = _read_labels(session)
    changes, _ = session.frames.read(LABEL_CHANGES)
    merges = pd.concat([changes.assign(similarity=float("nan")), similar_labels(labels)], ignore_index=True)
    save_label_merges(session.store, merges)
    return UpdatedLabelMerges(merges)


def update_member_candidates(session: Session) -> UpdatedCandidates:
    """Test every two labels that enough members carry against chance, and write the pairs."""
    candidates = candidate_pairs(_read_labels(session), min_members=session.settings.min_group_size)
    session.frames.write(MEMBER_CANDIDATES, candidates)
    return UpdatedCandidates(candidates)


def update_member_patterns(session: Session) -> UpdatedMemberPatterns:
    """Find patterns in the pairs that `update_member_candidates` tested, and store them."""
    labels, settings = _read_labels(session), session.settings
    pairs, _ = session.frames.read(MEMBER_CANDIDATES)
    search = MemberSearch(min_members=settings.min_group_size, fdr=settings.false_discovery_rate)
    patterns = find_member_patterns(labels, search, pairs=pairs)
    return UpdatedMemberPatterns(patterns, store_member_patterns(session, patterns, labels))


def update_questions(session: Session) -> UpdatedQuestions:
    """Store the questions of the patterns in use, whoever found them."""
    questions = question_rows(read_member_patterns(session))
    save_questions(session.store, questions)
    return UpdatedQuestions(questions)


def _read_labels(session: Session) -> MemberLabels:
    frame, _ = session.frames.read(MEMBER_FEATURES)
    return MemberLabels.from_frame(frame, load_vocabulary(session.settings))
