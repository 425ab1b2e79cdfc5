"""Where the name of a person or an application can stand in the database, and what removes it there.

A table that holds names is added by one line. JSON is searched for whole texts, whatever their case; what
persons wrote (notes, summaries) for the name as words of its own, which are replaced by `(forgotten)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FORGOTTEN = "(forgotten)"
"""What stands where a name stood."""


@dataclass(frozen=True)
class Trace:
    """Rows of a table that hold the name.

    Attributes
    ----------
    table
        The table.
    where
        SQL of the rows; the names after colons are the keys of `forget.bound_names`.
    change
        SQL of what is set instead; None where the rows are deleted.
    """

    table: str
    where: str
    change: str | None = None

    @property
    def statement(self) -> str:
        """Return the SQL that removes the name."""
        if self.change is None:
            return f"delete from {self.table} where {self.where}"  # noqa: S608 - constants
        return f"update {self.table} set {self.change} where {self.where}"  # noqa: S608 - constants


def pattern_of(name: str) -> str:
    """Return a regular expression of PostgreSQL for the name as words of its own."""
    return rf"(?<!\w){re.escape(name)}(?!\w)"


def quoted_pattern_of(name: str) -> str:
    """Return a regular expression for the name as a whole text in JSON that PostgreSQL wrote."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{re.escape(escaped)}"'


def _is(column: str) -> str:
    return f"lower({column}) = lower(:name)"


def _has(*columns: str) -> str:
    return "(" + " or ".join(f"{one}::text ~* :quoted" for one in columns) + ")"


def _mentions(column: str) -> str:
    return f"{column} ~* :pattern"


def _stands_in(column: str) -> str:
    return (
        f"(position(lower(:name) in lower({column})) > 0 or position(lower(:escaped) in lower({column})) > 0)"
    )


def _without(column: str) -> str:
    return f"{column} = regexp_replace({column}, :pattern, '{FORGOTTEN}', 'gi')"


def _without_json(*columns: str) -> str:
    return ", ".join(
        f"{one} = regexp_replace({one}::text, :quoted, '\"{FORGOTTEN}\"', 'gi')::jsonb" for one in columns
    )


_WRITTEN_BY_PERSONS = (
    Trace("decisions", _mentions("note"), _without("note")),
    Trace("name_decisions", _mentions("note"), _without("note")),
    Trace("audit_log", _mentions("target"), _without("target")),
    Trace("audit_log", _has("details"), _without_json("details")),
    Trace("idempotent_replies", _has("reply")),
    Trace(
        "server_jobs",
        f"({_has('arguments', 'result', 'progress')} or {_mentions('error')})",
        "arguments = '{}', progress = '{}', result = null, error = null",
    ),
    Trace("ingests", _mentions("file_name"), _without("file_name")),
    Trace("quarantined_records", f"({_has('record')} or {_is('value')})"),
    Trace("quarantined_records", _mentions("file_name"), _without("file_name")),
    Trace("discovery_runs", _mentions("summary"), _without("summary")),
    Trace("discovery_runs", _has("claims"), _without_json("claims")),
    Trace("alert_messages", f"({_mentions('title')} or {_mentions('body')})"),
    Trace("alerts", _mentions("message"), _without("message")),
    Trace("alerts", _mentions("subject"), _without("subject")),
    Trace("alert_rules", _is("segment_value")),
    Trace("analysis_runs", _mentions("changes::text"), "changes = '{}'"),
    Trace("analysis_runs", _mentions("error"), _without("error")),
)
_DAGSTER = (
    Trace("event_logs", _stands_in("event")),
    Trace("asset_check_executions", _stands_in("evaluation_event")),
    Trace("asset_keys", _stands_in("last_materialization"), "last_materialization = null"),
)
"""Dagster's record of events, whose tables of metadata name applications; the next rebuild writes it anew."""

# Answers stay: whether advice helped is measured from them, and lists of candidates are shared by many.
_SERVED = (
    Trace("served_recommendations", _has("context"), _without_json("context")),
    Trace("served_recommendations", _has("recommended_approach"), _without_json("recommended_approach")),
    Trace("served_candidates", _has("candidates"), _without_json("candidates")),
)

_AS_NAMES = (
    Trace("name_merges", f"({_is('raw_name')} or {_is('name')})"),
    Trace("name_decisions", f"({_is('name')} or {_is('other_name')})"),
)

APPLICATION = (
    Trace("packaging_outcomes", _is("application_name")),
    *_AS_NAMES,
    *_SERVED,
    Trace(
        "pattern_history",
        f"pattern_id in (select id from pattern_identifications where {_has('conditions')})",  # noqa: S608
    ),
    Trace("pattern_identifications", _has("conditions")),
    Trace("success_factors", _has("applicability_conditions", "implementation_details")),
    Trace("approach_recommendations", _has("conditions", "recommended_approach", "avoid_approach")),
    Trace("advice_changes", _has("conditions", "before", "after")),
    Trace("learning_measures", f"({_is('segment_value')} or {_has('details')})"),
    Trace("learning_history", f"({_is('segment_value')} or {_has('details')})"),
    *_WRITTEN_BY_PERSONS,
    *_DAGSTER,
)
_IN_OUTCOMES = (
    "context",
    "approach_details",
    "success_factors",
    "failure_reasons",
    "manual_interventions",
    "feedback",
)
PERSON = (
    Trace(
        "patterns",
        "related_member_ids && cast(:members as integer[])",
        "related_member_ids = array(select unnest(related_member_ids) except "
        "select unnest(cast(:members as integer[])) order by 1)",
    ),
    Trace("members", "id = any(cast(:members as integer[]))"),
    Trace("decisions", _is("decided_by"), f"decided_by = '{FORGOTTEN}'"),
    Trace("name_decisions", _is("decided_by"), f"decided_by = '{FORGOTTEN}'"),
    Trace("audit_log", _is("actor"), f"actor = '{FORGOTTEN}'"),
    Trace("alert_rules", _is("updated_by"), f"updated_by = '{FORGOTTEN}'"),
    Trace("alerts", _is("acknowledged_by"), f"acknowledged_by = '{FORGOTTEN}'"),
    Trace("server_jobs", _is("asked_by"), f"asked_by = '{FORGOTTEN}'"),
    Trace("idempotent_replies", _is("actor")),
    Trace(
        "api_tokens", _is("name"), f"name = '{FORGOTTEN} ' || id, revoked_at = coalesce(revoked_at, now())"
    ),
    *(
        Trace("packaging_outcomes", _has(one), f"{_without_json(one)}, updated_at = now()")
        for one in _IN_OUTCOMES
    ),
    *_AS_NAMES,
    *_SERVED,
    Trace("pattern_identifications", _has("conditions")),
    Trace("advice_changes", _has("conditions", "before", "after")),
    *_WRITTEN_BY_PERSONS,
    *_DAGSTER,
)
