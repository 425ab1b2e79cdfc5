"""What is recorded for each cause of a failure: its reason, exit code, and remedy?

What belongs here: tables from a cause to words and codes, with their shares. What does not: the hazards of
the causes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Reason:
    """One entry of `failure_reasons`: short category, exit code (None where the type reports none), share."""

    reason: str
    code: str | None
    share: float = 1.0


@dataclass(frozen=True)
class Remedy:
    """A manual intervention against a cause: its kind, a description, and its median duration in minutes."""

    kind: str
    description: str
    minutes: float


def _same(reason: str, **codes: str | None) -> dict[str, tuple[Reason, ...]]:
    return {family: (Reason(reason, code),) for family, code in codes.items()}


# cause -> installer family -> possible reasons. The reason of `wrong_silent_switch` depends on the switch.
REASONS: Mapping[str, Mapping[str, tuple[Reason, ...]]] = {
    "installer_defect": _same(
        "installer_defect", windows_installer="1603", inno="4", nullsoft="2", appx="0x80073CF6", copy=None
    ),
    "package_unreadable": _same(
        "package_unreadable",
        windows_installer="1619",
        inno="0x80070570",
        nullsoft="0x80070570",
        appx="0x80073CF0",
        copy="0x80070570",
    ),
    "other_version_present": _same(
        "other_version_present",
        windows_installer="1638",
        inno=None,
        nullsoft=None,
        appx="0x80073CFB",
        copy=None,
    ),
    "disk_full": _same(
        "disk_full", windows_installer="1603", inno="4", nullsoft="112", appx="112", copy="112"
    ),
    # Closing the application also ends its updater, which is what holds the Windows Installer (1618).
    "process_running": {
        "windows_installer": (
            Reason("another_installation_running", "1618", 0.6),
            Reason("file_in_use", "1603", 0.4),
        ),
        **_same("file_in_use", inno="5", nullsoft="2", appx="0x80073D02", copy="32"),
    },
    "missing_prerequisite": _same(
        "missing_prerequisite",
        windows_installer="1603",
        inno="0xC0000135",
        nullsoft="0xC0000135",
        appx="0x80073CF3",
        copy="0xC0000135",
    ),
    "detection_mismatch": _same(
        "not_detected",
        windows_installer="0x87D1041C",
        inno="0x87D1041C",
        nullsoft="0x87D1041C",
        appx="0x87D1041C",
        copy="0x87D1041C",
    ),
    "custom_action_failed": _same(
        "custom_action_failed",
        windows_installer="1603",
        inno="4",
        nullsoft="2",
        appx="0x80073CF6",
        copy="0x80070005",
    ),
    "blocked_by_policy": _same(
        "blocked_by_policy",
        windows_installer="1625",
        inno="4551",
        nullsoft="4551",
        appx="0x80073CFF",
        copy="4551",
    ),
    "missing_configuration": _same("missing_configuration", windows_installer="1603"),
    "transform_not_applied": _same("transform_not_applied", windows_installer="1624"),
    "wrong_install_context": _same(
        "insufficient_rights",
        windows_installer="1603",
        inno="740",
        nullsoft="740",
        appx="0x80070005",
        copy="0x80070005",
    ),
}
RESTART_PENDING = Reason("restart_pending", "3010")

REMEDIES: Mapping[str, Remedy] = {
    "installer_defect": Remedy("repackaged", "Captured the setup and built a new package", 120),
    "package_unreadable": Remedy(
        "fetched_new_source", "Downloaded the source again and checked its hash", 20
    ),
    "other_version_present": Remedy("removed_old_version", "Uninstalled the version that was in the way", 25),
    "disk_full": Remedy("freed_disk_space", "Cleared caches on the device", 15),
    "wrong_silent_switch": Remedy("manual_click_through", "Clicked through the wizard on the device", 12),
    "process_running": Remedy("closed_application", "Asked the user to close the application", 8),
    "missing_prerequisite": Remedy("added_prerequisite", "Installed the missing runtime first", 35),
    "detection_mismatch": Remedy("changed_detection_rule", "Corrected the detection rule", 25),
    "custom_action_failed": Remedy(
        "repackaged", "Rebuilt the package without the failing custom action", 120
    ),
    "blocked_by_policy": Remedy("signed_package", "Had the package signed and allowed", 60),
    "missing_configuration": Remedy("configured_by_hand", "Entered licence server and settings by hand", 30),
    "transform_not_applied": Remedy("corrected_transform", "Corrected the path of the transform", 15),
    "wrong_install_context": Remedy("reinstalled_for_all_users", "Installed again as the system", 30),
}
# A manual intervention after an attempt that did not fail.
TOUCH_UP = Remedy("corrected_shortcut", "Corrected the shortcut in the start menu", 5)

# Share of the events of a cause after which the attempt is a partial success.
PARTIAL_SHARES: Mapping[str, float] = {
    "other_version_present": 0.4,
    "process_running": 0.5,
    "missing_prerequisite": 0.2,
    "detection_mismatch": 0.4,
    "missing_configuration": 0.7,
    "custom_action_failed": 0.06,
    "wrong_install_context": 0.4,
}
# Share of the attempts with each status that need an intervention.
INTERVENTION_SHARES: Mapping[str, float] = {"success": 0.04, "failure": 0.35, "partial": 0.65}
# Share of the successes with a wrong switch that needed an intervention at the device.
RESCUED_SHARE = 0.4
# Share of the successes that require a restart, by type of application.
RESTART_SHARES: Mapping[str, float] = {"security": 0.30, "runtime": 0.25, "cad": 0.20}
USUAL_RESTART_SHARE = 0.06

COMMENTS: Mapping[str, tuple[str, ...]] = {
    "success": (
        "Went through without a hitch.",
        "Quiet for the users, nobody called.",
        "Fine, but it took longer than the last version.",
        "Installed overnight, ready in the morning.",
    ),
    "failure": (
        "Did not install on most of the pilot devices.",
        "Third time this package comes back.",
        "The log says little; needs a look by somebody with experience.",
        "Users were waiting for it.",
    ),
    "partial": (
        "Installed, but the settings were missing.",
        "Works after a restart only.",
        "Runs, yet the portal still shows it as failed.",
        "Half of the devices are fine.",
    ),
}
