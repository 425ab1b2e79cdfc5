"""What the tests of MCP share: copies of a rebuilt memory, clients, and processes that serve it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import anyio
import pytest
from fasteners import InterProcessLock
from mcp import Client

from memory_pipeline.memory import Memory
from memory_pipeline.server.mcp.protocol import MemoryProtocol
from memory_pipeline.store.access import Grant

FOREIGN_CLIENT = Path(__file__).with_name("foreign_client.mjs")
FOREIGN_PACKAGE = "@modelcontextprotocol/sdk@1.32.0"


@pytest.fixture(scope="module")
def sample(kept_sample, tmp_path_factory):
    """Settings and store of a copy of the rebuilt sample, for the tests of one module."""
    with kept_sample.copy(tmp_path_factory.mktemp("mcp") / "home") as copied:
        yield copied


@pytest.fixture
def memory(sample):
    with Memory(*sample) as opened:
        yield opened


@pytest.fixture
def empty_memory(settings, store):
    opened = Memory(settings, store)
    yield opened
    opened.close()


@pytest.fixture
def call():
    """A function that calls one tool in memory: `call(memory, tool, scope="report", **arguments)`."""

    def run(memory, tool, scope="report", **arguments):
        async def main():
            async with Client(MemoryProtocol(memory, Grant("tester", scope, "")).server()) as client:
                return await client.call_tool(tool, arguments)

        return anyio.run(main)

    return run


@pytest.fixture
def ask():
    """A function that runs `use(client)` with a client of a memory."""

    def run(memory, use, scope="report"):
        async def main():
            async with Client(MemoryProtocol(memory, Grant("tester", scope, "")).server()) as client:
                return await use(client)

        return anyio.run(main)

    return run


@pytest.fixture(scope="session")
def foreign_client(shared_folder):
    """A function that runs the client of the TypeScript SDK; skips, and says so, where it is not there.

    `MEMORY_TESTS_FOREIGN_CLIENT=required` makes its absence a failure.
    """
    folder = shared_folder / "foreign-client"
    with InterProcessLock(shared_folder / "foreign-client.lock"):  # one worker installs it for all
        absent = _install_foreign_client(folder)
    if absent is not None:
        if os.environ.get("MEMORY_TESTS_FOREIGN_CLIENT") == "required":
            pytest.fail(absent)
        pytest.skip(absent)

    def run(plan, env=None):
        done = subprocess.run(
            ["node", FOREIGN_CLIENT.name, json.dumps(plan)],
            cwd=folder,
            env=env or dict(os.environ),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def _install_foreign_client(folder):
    """Install the TypeScript SDK into a folder; returns why it cannot be used, None where it can."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return f"the foreign client was not tried: Node with npm is not installed ({FOREIGN_PACKAGE})"
    if not (folder / "node_modules").is_dir():
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", FOREIGN_PACKAGE],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            return f"the foreign client was not tried: npm could not install {FOREIGN_PACKAGE}"
    shutil.copy(FOREIGN_CLIENT, folder)
    return None
