"""docs/api.md: every example works against a real server, and every route has one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from mcp_processes import environment_of, running_http

from memory_pipeline.memory import Memory
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
BASH = [match[1] for match in BLOCK.finditer(PAGE)]
(PYTHON,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
DEFAULT = "export MEMORY=http://127.0.0.1:8017\n"


def requests_shown():
    """Return the method and path of every curl of the page."""
    found = set()
    for one in "\n".join(BASH).split("curl -s")[1:]:
        path = re.search(r"\$MEMORY(/[^\"?]*)", one)[1]
        told = re.search(r"-X (\w+)", one)
        has_body = re.search(r" -d '| --data-binary ", one) and " -G " not in one
        found.add((told[1] if told else "POST" if has_body else "GET", path))
    return found


def routes():
    """Return the method and path of every route."""
    document = create_app(MagicMock(), ServerOptions()).openapi()
    return [(method.upper(), path) for path, one in document["paths"].items() for method in one]


@pytest.mark.parametrize(("method", "path"), routes())
def test_every_route_has_an_example(method, path):
    parts = [r"\$\w+|success_over_time" if one.startswith("{") else re.escape(one) for one in path.split("/")]
    pattern = "/".join(f"(?:{one})" for one in parts)
    assert any(
        shown == method
        and re.fullmatch(pattern, address)
        and (("$" in address) == ("{" in path) or "kind" in path)
        for shown, address in requests_shown()
    )


@pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "jq"))), reason="bash, curl and jq are not all installed"
)
def test_every_example_works(kept_sample, tmp_path):
    assert DEFAULT in BASH[0] + BASH[1]
    steps = "".join(f"echo '== block {number}' >&2\n{one}\n" for number, one in enumerate(BASH))
    # As the page has it, but an answer that is an error ends it, also one whose output is taken.
    script = (
        "set -euo pipefail -o allexport\n"
        'curl() { command curl --fail-with-body --max-time 120 "$@"; }\n'
        + steps.replace(DEFAULT, "").replace("export ", "")
    )
    with (
        kept_sample.copy(tmp_path / "home") as (settings, store),
        running_http(settings, tmp_path) as address,
    ):
        environment = environment_of(settings) | {"MEMORY": address, "MEMORY_SERVER_URL": address}
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-1000:]}"
        python = subprocess.run(
            [sys.executable, "-c", PYTHON],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert python.returncode == 0, python.stderr
        assert python.stdout.startswith("stored\n[")
        with Memory(settings, store) as memory:
            advised = memory.advised_outcomes()
            assert len(advised) == 2, "both outcomes name the answer that they came after"
            assert not memory.outcomes(source="quick-start").empty
    assert re.search(r"(?m)(?<!\d)304$", done.stdout), "the second answer is that nothing changed"
    assert "event: end" in done.stdout
    assert (tmp_path / "outcomes.parquet").read_bytes()[:4] == b"PAR1"
    assert (tmp_path / "patterns.csv").read_text().startswith("description,confidence")
    assert os.path.getsize(tmp_path / "success.svg") > 1_000  # noqa: PTH202
