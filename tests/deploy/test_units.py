"""The systemd units: systemd takes them, what they run exists, and they may do little."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from test_docs import parse

from memory_pipeline.settings import Settings, variable_of

UNITS = sorted((Path(__file__).resolve().parents[2] / "deploy" / "systemd").glob("*.service"))
PROGRAM = "/opt/memory-pipeline/.venv/bin/memory-pipeline"
MOST_EXPOSED = 2.5
"""Largest exposure by systemd's own count, 0 to 10; a unit without hardening has 9.2 or more."""


@pytest.fixture
def analyze():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")

    def run(*arguments):
        command = ["systemd-analyze", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def test_there_is_a_unit_for_each_process():
    assert [path.stem.removeprefix("memory-pipeline-") for path in UNITS] == [
        "dagster-daemon",
        "dagster-webserver",
        "server",
    ]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_systemd_takes_the_unit(unit, analyze, tmp_path):
    here = tmp_path / unit.name
    here.write_text(unit.read_text(encoding="utf-8").replace(PROGRAM, "/bin/true"), encoding="utf-8")
    done = analyze("verify", "--man=no", str(here))
    assert unit.stem not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_little_is_exposed(unit, analyze):
    done = analyze("security", "--offline=yes", str(unit))
    found = re.search(r"Overall exposure level[^:]*: ([\d.]+)", done.stdout)
    if found is None:
        pytest.skip(f"systemd-analyze is too old to judge a file: {done.stderr}")
    assert float(found[1]) <= MOST_EXPOSED


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_runs_a_command_that_exists_with_settings_that_exist(unit):
    text = unit.read_text(encoding="utf-8")
    program, *arguments = shlex.split(re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1])
    assert program == PROGRAM
    parse(arguments)
    named = set(re.findall(r"\b(MEMORY_\w+)=", text))
    assert named == {"MEMORY_HOME"}
    assert named <= {variable_of(field) for field in Settings.model_fields}
