"""The bill of materials is the lock: every package once, with version, hashes and licence."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SCRIPT = PROJECT / ".ci" / "bill_of_materials.py"


def printed(*arguments: str) -> str:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_every_locked_package_is_in_it_once_with_its_hashes():
    bill = json.loads(printed())
    lock = (PROJECT / "requirements.lock").read_text()
    wanted = re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE)
    components = bill["components"]
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert [(one["name"], one["version"]) for one in components] == wanted
    hashes = sum(len(one["properties"]) for one in components) - lock.count(" ; ")
    assert hashes == lock.count("--hash=sha256:")
    found = {one["name"]: one for one in components}
    assert found["sqlalchemy"]["version"] == version("sqlalchemy")
    assert found["sqlalchemy"]["licenses"] == [{"license": {"name": "MIT"}}]


def test_the_table_of_licences_leaves_little_unsaid():
    lines = printed("--licences").splitlines()
    assert len(lines) > 100
    unsaid = [line for line in lines if line.endswith("(not stated)")]
    # Those for other platforms, and of extras that are not installed here.
    assert len(unsaid) < len(lines) / 5, unsaid
