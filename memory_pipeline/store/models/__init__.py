"""SQLAlchemy models of the stored records, with the constraints that the database checks.

Rules that need more than one row or a person's judgement are data contracts, not constraints.
"""

from memory_pipeline.store.models.access import (
    JOB_KINDS,
    JOB_STATES,
    SCOPES,
    ApiToken,
    AuditEntry,
    IdempotentReply,
    Job,
)
from memory_pipeline.store.models.advice import (
    AdviceChange,
    AdviceVerification,
    ApproachRecommendation,
    LearningHistory,
    LearningMeasure,
    ServedCandidates,
    ServedRecommendation,
)
from memory_pipeline.store.models.alerts import (
    Alert,
    AlertMessage,
    AlertRule,
    AnalysisRun,
)
from memory_pipeline.store.models.base import Base
from memory_pipeline.store.models.communities import (
    MEMBER_PATTERN_CATEGORIES,
    DiscoveryRun,
    LabelMerge,
    MemberPattern,
    QuestionPrompt,
)
from memory_pipeline.store.models.findings import (
    DECISIONS,
    PATTERN_TYPES,
    FindingDecision,
    PatternHistory,
    PatternIdentification,
    Rebuild,
    SuccessFactor,
)
from memory_pipeline.store.models.names import NAME_DECISIONS, NameDecision, NameMerge
from memory_pipeline.store.models.records import (
    OUTCOME_STATUSES,
    RECORD_KINDS,
    Ingest,
    Member,
    PackagingOutcome,
    QuarantinedRecord,
)

__all__ = [
    "DECISIONS",
    "JOB_KINDS",
    "JOB_STATES",
    "MEMBER_PATTERN_CATEGORIES",
    "NAME_DECISIONS",
    "OUTCOME_STATUSES",
    "PATTERN_TYPES",
    "RECORD_KINDS",
    "SCOPES",
    "AdviceChange",
    "AdviceVerification",
    "Alert",
    "AlertMessage",
    "AlertRule",
    "AnalysisRun",
    "ApiToken",
    "ApproachRecommendation",
    "AuditEntry",
    "Base",
    "DiscoveryRun",
    "FindingDecision",
    "IdempotentReply",
    "Ingest",
    "Job",
    "LabelMerge",
    "LearningHistory",
    "LearningMeasure",
    "Member",
    "MemberPattern",
    "NameDecision",
    "NameMerge",
    "PackagingOutcome",
    "PatternHistory",
    "PatternIdentification",
    "QuarantinedRecord",
    "QuestionPrompt",
    "Rebuild",
    "ServedCandidates",
    "ServedRecommendation",
    "SuccessFactor",
]
