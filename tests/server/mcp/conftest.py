"""What the tests of MCP share: copies of a rebuilt memory, clients, and processes that serve it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import httpx
import pytest
from mcp import Client

from memory_pipeline.memory import Memory
from memory_pipeline.server.mcp.protocol import MemoryProtocol
from memory_pipeline.store.access import Grant

PROJECT = Path(__file__).resolve().parents[3]
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
    return Memory(settings, store)


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


def environment_of(settings):
    """Return the environment of a process that opens the memory of settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MEMORY_")}
    return {
        **kept,
        "PYTHONPATH": str(PROJECT),
        "MEMORY_HOME": str(settings.home),
        "MEMORY_DATABASE_URL": settings.database_url.get_secret_value(),
    }


def stdio_command(*options):
    """Return the command that serves a memory over stdio."""
    return [sys.executable, "-c", "from memory_pipeline.cli import main; main()", "mcp", *options]


@contextmanager
def running_http(settings, folder, *options):
    """Run a real server process; yields its address, and stops it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / f"server-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", "from memory_pipeline.cli import main; main()"),
                *("serve", "--port", str(port), *options),
            ],
            env=environment_of(settings),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1_200):
            assert process.poll() is None, log.read_text()
            try:
                if httpx.get(f"{address}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@asynccontextmanager
async def http_client(address, token=None):
    """Connect the SDK's client to a server over HTTP."""
    import httpx2  # noqa: PLC0415 - comes with the SDK
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415

    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as opened,
        Client(streamable_http_client(f"{address}/mcp", http_client=opened)) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def foreign_client(shared_folder):
    """A function that runs the client of the TypeScript SDK; skips, and says so, where it is not there.

    `MEMORY_TESTS_FOREIGN_CLIENT=required` makes its absence a failure.
    """
    folder = shared_folder / "foreign-client"
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
