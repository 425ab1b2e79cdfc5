"""The key `from_command` of a mapping: what a row's command line fills in, and what it leaves alone."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from memory_pipeline.ingest.commands import MAX_LENGTH
from memory_pipeline.ingest.mapped_records import build_translator
from memory_pipeline.ingest.mapping import OutcomeMapping

SMALL = {
    "name": "small",
    "description": "A small mapping.",
    "kind": "outcomes",
    "timezone": "UTC",
    "constants": {"outcome_status": "success"},
    "renames": {"occurred_at": "at"},
    "from_command": {"column": "cmd"},
}
COMMAND = "msiexec /i app-1.2.msi TRANSFORMS=a.mst /qn"


def translate(row, **changes):
    mapping = OutcomeMapping.model_validate({**SMALL, **changes})
    return build_translator("outcomes", mapping).translate({"at": "2026-01-01", **row})


def test_a_command_fills_in_what_the_row_does_not_say():
    own = translate({"cmd": COMMAND})
    assert (own["application_name"], own["application_version"], own["installer_type"]) == (
        "app",
        "1.2",
        "msi",
    )
    assert own["approach_details"]["transform"] == "yes"
    assert "context" not in own


def test_what_the_row_says_wins():
    own = translate(
        {"cmd": COMMAND, "name": "Ledger", "kind": "wix", "switch": "/quiet", "mode": "x"},
        renames={"occurred_at": "at", "application_name": "name", "installer_type": "kind"},
        approach={"silent_switch": "switch"},
        value_maps=[{"column": "mode", "values": {"x": {"approach": {"transform": "no"}}}}],
    )
    assert (own["application_name"], own["installer_type"]) == ("Ledger", "wix")
    assert own["approach_details"]["silent_switch"] == "/quiet"
    assert own["approach_details"]["transform"] == "no"
    assert own["application_version"] == "1.2"


def test_only_the_named_settings_are_taken():
    own = translate({"cmd": COMMAND}, from_command={"column": "cmd", "settings": ["silent_switch"]})
    assert own["approach_details"] == {"silent_switch": "/qn"}


@pytest.mark.parametrize("command", ["call Kim first", "x" * (MAX_LENGTH + 1)])
def test_an_unreadable_command_is_noted(command):
    own = translate(
        {"cmd": command, "name": "Ledger"}, renames={**SMALL["renames"], "application_name": "name"}
    )
    assert own["context"] == {"has_readable_command": False}
    assert own["approach_details"] == {}


def test_an_empty_cell_says_nothing():
    own = translate({"cmd": " ", "name": "x"}, renames={**SMALL["renames"], "application_name": "name"})
    assert "context" not in own


def test_what_does_not_install_says_so():
    assert translate({"cmd": "choco uninstall vlc -y"})["context"] == {"command_action": "uninstall"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"from_command": {"column": "cmd", "settings": ["colour"]}},
            "no setting 'colour'; it gives: silent_",
        ),
        ({"from_command": {"columns": "cmd"}}, "column"),
        ({"context": {"transform": "t"}}, "transform is in approach and in context"),
        ({"approach": {"command_action": "t"}}, "command_action is in approach and in context"),
        ({"ignore": ["cmd"]}, "from_command.column reads the column 'cmd', which `ignore` names"),
    ],
)
def test_wrong_mappings_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        OutcomeMapping.model_validate({**SMALL, **changes})
