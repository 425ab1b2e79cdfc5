"""How do generated attempts become outcome records, and a flat frame?

What belongs here: shapes only. What does not: anything drawn at random.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.worlds.vocabulary import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from memory_pipeline.worlds.mechanism import Columns

SOURCE = "sample"
PREREQUISITES = ("vcredist", "dotnet", "webview2", "java_runtime")
SETTINGS = (
    "silent_switch",
    "install_context",
    "detection_method",
    "transform",
    "reboot_handling",
    "close_processes",
    "wrapper",
    "repackaged",
    "package_icon_size",
    "naming_scheme",
)
CONTEXT = ("team", "architecture", "requesting_department")
APPLICATION = ("application_vendor", "application_type", "installer_type")
# Columns of the flat frame that somebody chose, and those that were known before the attempt.
APPROACH_COLUMNS = (*SETTINGS, *(f"prerequisites: {name}" for name in PREREQUISITES))
CONTEXT_COLUMNS = (*APPLICATION, *CONTEXT)


def to_frame(columns: Columns, results: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """Build a flat frame of the attempts: one row each, one plain column per condition.

    Returns
    -------
    DataFrame
        `application_name`, `occurred_at` (UTC), `outcome_status`, `needed_intervention` (bool),
        `intervention_kind`, `failure_reason`, then `CONTEXT_COLUMNS` and `APPROACH_COLUMNS`. Prerequisites
        are one yes/no column each. Hidden columns such as the difficulty are left out.
    """
    remedy = results["remedy"]
    return pd.DataFrame(
        {
            "application_name": columns["application_name"],
            "occurred_at": pd.DatetimeIndex(columns["occurred_at"]).tz_localize("UTC"),
            "outcome_status": results["outcome_status"],
            "needed_intervention": np.array([one is not None for one in remedy], bool),
            "intervention_kind": [None if one is None else one.kind for one in remedy],
            "failure_reason": [None if one is None else one.reason for one in results["reason"]],
            **{name: columns[name] for name in (*CONTEXT_COLUMNS, *APPROACH_COLUMNS)},
        }
    )


def to_records(
    columns: Columns,
    results: Mapping[str, NDArray[Any]],
    versions: NDArray[np.object_],
    *,
    id_prefix: str,
) -> list[dict[str, Any]]:
    """Return every attempt as an outcome record in normal form.

    Parameters
    ----------
    columns, results
        From `draw_attempts` and `draw_results`.
    versions : array, shape (n_attempts,)
        The application's version at the time.
    id_prefix
        Prefix of `source_record_id`; the rest is the attempt's number in time.
    """
    listed = {name: values.tolist() for name, values in {**columns, **results}.items()}
    times = pd.DatetimeIndex(columns["occurred_at"]).tz_localize("UTC").to_pydatetime()
    return [
        _record({name: values[row] for name, values in listed.items()})
        | {
            "application_version": versions[row],
            "occurred_at": times[row],
            "task_id": f"{_slug(listed['application_name'][row])}-{versions[row]}",
            "source_record_id": f"{id_prefix}-{row + 1:06d}",
        }
        for row in range(len(times))
    ]


def _record(attempt: Mapping[str, Any]) -> dict[str, Any]:
    reason, remedy, status = attempt["reason"], attempt["remedy"], attempt["outcome_status"]
    reasons = []
    if reason is not None:
        detail = EXIT_CODES.get(reason.code or "", "The installer reported no code")
        reasons = [{"code": reason.code, "reason": reason.reason, "detail": detail}]
    interventions = []
    if remedy is not None:
        interventions = [
            {"kind": remedy.kind, "description": remedy.description, "minutes": attempt["minutes"]}
        ]
    feedback = None
    if attempt["rating"]:
        feedback = {"rating": attempt["rating"], "comment": attempt["comment"]}
    return {
        "application_name": attempt["application_name"],
        **{name: attempt[name] for name in APPLICATION},
        "context": {name: attempt[name] for name in CONTEXT},
        "approach_details": {name: attempt[name] for name in SETTINGS}
        | {"prerequisites": [name for name in PREREQUISITES if attempt[f"prerequisites: {name}"] == "yes"]},
        "outcome_status": status,
        "success_factors": _success_factors(attempt) if status == "success" else [],
        "failure_reasons": reasons,
        "manual_interventions": interventions,
        "performance_metrics": {
            "duration_seconds": attempt["duration_seconds"],
            "package_size_mb": attempt["package_size_mb"],
            "retries": attempt["retries"],
        },
        "feedback": feedback,
        "recommendation_id": None,
        "recommendation_followed": None,
        "source": SOURCE,
    }


def _success_factors(attempt: Mapping[str, Any]) -> list[str]:
    """List what a packager notes after a success; code 3010 means a required restart, not a failure."""
    noted = {
        "processes_closed_first": attempt["close_processes"] == "yes",
        "prerequisites_installed_first": attempt["prerequisites: vcredist"] == "yes",
        "transform_applied": attempt["transform"] == "yes",
        "exit_code_3010_restart_required": attempt["needs_restart"],
    }
    return [name for name, is_true in noted.items() if is_true]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
