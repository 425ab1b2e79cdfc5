"""A memory with members, and a scripted Messages API that the agent reaches over HTTP."""

from __future__ import annotations

import pytest
from messages_server import serving
from pydantic import SecretStr
from scripted_community import member_records

from memory_pipeline.ingest import ingest_records
from memory_pipeline.memory import Memory

KEY = "sk-ant-test-key"


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch):
    """Let the SDK wait hundredths of seconds between its tries instead of seconds."""
    monkeypatch.setattr("anthropic._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setattr("anthropic._base_client.MAX_RETRY_DELAY", 0.02)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def community(settings, store):
    """Settings of a memory that holds the members."""
    ingest_records(store, "members", member_records(), source="test")
    return settings


@pytest.fixture
def memory_at(community, store, monkeypatch):
    """Open the memory with the API at an address: `memory_at(url, **changed settings)`."""

    def opened(url, **changes):
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        given = {"anthropic_api_key": SecretStr(KEY), "discovery_timeout": 10.0, **changes}
        return Memory(community.model_copy(update=given), store)

    return opened


@pytest.fixture
def script():
    """Serve a script: `with script(function) as server`."""
    return serving
