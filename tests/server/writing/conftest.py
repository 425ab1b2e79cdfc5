"""What the tests of the server share: a client of an application, and a real server process."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from memory_pipeline.memory import Memory
from memory_pipeline.server.app import create_app
from memory_pipeline.server.jobs import environment_of
from memory_pipeline.server.options import ServerOptions
from memory_pipeline.store import Store
from memory_pipeline.store.access import create_token

RUN = """
import json, logging, sys
from memory_pipeline.memory import Memory
from memory_pipeline.server.options import ServerOptions
from memory_pipeline.server.run import run_server
from memory_pipeline.settings import Settings

memory = Memory.open(Settings())
run_server(memory, ServerOptions(**json.loads(sys.argv[1])))
"""
BASE = "http://127.0.0.1"


@pytest.fixture
def memory(settings, store):
    opened = Memory(settings, store)
    yield opened
    opened.close()


@pytest.fixture
def app(memory):
    return create_app(memory, ServerOptions())


@pytest.fixture
def client(app):
    """A client of an application on loopback that knows no token."""
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def make_client(memory):
    """A function that makes a client of an application with options of its own."""

    def make(**options):
        app = create_app(memory, ServerOptions(**options))
        return TestClient(app, base_url=BASE, raise_server_exceptions=False)

    return make


@pytest.fixture
def bearer(store):
    """A function that creates a token with a scope, and returns the header that shows it."""

    def make(scope, name=None, **options):
        return {"Authorization": f"Bearer {create_token(store, name or scope, scope, **options)}"}

    return make


@pytest.fixture
def dead_memory(settings):
    """A memory whose database does not answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Memory(settings, Store(f"postgresql://postgres:hidden-word@127.0.0.1:{port}/postgres"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A real server process."""

    def __init__(self, settings, folder, **options):
        import json  # noqa: PLC0415

        self.port = free_port()
        self.url = f"{BASE}:{self.port}"
        self.log = folder / f"server-{self.port}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN, json.dumps({"port": self.port, **options})],
                env={**environment_of(settings), "PYTHONPATH": str(Path.cwd())},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self):
        for _ in range(600):
            assert self.process.poll() is None, self.log.read_text()
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


@pytest.fixture
def serving(settings, tmp_path):
    """A context manager that runs a real server process, stopped at the end."""

    @contextmanager
    def run(**options):
        server = Server(settings, tmp_path, **options)
        try:
            server.wait_until_ready()
            yield server
        finally:
            server.stop()

    return run
