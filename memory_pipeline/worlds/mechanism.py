"""How probable is success, given context and settings (competing hazards of causes of failure)?

The causes compete. In an attempt each of them has its own hazard (an expected number of events); the attempt
succeeds where no event occurs, so that ::

    P(success) = exp(-sum of hazards),        P(cause c | failure) = hazard of c / sum of hazards.

All hazards of an application are multiplied by its difficulty (a gamma frailty, mean 1), its team's factor
and its architecture's factor. A cause that a right setting removes has hazard zero there. So the recorded
reason always agrees with the settings, and the effect of a setting can be computed exactly.

What belongs here: the mechanism only. What does not: drawing from it, and the effects that it implies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memory_pipeline.worlds.vocabulary import SILENT_SWITCHES, TRANSFORM_TYPES

if TYPE_CHECKING:
    import pandas as pd

# One array per column, all of one length: one element per attempt.
Columns: TypeAlias = Mapping[str, NDArray[Any]]

CAUSES = (
    "installer_defect",
    "package_unreadable",
    "other_version_present",
    "disk_full",
    "wrong_silent_switch",
    "process_running",
    "missing_prerequisite",
    "detection_mismatch",
    "custom_action_failed",
    "blocked_by_policy",
    "missing_configuration",
    "transform_not_applied",
    "wrong_install_context",
)


@dataclass(frozen=True)
class Hazards:
    """Hazard of each cause at average difficulty, team and architecture (events per attempt).

    Parameters
    ----------
    background
        Hazard that no setting changes; split over defects, unreadable packages, other versions and full
        disks, and scaled by the type of application.
    wrong_silent_switch
        Where the installer type does not understand the switch.
    process_running
        Where nobody closes the application first.
    missing_prerequisite
        Where the Visual C++ runtime is not installed first.
    detection_mismatch
        Where the detection rule looks at a file, whose version changes with every self-update.
    custom_action_failed
        Of the vendor's own setup code, which a repackaged setup does not have; from the drift on also that
        of a repackaged setup being blocked by policy.
    missing_configuration, transform_not_applied
        Without and with a transform, of the types that have one.
    wrong_install_context
        A CAD application (drivers, licence service) installed for the user alone.
    """

    background: float = 0.05
    wrong_silent_switch: float = 0.7
    process_running: float = 0.32
    missing_prerequisite: float = 0.36
    detection_mismatch: float = 0.38
    custom_action_failed: float = 0.28
    missing_configuration: float = 0.40
    transform_not_applied: float = 0.03
    wrong_install_context: float = 0.9

    @classmethod
    def without_effects(cls, background: float = 0.6) -> Hazards:
        """Return hazards with which no setting has an effect, and about as many attempts fail as usual."""
        planted = {one.name: 0.0 for one in fields(cls) if one.name != "background"}
        return cls(background=background, **planted)


BACKGROUND_SPLIT = {
    "installer_defect": 0.4,
    "package_unreadable": 0.2,
    "other_version_present": 0.25,
    "disk_full": 0.15,
}
BACKGROUND_BY_TYPE = {
    "productivity": 0.7,
    "developer_tools": 1.0,
    "cad": 1.8,
    "security": 1.4,
    "runtime": 0.8,
    "browser": 0.5,
    "utility": 0.6,
    "erp": 1.5,
}
ARCHITECTURE_FACTORS = {"x64": 1.0, "x86": 1.1, "arm64": 1.4}


def utc_datetime64(time: pd.Timestamp) -> np.datetime64:
    """Convert a time with a zone to UTC without a zone, as in the arrays of attempts."""
    return time.tz_convert("UTC").tz_localize(None).to_datetime64()


def is_right_switch(columns: Columns) -> NDArray[np.bool_]:
    """Return which attempts have a `silent_switch` that their `installer_type` understands, (n_attempts,)."""
    right = np.zeros(len(columns["silent_switch"]), bool)
    for kind, switches in SILENT_SWITCHES.items():
        known = [switch.text for switch in switches if switch.is_right]
        right |= (columns["installer_type"] == kind) & np.isin(columns["silent_switch"], known)
    return right


def cause_hazards(columns: Columns, *, drift_date: pd.Timestamp, hazards: Hazards) -> NDArray[np.float64]:
    """Compute the hazard of every cause in every attempt.

    Parameters
    ----------
    columns
        Settings, context and the hidden `difficulty` and `team_factor`.
    drift_date
        From this date on an application control policy blocks repackaged setups exactly as often as the
        vendor's own setup code fails: repackaging then changes the reason, not the success.
    hazards
        The size of each hazard.

    Returns
    -------
    array, shape (n_attempts, n_causes)
        In the order of `CAUSES`.
    """
    kind, installer = columns["application_type"], columns["installer_type"]
    repackaged = columns["repackaged"] == "yes"
    is_late = columns["occurred_at"] >= utc_datetime64(drift_date)
    has_transform = np.isin(installer, TRANSFORM_TYPES)
    transformed = columns["transform"] == "yes"
    factor = columns["difficulty"] * columns["team_factor"]
    for architecture, size in ARCHITECTURE_FACTORS.items():
        factor = np.where(columns["architecture"] == architecture, factor * size, factor)

    background = np.zeros(len(kind))
    for name, size in BACKGROUND_BY_TYPE.items():
        background[kind == name] = hazards.background * size
    by_cause = {cause: background * share for cause, share in BACKGROUND_SPLIT.items()} | {
        "wrong_silent_switch": hazards.wrong_silent_switch * ~is_right_switch(columns),
        "process_running": hazards.process_running * (columns["close_processes"] == "no"),
        "missing_prerequisite": hazards.missing_prerequisite * (columns["prerequisites: vcredist"] == "no"),
        "detection_mismatch": hazards.detection_mismatch * (columns["detection_method"] == "file"),
        "custom_action_failed": hazards.custom_action_failed * ~repackaged,
        "blocked_by_policy": hazards.custom_action_failed * (repackaged & is_late),
        "missing_configuration": hazards.missing_configuration * (has_transform & ~transformed),
        "transform_not_applied": hazards.transform_not_applied * (has_transform & transformed),
        "wrong_install_context": hazards.wrong_install_context
        * ((kind == "cad") & (columns["install_context"] == "user")),
    }
    return np.column_stack([by_cause[cause] * factor for cause in CAUSES])


def success_probability(
    columns: Columns, *, drift_date: pd.Timestamp, hazards: Hazards
) -> NDArray[np.float64]:
    """Compute the true probability that each attempt succeeds, shape (n_attempts,)."""
    total = cause_hazards(columns, drift_date=drift_date, hazards=hazards).sum(axis=1)
    return np.asarray(np.exp(-total), np.float64)
