"""What is forgotten stands nowhere any more: in no table, no file, and not in the log of its removal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import inspect, text

from memory_pipeline.administration.forget import forget
from memory_pipeline.administration.retention import apply_retention
from memory_pipeline.ingest import ingest_records
from memory_pipeline.store.access import create_token, read_audit
from memory_pipeline.store.columns import count_rows
from memory_pipeline.store.served import log_served
from memory_pipeline.store.session import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store

OUTCOME: dict[str, Any] = {
    "application_name": "Ordinary",
    "approach_details": {"tool": "psadt"},
    "outcome_status": "success",
    "occurred_at": datetime(2026, 5, 1, tzinfo=UTC).isoformat(),
}
PERSON = 'Ána "Any" O\\Neil'


def everything(store: Store, home: Path) -> dict[str, str]:
    """Return all that is stored as text in lower case, by table or file."""
    found = {}
    with store.transaction() as connection:
        for name in inspect(connection).get_table_names():
            rows = connection.scalars(text(f'select t::text from "{name}" as t')).all()  # noqa: S608
            found[name] = "\n".join(rows).lower()
    for path in home.rglob("*"):
        if path.is_file():
            found[str(path)] = path.read_bytes().decode("latin-1").lower()
    return found


def holders(store: Store, home: Path, name: str) -> set[str]:
    """Return the tables and files that hold a name, written plainly or as JSON or rows write it."""
    plain = name.lower()
    forms = {plain, json.dumps(plain)[1:-1], plain.replace("\\", "\\\\").replace('"', '""')}
    forms |= {json.dumps(plain, ensure_ascii=False)[1:-1], plain.encode().decode("latin-1")}
    forms |= {one.replace("\\", "\\\\").replace('"', '""') for one in set(forms)}
    return {where for where, said in everything(store, home).items() if any(one in said for one in forms)}


def audit(store: Store) -> dict[str, Any]:
    return read_audit(store, limit=1)[0]


def test_a_rebuilt_memory_forgets_an_application_everywhere(kept_sample, tmp_path):
    with kept_sample.copy(tmp_path / "home") as (settings, store):
        with store.transaction() as connection:
            # A long name, which is not part of another word.
            name, rows = connection.execute(
                text(
                    "select application_name, count(*) from packaging_outcomes group by 1 "
                    "order by length(application_name) desc limit 1"
                )
            ).one()
        before = count_rows(store, "packaging_outcomes")
        held = holders(store, settings.home, name)
        assert {"packaging_outcomes", "event_logs"} <= held
        session = open_session(settings, store)

        dry = forget(session, "application", name.upper(), is_dry_run=True)
        assert dry.rows["packaging_outcomes"] == rows
        assert dry.spellings == (name,)
        assert count_rows(store, "packaging_outcomes") == before
        assert holders(store, settings.home, name) == held

        done = forget(session, "application", name.upper())
        assert done.rows == dry.rows
        assert holders(store, settings.home, name) == set()
        assert count_rows(store, "packaging_outcomes") == before - rows
        entry = audit(store)
        assert (entry["action"], entry["target"]) == ("forget application", None)
        assert entry["details"]["rows"]["packaging_outcomes"] == rows
        assert not forget(session, "application", name, is_dry_run=True).is_known


def test_a_person_is_forgotten_wherever_the_name_can_stand(settings: Settings, store: Store, tmp_path: Path):
    ingest_records(
        store,
        "members",
        [{"name": PERSON, "skills": ["x"]}, {"name": "Bea", "skills": ["x"]}, {"name": PERSON, "skills": 5}],
        source="s",
    )
    own = {"context": {"packager": PERSON}, "feedback": {"comment": "fine"}, "source_record_id": "1"}
    ingest_records(store, "outcomes", [OUTCOME | own, OUTCOME | {"source_record_id": "2"}], source="s")
    served = {
        "context": {"packager": PERSON},
        "recommended_approach": {"by": PERSON},
        "propensity": 1.0,
        "policy_version": "p",
        "candidates": [{"settings": {"by": PERSON}}],
    }
    log_served(store, [served])
    create_token(store, PERSON, "read")
    insertions = [
        (
            "insert into decisions (kind, finding_id, decision, note, decided_by) "
            "values ('pattern', 'x', 'retire', 'as ' || :name || ' said', :name)"
        ),
        (
            "insert into audit_log (actor, door, action, target, status, request_id, details) "
            "values (:name, 'http', 'a', 'of ' || :name, 200, 'r', "
            "jsonb_build_object('who', cast(:name as text)))"
        ),
        (
            "insert into server_jobs (id, kind, state, asked_by, error) "
            "values ('j', 'rebuild', 'failed', :name, 'for ' || :name || '!')"
        ),
        "insert into idempotent_replies (actor, key, request_hash) values (:name, 'k', 'h')",
        (
            "insert into patterns (name, description, category, found_by, related_member_ids) "
            "select 'P', 'd', 'skill_cluster', 'claude', array_agg(id) from members"
        ),
        "update ingests set file_name = :name || '.csv'",
        (
            "insert into name_merges (column_name, raw_name, name, why, attempts) "
            "values ('packager', upper(:name), :name, 'same spelling', 1)"
        ),
        (
            "insert into name_decisions (column_name, name, other_name, decision, note, decided_by) "
            "values ('packager', :name, 'x', 'same', null, 'y'), ('team', 'a', 'b', 'same', :name, :name)"
        ),
    ]
    with store.transaction() as connection:
        for statement in insertions:
            used = {"name": PERSON} if ":name" in statement else {}
            connection.execute(text(statement), used)
    (settings.home / "served").mkdir(parents=True)
    (settings.home / "served" / "refused.txt").write_text(json.dumps({"who": PERSON}))
    tables = {"members", "quarantined_records", "packaging_outcomes", "served_candidates", "api_tokens"}
    assert tables <= holders(store, settings.home, PERSON)

    done = forget(open_session(settings, store), "person", PERSON.upper())
    assert holders(store, settings.home, PERSON) == set()
    assert done.rows["members"] == 1
    assert [count_rows(store, one) for one in ("members", "packaging_outcomes", "decisions")] == [1, 2, 1]
    with store.transaction() as connection:
        assert connection.scalar(text("select note from decisions")) == "as (forgotten) said"
        assert connection.scalar(text("select cardinality(related_member_ids) from patterns")) == 1
        assert connection.scalar(text("select revoked_at is not null from api_tokens"))
        assert connection.scalar(text("select context->>'packager' from packaging_outcomes order by 1")) == (
            "(forgotten)"
        )


def test_names_that_only_contain_it_stay(settings: Settings, store: Store):
    names = ["Git", "git", "GitHub", "Git Extensions"]
    ingest_records(store, "outcomes", [OUTCOME | {"application_name": one} for one in names], source="s")
    with store.transaction() as connection:
        connection.execute(
            text(
                "insert into decisions (kind, finding_id, decision, note, decided_by) "
                "values ('pattern', 'x', 'retire', 'Git, not GitHub', 'ana')"
            )
        )
    done = forget(open_session(settings, store), "application", "Git")
    assert done.spellings == ("Git", "git")
    with store.transaction() as connection:
        left = connection.scalars(text("select application_name from packaging_outcomes order by 1")).all()
        assert left == ["Git Extensions", "GitHub"]
        assert connection.scalar(text("select note from decisions")) == "(forgotten), not GitHub"


def test_one_of_two_members_of_a_name(settings: Settings, store: Store):
    twins = [{"name": "Ana", "skills": [one]} for one in ("x", "y")]
    ingest_records(store, "members", twins, source="s")
    with store.transaction() as connection:
        number = connection.scalar(text("select max(id) from members"))
    forget(open_session(settings, store), "person", "Ana", member_id=number)
    assert count_rows(store, "members") == 1


def test_a_name_that_cannot_be_searched_for_is_refused(settings: Settings, store: Store):
    session = open_session(settings, store)
    with pytest.raises(ValueError, match="is too short to be searched for"):
        forget(session, "person", " x ")
    with pytest.raises(ValueError, match="kind is 'team'; use one of application, person"):
        forget(session, "team", "Blue")


def test_what_is_old_goes_and_what_is_measured_from_stays(settings: Settings, store: Store):
    served = {
        "context": {},
        "recommended_approach": {"a": "b"},
        "propensity": 1.0,
        "policy_version": "p",
        "candidates": [],
    }
    named, alone, fresh = log_served(store, [served, served, served])
    outcome = OUTCOME | {"recommendation_id": named}
    ingest_records(store, "outcomes", [outcome, OUTCOME | {"outcome_status": "odd"}], source="s")
    with store.transaction() as connection:
        old = "now() - interval '40 days'"
        aged = f"update served_recommendations set served_at = {old} where id <> :fresh"  # noqa: S608
        connection.execute(text(aged), {"fresh": fresh})
        connection.execute(text(f"update quarantined_records set created_at = {old}"))  # noqa: S608
        two = f"insert into rebuilds (began_at, ended_at) select {old}, {old} from generate_series(1, 2)"  # noqa: S608
        connection.execute(text(two))
        connection.execute(
            text(
                "insert into audit_log (at, actor, door, action, status, request_id) "  # noqa: S608
                f"values ({old}, 'a', 'd', 'x', 200, 'r'), (now(), 'a', 'd', 'y', 200, 'r')"
            )
        )
    assert apply_retention(store, settings) == {}
    limits = {f"keep_{one}_days": 30 for one in ("served", "quarantine", "run", "audit")}
    limited = settings.model_copy(update=limits)
    dry = apply_retention(store, limited, is_dry_run=True)
    assert count_rows(store, "served_recommendations") == 3
    removed = apply_retention(store, limited)
    assert removed == dry
    wanted = {"served_recommendations": 1, "quarantined_records": 1, "rebuilds": 1, "audit_log": 1}
    assert {table: count for table, count in removed.items() if count} == wanted
    with store.transaction() as connection:
        left = set(connection.scalars(text("select id from served_recommendations")))
    assert left == {named, fresh}
    assert alone not in left
