"""The application over a memory that was rebuilt, asked as on loopback without tokens."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from memory_pipeline.memory import Memory
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions


@pytest.fixture
def memory(rebuilt):
    with Memory.open(rebuilt) as opened:
        yield opened


@pytest.fixture
def client(memory):
    with TestClient(create_app(memory, ServerOptions()), base_url="http://localhost") as asked:
        yield asked
