"""Names through the HTTP interface: what is read as one, and who decided what."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from memory_pipeline.memory import Memory
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions

NAMES = "/api/memory/names"


@pytest.fixture
def deciding(rebuilt):
    """A client of the memory that was rebuilt; what is decided is taken back at the end."""
    with Memory.open(rebuilt) as memory:
        with TestClient(create_app(memory, ServerOptions()), base_url="http://127.0.0.1") as client:
            client.memory = memory
            yield client
        with memory.store.transaction() as connection:
            connection.execute(text("truncate name_decisions, audit_log"))


def test_the_list_is_that_of_the_memory(deciding):
    shown = deciding.get(NAMES).json()
    assert shown["total"] == len(deciding.memory.name_merges())
    assert deciding.get(NAMES, params={"why": "nothing"}).json()["items"] == []


def test_a_token_decides_on_behalf_of_a_person_and_the_log_says_so(deciding):
    vendor = deciding.memory.outcomes(limit=1)["application_vendor"].iloc[0]
    sent = {"column_name": "application_vendor", "name": vendor, "other_name": "Contoso", "decision": "same"}
    made = deciding.post(f"{NAMES}/decisions", json={**sent, "note": "n", "on_behalf_of": "Ada"})
    assert made.status_code == 201
    assert made.json() == {**made.json(), **sent, "note": "n", "decided_by": "loopback for Ada"}
    deciding.post(f"{NAMES}/decisions", json={**sent, "decision": "reset"})
    log = deciding.get(f"{NAMES}/decisions").json()["items"]
    assert [one["decision"] for one in log] == ["reset", "same"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"decision": "merge"}, "same"),
        ({"name": "nobody has this"}, "no attempt has the application_vendor"),
        ({"column_name": "colour"}, "use one of"),
        ({"other_name": ""}, "other_name"),
    ],
)
def test_what_cannot_be_decided_is_refused(deciding, change, named):
    vendor = deciding.memory.outcomes(limit=1)["application_vendor"].iloc[0]
    sent = {"column_name": "application_vendor", "name": vendor, "other_name": "Contoso", "decision": "same"}
    reply = deciding.post(f"{NAMES}/decisions", json=sent | change)
    assert reply.status_code == 422
    assert named in reply.text
