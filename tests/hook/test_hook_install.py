"""The hooks in the settings of Claude Code: beside others, once, and out again."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from memory_pipeline.cli import cli
from memory_pipeline.hook.install import EVENTS, SettingsError, install_hooks, remove_hooks, settings_path

OTHER = {"matcher": "Bash", "hooks": [{"type": "command", "command": "./check.sh", "timeout": 3}]}


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_hooks_are_written_once_beside_others(tmp_path):
    path = settings_path(tmp_path, is_local=False)
    path.parent.mkdir()
    before = {"model": "x", "hooks": {"PreToolUse": [OTHER], "Stop": [OTHER]}}
    path.write_text(json.dumps(before), encoding="utf-8")
    assert len(install_hooks(path, python="/opt/my python/bin/python")) == 3
    settings = read(path)
    assert settings["model"] == "x"
    assert settings["hooks"]["Stop"] == [OTHER]
    assert settings["hooks"]["PreToolUse"] == [
        OTHER,
        {
            "matcher": "Bash|PowerShell",
            "hooks": [
                {
                    "type": "command",
                    "command": "'/opt/my python/bin/python' -m memory_pipeline.hook pre --on-failure ask",
                    "timeout": 10,
                }
            ],
        },
    ]
    assert set(settings["hooks"]) == {"Stop", *EVENTS}
    assert install_hooks(path, python="/opt/my python/bin/python") == []
    assert install_hooks(path, python="/opt/my python/bin/python", on_failure="deny")[0].startswith(
        "changed the hook of PreToolUse"
    )
    assert len(read(path)["hooks"]["PreToolUse"]) == 2
    assert len(remove_hooks(path)) == 3
    assert read(path) == before
    assert remove_hooks(path) == []


def test_a_handler_among_ours_is_kept(tmp_path):
    path = tmp_path / "settings.json"
    install_hooks(path)
    settings = read(path)
    settings["hooks"]["PostToolUse"][0]["hooks"].append(OTHER["hooks"][0])
    path.write_text(json.dumps(settings), encoding="utf-8")
    remove_hooks(path)
    assert read(path)["hooks"] == {"PostToolUse": [{"matcher": "Bash|PowerShell", "hooks": OTHER["hooks"]}]}


@pytest.mark.parametrize("content", ["{", "[]", '{"hooks": []}', '{"hooks": {"PreToolUse": {}}}'])
def test_a_file_of_another_form_is_left_alone(tmp_path, content):
    path = tmp_path / "settings.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"settings\.json"):
        install_hooks(path)
    assert path.read_text(encoding="utf-8") == content


def test_the_command_says_what_it_changed(tmp_path):
    arguments = ["hook", "install", "--claude-code", "--project", str(tmp_path), "--local"]
    first = CliRunner().invoke(cli, arguments)
    assert first.exit_code == 0
    assert "added the hook of PostToolUseFailure" in " ".join(first.stderr.split())
    assert "nothing to change" in CliRunner().invoke(cli, arguments).stderr
    assert (tmp_path / ".claude" / "settings.local.json").exists()
    assert "removed the hook" in CliRunner().invoke(cli, [*arguments, "--remove"]).stderr
    assert read(tmp_path / ".claude" / "settings.local.json") == {}
    assert CliRunner().invoke(cli, ["hook", "install"]).exit_code == 2
