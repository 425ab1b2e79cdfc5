"""Records in quarantine over HTTP: seen, corrected, tried again, left out."""

from __future__ import annotations

import pytest
from server_tools import outcome
from sqlalchemy import text

from memory_pipeline.ingest import ingest_records

URL = "/api/memory/quarantine"


@pytest.fixture
def waiting(client):
    """Report outcomes that are refused, and return their ids in quarantine."""

    def report(*outcomes):
        items = client.post("/api/memory/outcomes", json={"outcomes": list(outcomes)}).json()["items"]
        return [one["quarantine_id"] for one in items]

    return report


def bad(number, **changes):
    return outcome(**{"source_record_id": str(number), "outcome_status": "great", **changes})


def test_what_waits_is_listed_page_by_page_and_by_what_is_wrong(client, waiting):
    ids = waiting(*(bad(one) for one in range(5)), bad(9, outcome_status="success", occurred_at="soon"))
    first = client.get(URL, params={"limit": 4}).json()
    second = client.get(URL, params={"limit": 4, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in first["items"] + second["items"]] == ids
    assert (first["total"], second["next_cursor"]) == (6, None)
    reason = first["items"][0]["reason"]
    for query, count in (
        ({"field": "occurred_at"}, 1),
        ({"field": "outcome_status"}, 5),
        ({"reason": reason}, 5),
        ({"reason": reason, "field": "occurred_at"}, 0),
        ({"kind": "members"}, 0),
        ({"mapping_name": first["items"][0]["mapping_name"]}, 6),
        ({"file_name": "HTTP (loopback)"}, 6),
        ({"ingest_id": "none"}, 0),
    ):
        page = client.get(URL, params=query).json()
        assert (page["total"], len(page["items"])) == (count, count), query
    assert client.get(URL, params={"kind": "things"}).status_code == 422


def test_a_record_is_shown_as_it_arrived(client, waiting):
    identity = waiting(bad(1))[0]
    shown = client.get(f"{URL}/{identity}").json()
    assert shown["record"] == bad(1)
    assert (shown["field"], shown["value"], shown["kind"]) == ("outcome_status", "great", "outcomes")


def test_a_corrected_record_is_stored_and_leaves(client, waiting, store):
    identity, other = waiting(bad(1), bad(2))
    corrected = client.put(f"{URL}/{identity}", json={"record": outcome(source_record_id="1")})
    assert (corrected.status_code, corrected.json()["status"]) == (200, "stored")
    assert client.get(f"{URL}/{identity}").status_code == 404
    assert client.get(f"{URL}/{other}").status_code == 200
    with store.transaction() as connection:
        assert connection.scalars(text("select id from packaging_outcomes")).all() == [corrected.json()["id"]]
    again = client.put(f"{URL}/{identity}", json={"record": outcome(source_record_id="1")})
    assert (again.status_code, "no record with the id" in again.json()["detail"]) == (404, True)


def test_a_correction_that_is_refused_waits_in_its_new_form(client, waiting):
    identity = waiting(bad(1))[0]
    reply = client.put(f"{URL}/{identity}", json={"record": bad(1, outcome_status="better")})
    assert (reply.status_code, reply.json()["errors"][0]["value"]) == (422, "better")
    left = client.get(URL).json()
    assert [(one["id"], one["value"]) for one in left["items"]] == [(reply.json()["quarantine_id"], "better")]


def test_a_corrected_record_keeps_the_source_that_its_ingest_had(client, store):
    refused = ingest_records(store, "outcomes", [bad(1, source=None)], source="intune")
    assert refused.quarantined == 1
    identity = client.get(URL).json()["items"][0]["id"]
    client.put(f"{URL}/{identity}", json={"record": outcome(source=None)})
    with store.transaction() as connection:
        assert connection.scalars(text("select source from packaging_outcomes")).all() == ["intune"]


def test_members_are_corrected_too(client, store):
    ingest_records(store, "members", [{"source": "x", "source_record_id": "1", "skills": 7}])
    waits = client.get(URL).json()["items"][0]
    assert waits["kind"] == "members"
    record = {"source": "x", "source_record_id": "1", "skills": ["python"]}
    reply = client.put(f"{URL}/{waits['id']}", json={"record": record})
    assert (reply.json()["status"], reply.json()["id"]) == ("stored", "1")


def test_records_are_tried_again(client, waiting, store):
    one, two = waiting(bad(1), bad(2))
    with store.transaction() as connection:
        # As after a rule was corrected: what arrived passes now.
        fixed = "jsonb_set(record, '{outcome_status}', '\"success\"')"
        connection.execute(text(f"update quarantined_records set record = {fixed} where id = {one}"))  # noqa: S608
    refused = client.post(f"{URL}/{two}/retry").json()
    assert [(group["read"], group["refused"]) for group in refused] == [(1, 1)]
    found = client.post(f"{URL}/retry", json={"kind": "outcomes"}).json()
    assert [(group["read"], group["stored"], group["refused"]) for group in found] == [(2, 1, 1)]
    assert [left["id"] for left in client.get(URL).json()["items"]] == [two]
    assert client.post(f"{URL}/retry", json={"field": "occurred_at"}).json() == []
    assert client.post(f"{URL}/{one}/retry").status_code == 404


def test_a_dismissed_record_waits_no_more_until_it_arrives_again(client, waiting):
    identity = waiting(bad(1))[0]
    assert client.delete(f"{URL}/{identity}").status_code == 204
    assert client.get(URL).json()["total"] == 0
    assert client.delete(f"{URL}/{identity}").status_code == 404
    assert waiting(bad(1)) == [identity]
    assert client.get(URL).json()["total"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/1", {"record": 7}),
        ("PUT", "/1", {}),
        ("PUT", "/1", {"record": {}, "mapping": "/etc/passwd"}),
        ("POST", "/retry", {"mapping": "/etc/passwd"}),
        ("POST", "/retry", {"everything": True}),
        ("GET", "/0", None),
        ("GET", "/99999999999999999999", None),
    ],
)
def test_what_cannot_be_done_is_a_problem(client, method, path, body):
    reply = client.request(method, URL + path, json=body)
    assert reply.status_code == 422
    assert reply.json()["errors"]
