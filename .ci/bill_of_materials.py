"""Write what this project is made of: every locked package with its version, licence and hashes.

    python .ci/bill_of_materials.py > sbom.json       # CycloneDX 1.6
    python .ci/bill_of_materials.py --licences        # a table

Packages and hashes are those of requirements.lock; licences are what the installed packages state.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import uuid
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
LOCK = PROJECT / "requirements.lock"
NOT_STATED = "(not stated)"
_ENTRY = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+?)(?:\s*;\s*([^\\\n]+?))?\s*\\?$")
_CLASSIFIER = "License :: "
_LONGEST = 60


def locked(text: str) -> list[dict[str, Any]]:
    """Return the packages of a lock file: `name`, `version`, `marker` (None for every platform), `hashes`."""
    found: list[dict[str, Any]] = []
    for line in text.splitlines():
        entry = _ENTRY.match(line)
        if entry is not None:
            found.append({"name": entry[1], "version": entry[2], "marker": entry[3], "hashes": []})
        elif digest := re.search(r"--hash=sha256:([0-9a-f]{64})", line):
            found[-1]["hashes"].append(digest[1])
    return found


def licence(name: str) -> str:
    """Return the licence that an installed package states, or `(not stated)`."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return NOT_STATED
    stated = about.get("License-Expression") or ""
    if stated:
        return stated
    classifiers = [
        one.rpartition(" :: ")[2] for one in about.get_all("Classifier") or () if _CLASSIFIER in one
    ]
    if classifiers:
        return " / ".join(one.rpartition(" :: ")[2] for one in classifiers)
    first = (about.get("License") or "").strip().partition("\n")[0]
    return first[:_LONGEST] or NOT_STATED


def component(package: dict[str, Any]) -> dict[str, Any]:
    """Return a package as CycloneDX has it."""
    stated = licence(package["name"])
    return {
        "type": "library",
        "name": package["name"],
        "version": package["version"],
        "purl": f"pkg:pypi/{package['name'].lower()}@{package['version']}",
        "licenses": [] if stated == NOT_STATED else [{"license": {"name": stated}}],
        "properties": [
            *([{"name": "marker", "value": package["marker"]}] if package["marker"] else []),
            *({"name": "sha256 of a distribution", "value": one} for one in package["hashes"]),
        ],
    }


def main() -> None:
    """Print the bill of materials."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--licences", action="store_true", help="print a table of licences instead")
    chosen = parser.parse_args()
    packages = locked(LOCK.read_text(encoding="utf-8"))
    if chosen.licences:
        for one in packages:
            sys.stdout.write(f"{one['name']:<36} {one['version']:<16} {licence(one['name'])}\n")
        return
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, LOCK.read_text(encoding='utf-8'))}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "memory-pipeline"}},
        "components": [component(one) for one in packages],
    }
    json.dump(bill, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
