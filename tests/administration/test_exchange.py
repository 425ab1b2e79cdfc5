"""An export read into another memory is the same history; a damaged one changes nothing."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from memory_pipeline.administration.export import MANIFEST, write_export
from memory_pipeline.administration.exported_tables import TABLES, check_line
from memory_pipeline.administration.read_export import read_export, read_export_manifest
from memory_pipeline.ingest import ingest_records
from memory_pipeline.store.access import create_token
from memory_pipeline.store.alert_rules import save_rule
from memory_pipeline.store.columns import count_rows
from memory_pipeline.store.names import decide_names
from memory_pipeline.store.served import log_served
from memory_pipeline.worlds import sample_organisation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from memory_pipeline.store import Store

LATER = datetime(2026, 3, 1, tzinfo=UTC)
_DECISION = text(
    "insert into decisions (kind, finding_id, decision, note, decided_by, decided_at) "
    "values (:kind, :finding, :decision, :note, 'ana', :at)"
)


def decide(store: Store, finding: str, decision: str, at: datetime, kind: str = "pattern") -> None:
    row = {"kind": kind, "finding": finding, "decision": decision, "note": f"{decision} é\t\\", "at": at}
    with store.transaction() as connection:
        connection.execute(_DECISION, row)


def empty(store: Store) -> None:
    names = ", ".join(table.model.__tablename__ for table in TABLES)
    with store.transaction() as connection:
        connection.execute(text(f"truncate {names}, ingests restart identity"))


def content(store: Store) -> dict[str, list[str]]:
    """Return what is stored of each exported table, with the names of member patterns."""
    found = {}
    with store.transaction() as connection:
        for table in TABLES:
            columns = ", ".join(sorted({*table.columns, *({"content_hash"} if table.kind else ())}))
            query = f"select to_jsonb(t)::text from (select {columns} from {table.model.__tablename__}) as t"  # noqa: S608
            found[table.name] = sorted(connection.scalars(text(query)))
        for number, name in connection.execute(text("select id, name from patterns")).all():
            old = f'"finding_id": "{number}"'
            found["decisions"] = [one.replace(old, f'"finding_id": "{name}"') for one in found["decisions"]]
    return found


@pytest.fixture
def filled(store: Store) -> Store:
    """Return a memory with some of everything that an export holds."""
    organisation = sample_organisation(attempts=120, applications=40, members=40)
    ingest_records(store, "outcomes", organisation.outcomes, source="sample")
    ingest_records(store, "members", organisation.members, source="sample")
    number = {"weight": 5.0, "little": 1e-7, "share": 0.1, "text": 'tab\t "quoted" \\ é'}
    odd = {
        "application_name": "Odd one",
        "approach_details": {"tool": "psadt"},
        "context": number,
        "outcome_status": "partial",
        "occurred_at": "2026-01-01T00:00:00.123456+05:30",
    }
    report = ingest_records(store, "outcomes", [odd, odd])
    assert report.new == 2, report.problems
    log_served(
        store,
        [
            {
                "context": {"installer_type": "msi"},
                "recommended_approach": None,
                "propensity": 0.25,
                "policy_version": "p",
                "candidates": [{"settings": {"a": "b"}, "probability": 0.1}],
            }
        ],
    )
    decide(store, "one", "retire", LATER)
    with store.transaction() as connection:
        connection.execute(
            text(
                "insert into patterns (name, description, category, found_by, is_active) "
                "values ('Gardeners', 'd', 'skill_cluster', 'claude', false)"
            )
        )
        connection.execute(
            text(
                "insert into label_merges (field, raw_label, label, why, members) "
                "values ('skills', 'phyton', 'python', 'similar', 2)"
            )
        )
        number = str(connection.scalar(text("select id from patterns")))
    decide_names(store, "application_vendor", "Contoso Ltd", "Contoso", decision="same", by="ana", note="é")
    decide(store, number, "retire", LATER, kind="member_pattern")
    create_token(store, "secret-holder", "admin")
    save_rule(store, "success-fell", {"threshold": 0.1}, by="ana")
    return store


def test_an_export_read_elsewhere_is_the_same_history(filled, tmp_path):
    file = tmp_path / "memory.zip"
    manifest = write_export(filled, file)
    assert file.stat().st_mode & 0o777 == 0o600
    before = content(filled)
    assert {name: one.rows for name, one in manifest.files.items()} == {
        f"{name}.jsonl": len(rows) for name, rows in before.items()
    }
    assert all(before.values())
    with zipfile.ZipFile(file) as archive:
        assert not any(b"secret-holder" in archive.read(name) for name in archive.namelist())
    again = read_export(filled, file)
    assert [(one.new, one.changed) for one in again] == [(0, 0)] * len(TABLES)
    assert content(filled) == before

    empty(filled)
    dry = read_export(filled, file, is_dry_run=True)
    assert count_rows(filled, "packaging_outcomes") == 0
    done = read_export(filled, file)
    assert dry == done
    assert {one.name: one.new for one in done} == {name: len(rows) for name, rows in before.items()}
    assert content(filled) == before


def test_what_differs_is_replaced_and_nothing_is_removed(filled, tmp_path):
    file = tmp_path / "memory.zip"
    rows = write_export(filled, file).files["outcomes.jsonl"].rows
    with filled.transaction() as connection:
        connection.execute(text("delete from label_merges"))
        connection.execute(text("update patterns set description = 'other'"))
    extra = {"application_name": "Mine", "outcome_status": "success", "approach_details": {"a": "b"}}
    ingest_records(filled, "outcomes", [extra | {"occurred_at": LATER.isoformat()}], source="mine")
    changed = {one.name: (one.new, one.changed) for one in read_export(filled, file)}
    assert changed.pop("label_merges") == (1, 0)
    assert changed.pop("member_patterns") == (0, 1)
    assert set(changed.values()) == {(0, 0)}
    assert count_rows(filled, "packaging_outcomes") == rows + 1


def test_a_decision_that_was_taken_here_later_still_holds(filled, tmp_path):
    file = tmp_path / "memory.zip"
    write_export(filled, file)
    with filled.transaction() as connection:
        connection.execute(text("delete from decisions"))
    decide(filled, "one", "activate", LATER + timedelta(days=1))
    done = {one.name: one for one in read_export(filled, file)}
    assert (done["decisions"].new, done["decisions"].left_out) == (2, 0)
    with filled.transaction() as connection:
        query = text("select decision from decisions where finding_id = 'one' order by id")
        assert connection.scalars(query).all() == ["retire", "activate"]


def test_a_decision_about_an_unknown_member_pattern_is_left_out(filled, tmp_path):
    file = rewritten(filled, tmp_path, "member_patterns", lambda _: None)
    empty(filled)
    done = {one.name: one for one in read_export(filled, file)}
    assert (done["decisions"].new, done["decisions"].left_out) == (1, 1)


def rewritten(
    store: Store, folder: Path, name: str, change: Callable[[Any], Any], *, signs: bool = True
) -> Path:
    """Export, and change the lines of one file; None removes a line, text stands as it is."""
    file, target = folder / "old.zip", folder / "new.zip"
    write_export(store, file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        manifest = json.loads(old.read(MANIFEST))
        for member in old.namelist():
            data = old.read(member)
            if member == f"{name}.jsonl":
                changed = [change(json.loads(line)) for line in data.splitlines()]
                lines = [
                    one if isinstance(one, str) else json.dumps(one) for one in changed if one is not None
                ]
                data = "".join(f"{line}\n" for line in lines).encode()
                if signs:
                    manifest["files"][member] = {
                        "rows": len(lines),
                        "sha256": hashlib.sha256(data).hexdigest(),
                    }
            if member != MANIFEST:
                new.writestr(member, data)
        new.writestr(MANIFEST, json.dumps(manifest))
    return target


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("outcomes", lambda _: "{", r"outcomes\.jsonl, line 1: it is not JSON"),
        ("outcomes", lambda one: one | {"outcome_status": "odd"}, r"outcomes\.jsonl, line 1: outcome_status"),
        ("outcomes", lambda one: one | {"source_record_id": None}, r"line 1: source_record_id is missing"),
        ("outcomes", lambda one: one | {"source_record_id": "same"}, r"line \d+: source_record_id: "),
        (
            "decisions",
            lambda one: one | {"decided_at": "soon"},
            r"line 1: decided_at is 'soon', which",
        ),
        ("decisions", lambda one: one | {"kind": "colour"}, r"decisions\.jsonl: the database refuses a line"),
        ("decisions", lambda one: one | {"decision_": 1}, r"'decision_' is unknown; did you mean 'decision'"),
        ("served_candidates", lambda _: [], r"line 1: it is not an object"),
        ("label_merges", lambda one: one | {"members": True}, r"line 1: members is True"),
    ],
)
def test_a_damaged_line_is_named_and_nothing_is_stored(filled, tmp_path, name, change, message):
    file = rewritten(filled, tmp_path, name, change)
    empty(filled)
    with pytest.raises(ValueError, match=message):
        read_export(filled, file)
    assert count_rows(filled, "packaging_outcomes") == count_rows(filled, "ingests") == 0


def test_a_line_that_was_changed_or_lost_is_noticed(filled, tmp_path):
    lost = rewritten(filled, tmp_path, "members", lambda _: None, signs=False)
    with pytest.raises(ValueError, match=r"members\.jsonl has 0 lines and another content than the 40"):
        read_export(filled, lost)
    whole = (tmp_path / "old.zip").read_bytes()
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="is not an export, or it is cut off"):
        read_export(filled, cut)
    flipped = tmp_path / "flipped.zip"
    flipped.write_bytes(whole[:3000] + bytes([whole[3000] ^ 8]) + whole[3001:])
    with pytest.raises(ValueError, match=r"outcomes\.jsonl, line \d+: it cannot be read|is not JSON"):
        read_export(filled, flipped)


def test_an_older_export_is_read_and_a_newer_one_refused(filled, tmp_path):
    older = rewritten(
        filled, tmp_path, "decisions", lambda one: {name: one[name] for name in one if name != "note"}
    )
    with zipfile.ZipFile(older) as old, zipfile.ZipFile(tmp_path / "older.zip", "w") as new:
        manifest = json.loads(old.read(MANIFEST))
        del manifest["files"]["label_merges.jsonl"]
        for name in manifest["files"]:
            new.writestr(name, old.read(name))
        new.writestr(MANIFEST, json.dumps(manifest))
    empty(filled)
    done = {one.name: one.new for one in read_export(filled, tmp_path / "older.zip")}
    assert done["decisions"] == 2
    assert "label_merges" not in done
    with zipfile.ZipFile(tmp_path / "newer.zip", "w") as new:
        new.writestr(MANIFEST, json.dumps(manifest | {"format": 2, "version": "9.0"}))
    with pytest.raises(ValueError, match=r"newer version \(format 2\): install memory-pipeline 9\.0"):
        read_export_manifest(tmp_path / "newer.zip")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_exported_column_has_a_type_that_is_checked(table):
    line = {name: EXAMPLES[str(column.type).partition("(")[0]] for name, column in table.columns.items()}
    check_line(table, line)
    for name in line:
        with pytest.raises(ValueError, match=f"{name} is .* which is not of its type"):
            check_line(table, line | {name: object()})


EXAMPLES = {
    "TEXT": "a",
    "VARCHAR": "a",
    "DATETIME": "2026-01-01T00:00:00+00:00",
    "JSONB": {},
    "JSON": {},
    "ARRAY": [],
    "TEXT[]": ["a"],
    "BOOLEAN": True,
    "DOUBLE": 0.5,
    "DOUBLE PRECISION": 0.5,
    "FLOAT": 0.5,
    "INTEGER": 1,
    "BIGINT": 1,
}
