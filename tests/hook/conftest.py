"""What the tests of the hooks share: hooks as processes, and the server that they ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from stand_in_server import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server() -> Iterator[StandIn]:
    stand_in = StandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture
def environment(server: StandIn, tmp_path: Path) -> dict[str, str]:
    """The environment of a hook that asks the stand-in."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MEMORY_")}
    return {
        **kept,
        "PYTHONPATH": str(PROJECT),
        "MEMORY_HOME": str(tmp_path / "home"),
        "MEMORY_SERVER_URL": server.url,
        "MEMORY_TOKEN": "a-token",
        "MEMORY_HOOK_DEBUG": "1",
    }


@pytest.fixture
def run_hook(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A function that runs a hook as the agent does; it fails the test where the hook does not end."""

    def run(*arguments: str, event: Any = None, **changes: str) -> subprocess.CompletedProcess[str]:
        text = event if isinstance(event, str) else json.dumps(event)
        # A generous budget, for a busy machine: that the hook keeps to it is a test of its own.
        return subprocess.run(
            [sys.executable, "-m", "memory_pipeline.hook", arguments[0], "--budget-ms=20000", *arguments[1:]],
            input=text,
            capture_output=True,
            text=True,
            env={**environment, **changes},
            timeout=60,
            check=False,
        )

    return run
