"""What columns, statuses, special levels and measures are called.

Imports nothing, so that commands and charts can list them without loading a library.
"""

from __future__ import annotations

SUCCESS_RATE = "success_rate"
PRIOR_KNOWLEDGE = "prior_knowledge"
ADVICE_GAIN = "advice_gain"
ADVICE_COVERAGE = "advice_coverage"
FINDING_REPLICATION = "finding_replication"
CONFIDENCE_CALIBRATION = "confidence_calibration"
DRIFT = "drift"
DRIFT_CHANGE = "drift_change"
REPLAYED_UPLIFT = "replayed_uplift"
MEASURES = (
    SUCCESS_RATE,
    PRIOR_KNOWLEDGE,
    ADVICE_GAIN,
    ADVICE_COVERAGE,
    FINDING_REPLICATION,
    CONFIDENCE_CALIBRATION,
    DRIFT,
    DRIFT_CHANGE,
    REPLAYED_UPLIFT,
)
"""All measures, in the order in which they are reported."""


OUTCOME = "outcome"
"""The column of outcome labels."""


MISSING = "(missing)"
OTHER = "(other)"
YES, NO = "yes", "no"


STATUSES = ("success", "failure", "partial")
STANDARD_CONTEXT = ("application_vendor", "application_type", "installer_type")
NEVER_CONDITIONS = frozenset(
    {
        "id",
        "task_id",
        "application_name",
        "application_version",
        "outcome_status",
        "occurred_at",
        "created_at",
        "updated_at",
        "success_factors",
        "failure_reason",
        "failure_reasons",
        "intervention_kind",
        "manual_interventions",
        "needed_intervention",
        "performance_metrics",
        "feedback",
        "recommendation_id",
        "recommendation_followed",
        "source",
        "source_record_id",
        "content_hash",
        "ingest_id",
    }
)
"""Columns that identify an attempt or are known only after it."""
