"""The words are real, and what stands on record follows from what was chosen."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from memory_pipeline.worlds import sample_organisation
from memory_pipeline.worlds.mechanism import CAUSES
from memory_pipeline.worlds.reasons import REASONS, REMEDIES
from memory_pipeline.worlds.vocabulary import (
    APPLICATION_TYPES,
    EXIT_CODES,
    INSTALLER_FAMILIES,
    INSTALLER_TYPES,
    PRODUCT_CODE_TYPES,
    SILENT_SWITCHES,
    TRANSFORM_TYPES,
    VENDOR_STEMS,
)

SWITCH_REASONS = {"waits_for_input", "invalid_command_line", "invalid_package", "not_executable"}


def _reasons(records):
    """Every record that has a reason, with it."""
    return [(record, reason) for record in records for reason in record["failure_reasons"]]


def test_every_installer_type_has_right_and_wrong_switches_and_a_family():
    for kind in INSTALLER_TYPES:
        assert {switch.is_right for switch in SILENT_SWITCHES[kind]} == {True, False}
        assert kind in INSTALLER_FAMILIES


# What the installers' own documentation gives as the unattended switch of each type.
@pytest.mark.parametrize(
    ("kind", "switch"),
    [
        ("msi", "/qn /norestart"),
        ("wix", "/quiet /norestart"),
        ("burn", "/quiet /norestart"),
        ("exe", '/s /v"/qn"'),
        ("inno", "/VERYSILENT /SUPPRESSMSGBOXES /NORESTART"),
        ("nullsoft", "/S"),
        ("msix", "Add-AppxProvisionedPackage -Online -SkipLicense"),
        ("zip", "Expand-Archive -Force"),
    ],
)
def test_documented_switches_are_right_for_their_type_alone(kind, switch):
    right = {
        other for other, all_of in SILENT_SWITCHES.items() for s in all_of if s.text == switch and s.is_right
    }
    assert kind in right
    same_engine = {"msi", "wix", "burn"}
    assert right <= (same_engine if kind in same_engine else {kind})


def test_lower_case_s_is_wrong_for_nullsoft():
    assert {switch.text: switch.is_right for switch in SILENT_SWITCHES["nullsoft"]}["/s"] is False


def test_every_code_that_can_occur_has_a_meaning():
    codes = {
        reason.code for families in REASONS.values() for options in families.values() for reason in options
    }
    codes |= {switch.code for switches in SILENT_SWITCHES.values() for switch in switches}
    assert codes - {None} <= set(EXIT_CODES)


def test_every_cause_has_a_remedy_and_reasons_with_shares():
    assert set(REMEDIES) == set(CAUSES)
    assert set(REASONS) | {"wrong_silent_switch"} == set(CAUSES)
    for families in REASONS.values():
        for options in families.values():
            assert sum(option.share for option in options) == pytest.approx(1)


def test_switches_are_drawn_from_the_vocabulary_of_their_type(sample):
    wrong = 0
    for record in sample.outcomes:
        known = {switch.text: switch for switch in SILENT_SWITCHES[record["installer_type"]]}
        wrong += not known[record["approach_details"]["silent_switch"]].is_right
    assert 0.05 < wrong / len(sample.outcomes) < 0.2


@pytest.mark.parametrize("seed", [1, 7])
def test_the_known_exit_codes_all_occur(seed):
    records = sample_organisation(seed).outcomes
    codes = Counter(reason["code"] for _, reason in _reasons(records))
    for code in ("1603", "1618", "1619", "1624", "1638", "1639", "3010", "0x87D1041C"):
        assert codes[code] >= 5, code
    restarted = [one for one in records if "exit_code_3010_restart_required" in one["success_factors"]]
    assert len(restarted) > 100
    assert {one["outcome_status"] for one in restarted} == {"success"}
    assert {one["outcome_status"] for one, reason in _reasons(records) if reason["code"] == "3010"} == {
        "partial"
    }


def test_a_reason_occurs_only_where_its_cause_can_strike(large, sample):
    can_strike = {
        "missing_prerequisite": lambda _, a: "vcredist" not in a["prerequisites"],
        "another_installation_running": lambda _, a: a["close_processes"] == "no",
        "file_in_use": lambda _, a: a["close_processes"] == "no",
        "restart_pending": lambda _, a: a["close_processes"] == "no" and a["reboot_handling"] != "force",
        "not_detected": lambda _, a: a["detection_method"] == "file",
        "transform_not_applied": lambda _, a: a["transform"] == "yes",
        "missing_configuration": lambda r, a: (
            a["transform"] == "no" and r["installer_type"] in TRANSFORM_TYPES
        ),
        "blocked_by_policy": lambda r, a: (
            a["repackaged"] == "yes" and r["occurred_at"] >= large.truth.drift.date
        ),
        "custom_action_failed": lambda _, a: a["repackaged"] == "no",
        "insufficient_rights": lambda r, a: a["install_context"] == "user" and r["application_type"] == "cad",
    }
    seen = Counter()
    for record, reason in _reasons([*large.outcomes, *sample.outcomes]):
        name, approach = reason["reason"], record["approach_details"]
        seen[name] += 1
        if name in can_strike:
            assert can_strike[name](record, approach), (name, approach)
        if name in SWITCH_REASONS:
            switches = {one.text: one for one in SILENT_SWITCHES[record["installer_type"]]}
            wrong = switches[approach["silent_switch"]]
            assert (wrong.reason, wrong.code) == (name, reason["code"])
    assert set(seen) >= set(can_strike) | SWITCH_REASONS


def test_windows_installer_codes_stay_with_its_family(sample):
    own = {"1603", "1618", "1619", "1624", "1625", "1638", "1639"}
    for record, reason in _reasons(sample.outcomes):
        if reason["code"] in own:
            assert INSTALLER_FAMILIES[record["installer_type"]] == "windows_installer"


def test_transforms_and_product_codes_belong_to_windows_installer(sample):
    frame = sample.attempts_frame()
    assert set(frame.loc[frame["transform"] == "yes", "installer_type"]) == set(TRANSFORM_TYPES)
    by_code = frame.loc[frame["detection_method"] == "product_code", "installer_type"]
    assert set(by_code) == set(PRODUCT_CODE_TYPES)


def test_names_are_invented_and_every_kind_occurs(sample):
    frame = sample.attempts_frame()
    assert set(frame["application_type"]) == set(APPLICATION_TYPES)
    assert set(frame["installer_type"]) == set(INSTALLER_TYPES)
    stems = set(VENDOR_STEMS)
    assert {name.split()[0] for name in frame["application_vendor"]} <= stems
    assert {name.split()[0] for name in frame["application_name"]} <= stems


def test_versions_grow_with_time(sample):
    newest: dict[str, tuple[int, ...]] = {}
    for record in sample.outcomes:
        assert re.fullmatch(r"\d+\.\d+\.\d+", record["application_version"])
        version = tuple(map(int, record["application_version"].split(".")[:2]))
        assert version >= newest.get(record["application_name"], (0, 0))
        newest[record["application_name"]] = version
    assert any(minor > 0 for _, minor in newest.values())
