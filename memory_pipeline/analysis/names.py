"""What columns, statuses, special levels and measures are called.

Imports nothing of ours, so that commands and charts can list them without loading a library.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

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


INTERNAL = "\x1f"
"""What the names of the columns that an analysis adds to a frame begin with: U+001F, the unit separator.

Ingest refuses control characters in names, and the analysis refuses columns that begin with this one
(`features.columns.check_names`), so that every other name is free.
"""
OUTCOME = INTERNAL + "outcome"
"""The column of outcome labels."""
PERIOD = INTERNAL + "period"
"""The column of the period of an attempt: its month, quarter or half of the history."""
PERIOD_COLUMN, UNIT_COLUMN = "period", "unit"
CONDITION_PREFIX, COUNT_PREFIX = "condition: ", "attempts: "
"""How the columns of collapsed rows are called, or begin, in a file: a condition of any name is apart."""


MISSING = "(missing)"
OTHER = "(other)"
YES, NO = "yes", "no"


STATUSES = ("success", "failure", "partial")
APPROACH_SUFFIX = " (approach)"
"""What is added to the name of a setting that a context column has too."""
STANDARD_CONTEXT = ("application_vendor", "application_type", "installer_type")
TABLE_CONTEXT = ("application_type", "installer_type")
"""The context columns for whose combinations the table of advice has a row each."""
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


def element_column(source: str, element: str, taken: Container[str] = ()) -> str:
    """Return the name of the yes/no column of one element of a column of lists: `tags: signed`.

    The source is quoted as in JSON where the name would otherwise be that of another column, or could be read
    as that of another source.

    Parameters
    ----------
    source, element
        The column of lists, and one of its elements.
    taken
        Names of other columns.

    Examples
    --------
    >>> element_column("tags", "signed")
    'tags: signed'
    >>> element_column("tags", "signed", taken={"tags: signed"})
    '"tags": signed'
    """
    shown = json.dumps(source, ensure_ascii=False) if ": " in source or source.startswith('"') else source
    while f"{shown}: {element}" in taken:
        shown = json.dumps(shown, ensure_ascii=False)
    return f"{shown}: {element}"


def split_element_column(column: str) -> tuple[str, str]:
    """Return the source and the element of a name from `element_column`; of any other name, it and ""."""
    source, separator, element = column.partition(": ")
    if column.startswith('"'):
        try:
            source, end = json.JSONDecoder().raw_decode(column)
        except json.JSONDecodeError:
            return column, ""
        separator, element = column[end : end + 2], column[end + 2 :]
    if separator != ": ":
        return column, ""
    return source, element
