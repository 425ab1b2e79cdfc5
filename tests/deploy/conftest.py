"""The environment of the checks, in which Helm's code and the schemas are; `.ci/run` sets it up."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
VARIABLE = "DEPLOY_CHECKS_PYTHON"


@pytest.fixture(scope="session")
def checking_python():
    """Return the Python that has Helm and the schemas; skip where there is none."""
    given = Path(os.environ.get(VARIABLE, PROJECT / ".venv-deploy" / "bin" / "python"))
    if not given.exists():
        pytest.skip(
            f"{given} is not there; `python -m venv .venv-deploy && .venv-deploy/bin/pip install -r "
            f"tests/deploy/requirements.lock` makes it, or set {VARIABLE}"
        )
    return given


@pytest.fixture(scope="session")
def rendered(checking_python):
    """Return a function that renders and checks the chart once for each of some values."""

    def render(*values):
        script = Path(__file__).with_name("chart_in_helm.py")
        done = subprocess.run(
            [checking_python, script], input=json.dumps(values), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return render
