"""Alerts over HTTP: seen, acknowledged, silenced; rules changed; and the log of what ran."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from server_tools import outcome

from memory_pipeline.store.alerts import Finding, record_findings
from memory_pipeline.store.analysis_log import record_run

URL = "/api/memory/alerts"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_alerts_are_listed_page_by_page_acknowledged_and_silenced(client, store):
    findings = [Finding(f"part={one}", "It fell.", {"units": one}) for one in range(3)]
    ids = record_findings(store, "drift", findings, now=NOW)
    first = client.get(URL, params={"limit": 2}).json()
    second = client.get(URL, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in first["items"] + second["items"]] == ids[::-1]
    assert (first["total"], second["next_cursor"]) == (3, None)
    assert client.get(URL, params={"rule": "other"}).json()["total"] == 0
    assert client.get(URL, params={"state": "closed"}).json()["total"] == 0
    known = client.post(f"{URL}/{ids[0]}/acknowledge").json()
    assert (known["acknowledged_by"], known["subject"]) == ("loopback", "part=0")
    quiet = client.post(f"{URL}/{ids[1]}/silence", json={"days": 7}).json()
    until = datetime.fromisoformat(quiet["silenced_until"])
    assert timedelta(days=6) < until - datetime.now(tz=UTC) <= timedelta(days=7)
    assert client.post(f"{URL}/{ids[1]}/silence", json={"days": 0}).json()["silenced_until"] is None
    assert client.post(f"{URL}/{ids[1]}/silence", json={"days": -1}).status_code == 422
    assert client.post(f"{URL}/99/acknowledge").status_code == 404


def test_rules_are_changed_added_removed_and_evaluated(client):
    client.post("/api/memory/outcomes", json={"outcomes": [outcome(occurred_at="2025-01-01T00:00:00Z")]})
    rules = {one["name"]: one for one in client.get(f"{URL}/rules").json()}
    assert rules["no-new-outcomes"]["threshold"] == 7
    done = client.post(f"{URL}/evaluate").json()
    assert (done["rules"], done["opened"], done["still_open"]) == (len(rules), 1, {"no-new-outcomes": 1})
    [alert] = client.get(URL).json()["items"]
    assert "No attempt is newer than 2025-01-01" in alert["message"]
    assert client.get("/api/memory/status").json()["open_alerts"] == {"no-new-outcomes": 1}
    changed = client.put(f"{URL}/rules/no-new-outcomes", json={"threshold": 1e6}).json()
    assert (changed["threshold"], changed["updated_by"]) == (1e6, "loopback")
    assert client.post(f"{URL}/evaluate").json()["still_open"] == {}
    new = {"metric": "success", "direction": "rose", "segment_column": "installer_type"}
    assert client.put(f"{URL}/rules/better", json=new).json()["error_rate"] == 0.05
    assert client.put(f"{URL}/rules/better", json={"segment_column": None}).json()["segment_column"] is None
    refused = client.put(f"{URL}/rules/better", json={"direction": "above"})
    assert refused.status_code == 422
    assert "success takes fell, rose, changed" in refused.json()["detail"]
    assert client.delete(f"{URL}/rules/better").status_code == 204
    assert client.delete(f"{URL}/rules/better").status_code == 404


def test_who_may_do_what(client, bearer, store):
    [identity] = record_findings(store, "drift", [Finding("", "It fell.")], now=NOW)
    reader, decider, admin = (bearer(one) for one in ("read", "decide", "admin"))
    assert client.get(URL, headers=reader).status_code == 200
    assert client.post(f"{URL}/{identity}/acknowledge", headers=reader).status_code == 403
    assert client.post(f"{URL}/{identity}/acknowledge", headers=decider).status_code == 200
    for who, status in ((decider, 403), (admin, 200)):
        sent = client.put(f"{URL}/rules/drift", json={"enabled": False}, headers=who)
        assert sent.status_code == status


def test_what_ran_is_listed_page_by_page(client, store):
    row = {"kind": "rebuild", "trigger": "command", "state": "succeeded", "began_at": NOW}
    for number in range(3):
        record_run(store, row | {"id": str(number), "ended_at": NOW + timedelta(minutes=number)})
    first = client.get("/api/memory/analysis-runs", params={"limit": 2}).json()
    second = client.get("/api/memory/analysis-runs", params={"cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in first["items"] + second["items"]] == ["2", "1", "0"]
    assert client.get("/api/memory/analysis-runs", params={"cursor": "x"}).status_code == 422
