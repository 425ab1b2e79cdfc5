"""What the tests of the server share: a client of a memory that was rebuilt, for reading only."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from memory_pipeline.memory import Memory
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions


@pytest.fixture
def memory(rebuilt):
    with Memory.open(rebuilt) as opened:
        yield opened


@pytest.fixture
def server(memory):
    """A client of the server, on loopback and without tokens."""
    with TestClient(
        create_app(memory, ServerOptions(requests_per_minute=10**6)), "http://127.0.0.1"
    ) as client:
        yield client


@pytest.fixture
def server_of():
    """Return a function that returns a client of a server of any memory."""

    def client(memory):
        return TestClient(create_app(memory, ServerOptions(requests_per_minute=10**6)), "http://127.0.0.1")

    return client
