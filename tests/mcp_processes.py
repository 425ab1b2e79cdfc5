"""Processes that serve a memory to agents, and the SDK's client over HTTP, for the tests of MCP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

PROJECT = Path(__file__).resolve().parents[1]


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


def start_http(settings, folder, *options):
    """Start a real server process and wait until it is ready; returns it with its address."""
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
    for _ in range(1_200):
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return process, address
        except httpx.TransportError:
            time.sleep(0.1)
    process.kill()
    process.wait()
    raise AssertionError(log.read_text())


@contextmanager
def running_http(settings, folder, *options):
    """Run a real server process; yields its address, and stops it."""
    process, address = start_http(settings, folder, *options)
    try:
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
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as opened,
        Client(streamable_http_client(f"{address}/mcp", http_client=opened)) as client,
    ):
        yield client
