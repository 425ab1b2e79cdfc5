"""One ingest after another: nothing twice, corrections change, contradictions wait, order does not matter."""

from __future__ import annotations

import json
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from memory_pipeline.ingest import IngestError, ingest_file, ingest_records
from memory_pipeline.ingest.canonical_json import record_id_of
from memory_pipeline.ingest.staging import UNNAMED_SOURCE

COUNTS = ("read", "new", "changed", "unchanged", "quarantined", "skipped")


def counts(report):
    return tuple(getattr(report, name) for name in COUNTS)


def test_the_same_file_twice(store, rows, outcome, jsonl):
    path = jsonl(*(outcome(source_record_id=str(n)) for n in range(3)), outcome(source_record_id=None))
    first = ingest_file(store, "outcomes", path)
    before = rows("packaging_outcomes")
    second = ingest_file(store, "outcomes", path)

    assert counts(first) == (4, 4, 0, 0, 0, 0)
    assert counts(second) == (4, 0, 0, 4, 0, 0)
    assert rows("packaging_outcomes") == before
    assert first.stored_ids == second.stored_ids


def test_every_ingest_is_recorded(store, rows, outcome, jsonl):
    before = datetime.now(tz=UTC)
    report = ingest_file(
        store, "outcomes", jsonl(outcome(), outcome(outcome_status="bad"), name="day 1.jsonl")
    )

    (run,) = rows("ingests")
    assert (run["id"], run["kind"], run["file_name"]) == (report.ingest_id, "outcomes", "day 1.jsonl")
    assert (run["rows_read"], run["rows_new"], run["rows_quarantined"]) == (2, 1, 1)
    assert before <= run["started_at"] <= run["finished_at"]
    assert rows("packaging_outcomes")[0]["ingest_id"] == report.ingest_id


def test_a_correction_replaces_the_whole_record(store, rows, outcome):
    ingest_records(store, "outcomes", [outcome(feedback={"rating": 1}), outcome(source_record_id="2")])
    (old,) = (row for row in rows("packaging_outcomes") if row["source_record_id"] == "1")
    reasons = [{"code": "1603", "reason": "fatal_error", "detail": None}]
    report = ingest_records(
        store,
        "outcomes",
        [outcome(outcome_status="failure", failure_reasons=reasons), outcome(source_record_id="2")],
    )

    (row,) = (row for row in rows("packaging_outcomes") if row["source_record_id"] == "1")
    assert counts(report) == (2, 0, 1, 1, 0, 0)
    assert (row["outcome_status"], row["failure_reasons"], row["feedback"]) == ("failure", reasons, None)
    assert (row["id"], row["created_at"]) == (old["id"], old["created_at"])
    assert row["updated_at"] > old["updated_at"]
    assert row["ingest_id"] == report.ingest_id != old["ingest_id"]


def test_a_member_keeps_its_number_when_corrected(store, rows):
    members = [{"source_record_id": str(n), "name": f"M{n}", "skills": ["R"]} for n in range(3)]
    ingest_records(store, "members", members)
    members[1]["skills"] = ["R", "SQL"]
    report = ingest_records(store, "members", members[::-1])
    later = ingest_records(store, "members", [{"source_record_id": "9"}])

    assert counts(report) == (3, 0, 1, 2, 0, 0)
    assert [(row["id"], row["name"], row["skills"]) for row in rows("members")[:2]] == [
        (1, "M0", ["R"]),
        (2, "M1", ["R", "SQL"]),
    ]
    assert counts(later) == (1, 1, 0, 0, 0, 0)


def test_identical_rows_with_an_id_are_one_record(store, rows, outcome):
    report = ingest_records(store, "outcomes", [outcome()] * 3)

    assert counts(report) == (3, 1, 0, 2, 0, 0)
    assert len(rows("packaging_outcomes")) == 1


def test_the_first_of_contradicting_rows_is_stored_and_the_others_wait(store, rows, outcome):
    contradicting = [
        outcome(),
        outcome(outcome_status="failure"),
        outcome(),
        outcome(outcome_status="partial"),
    ]
    first = ingest_records(store, "outcomes", contradicting)
    second = ingest_records(store, "outcomes", contradicting)

    assert counts(first) == (4, 1, 0, 1, 2, 0)
    assert counts(second) == (4, 0, 0, 2, 2, 0)
    assert (first.already_quarantined, second.already_quarantined) == (0, 2)
    assert rows("packaging_outcomes")[0]["outcome_status"] == "success"
    kept = rows("quarantined_records")
    assert [(one["row_number"], one["field"], one["value"]) for one in kept] == [
        (2, "source_record_id", "1"),
        (4, "source_record_id", "1"),
    ]
    assert "also in row 1 with other content; give each record an id of its own" in kept[0]["reason"]
    assert [one.row_number for one in first.problems] == [2, 4]
    assert kept[0]["record"]["source_record_id"] == "1"


def test_contradictions_with_equal_content_under_different_ids_are_all_kept(store, rows, outcome):
    for name in ("a", "b"):
        changed = outcome(source_record_id=name, outcome_status="failure", task_id="t")
        ingest_records(store, "outcomes", [outcome(source_record_id=name), changed])

    assert [one["value"] for one in rows("quarantined_records")] == ["a", "b"]


def test_rows_without_an_id_are_told_apart_by_content_and_occurrence(store, rows, outcome):
    plain = outcome(source_record_id=None)
    other = outcome(source_record_id=None, outcome_status="failure")
    first = ingest_records(store, "outcomes", [plain, other, plain, plain])
    again = ingest_records(store, "outcomes", [other, plain, plain, plain])
    one_more = ingest_records(store, "outcomes", [plain] * 4)

    assert [counts(report) for report in (first, again, one_more)] == [
        (4, 4, 0, 0, 0, 0),
        (4, 0, 0, 4, 0, 0),
        (4, 1, 0, 3, 0, 0),
    ]
    stored = rows("packaging_outcomes")
    assert len({row["source_record_id"] for row in stored}) == 5
    assert all(row["id"] == record_id_of("tests", row["source_record_id"]) for row in stored)
    assert all(row["task_id"] == row["source_record_id"] for row in stored)


def test_the_same_id_in_another_source_is_another_record(store, rows, outcome):
    record = outcome(source=None)
    for source in ("a", "b", None):
        assert ingest_records(store, "outcomes", [record], source=source).new == 1

    assert {row["source"] for row in rows("packaging_outcomes")} == {"a", "b", UNNAMED_SOURCE}


def test_a_source_that_the_record_names_wins(store, rows, outcome):
    ingest_records(store, "outcomes", [outcome()], source="given")

    assert rows("packaging_outcomes")[0]["source"] == "tests"


def test_a_whole_number_is_an_id(store, rows, outcome):
    ingest_records(store, "outcomes", [outcome(source_record_id=42)])

    assert rows("packaging_outcomes")[0]["source_record_id"] == "42"


def test_large_ingests_do_not_list_ids(store, outcome):
    records = [outcome(source_record_id=str(n)) for n in range(1_001)]

    assert ingest_records(store, "outcomes", records).stored_ids == ()
    assert len(ingest_records(store, "outcomes", records[:1_000]).stored_ids) == 1_000


def test_two_ingests_of_the_same_records_at_once_store_each_once(store, rows, outcome):
    records = [outcome(source_record_id=str(number)) for number in range(2_000)]
    barrier = Barrier(2)

    def run(part):
        barrier.wait(timeout=30)
        return ingest_records(store, "outcomes", part)

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(run, [records, records[::-1]]))

    assert sum(report.new for report in reports) == 2_000
    assert sum(report.unchanged for report in reports) == 2_000
    assert len(rows("packaging_outcomes")) == 2_000


def test_values_as_numpy_and_pandas_hold_them(store, rows, outcome):
    frame = pd.DataFrame({"retries": [2], "size": [1.5], "is_ok": [True], "tags": [["a"]]})
    settings = dict(zip(frame, frame.iloc[0], strict=True))
    ingest_records(
        store,
        "outcomes",
        [
            outcome(
                application_name=np.str_("7-Zip"),
                occurred_at=pd.Timestamp("2026-03-01T12:00:00", tz="UTC"),
                approach_details={**settings, "set": ("x",), "array": np.array(["y"])},
                performance_metrics={"a": np.int64(3), "b": np.float32(0.5)},
                recommendation_id="r",
                recommendation_followed=np.True_,
                success_factors=np.array(["z"]),
            )
        ],
    )

    (row,) = rows("packaging_outcomes")
    expected = {"retries": 2, "size": 1.5, "is_ok": True, "tags": ["a"], "set": ["x"], "array": ["y"]}
    assert row["approach_details"] == expected
    assert (row["performance_metrics"], row["success_factors"]) == ({"a": 3, "b": 0.5}, ["z"])
    assert row["recommendation_followed"] is True
    assert row["occurred_at"] == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_many_identical_rows_without_an_id(store, outcome):
    # More than are renamed at once.
    report = ingest_records(store, "outcomes", [outcome(source_record_id=None)] * 10_002)

    assert counts(report) == (10_002, 10_002, 0, 0, 0, 0)


def test_an_error_of_the_database_is_one_of_the_ingest(store, rows, outcome):
    with store.transaction() as connection:
        connection.execute(
            text("alter table packaging_outcomes add constraint no_gimp check (application_name <> 'Gimp')")
        )
    try:
        with pytest.raises(IngestError, match=r"could not store the records \(.*no_gimp.*nothing was stored"):
            ingest_records(
                store, "outcomes", [outcome(), outcome(source_record_id="2", application_name="Gimp")]
            )
    finally:
        with store.transaction() as connection:
            connection.execute(text("alter table packaging_outcomes drop constraint no_gimp"))

    assert rows("packaging_outcomes") == []


def test_an_unknown_kind_is_refused(store):
    with pytest.raises(IngestError, match="'results' is unknown; use one of outcomes, members"):
        ingest_records(store, "results", [])


def test_no_records_are_no_error_for_a_program(store):
    assert counts(ingest_records(store, "outcomes", [])) == (0, 0, 0, 0, 0, 0)


def test_a_source_that_fails_in_the_middle_leaves_nothing(store, rows, outcome):
    def failing():
        yield from (outcome(source_record_id=str(n)) for n in range(2_000))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ingest_records(store, "outcomes", failing())

    assert rows("packaging_outcomes") == rows("ingests") == rows("quarantined_records") == []
    assert ingest_records(store, "outcomes", [outcome()]).new == 1


STATUS = st.sampled_from(["success", "failure", "partial"])
RECORDS = st.lists(
    st.tuples(STATUS, st.integers(0, 3), st.booleans(), st.sampled_from([None, "a b", "ü\\\n\t"])),
    min_size=1,
    max_size=12,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RECORDS, st.data())
def test_any_split_into_files_and_any_order_give_the_same_table(store, outcome, drawn, data):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    records = [
        outcome(
            # Records without an id differ in time, so that they are no repetitions of each other.
            source_record_id=str(number) if has_id else None,
            occurred_at=(start + timedelta(minutes=number)).isoformat(),
            outcome_status=status,
            approach_details={"retries": retries},
            feedback=comment and {"comment": comment},
        )
        for number, (status, retries, has_id, comment) in enumerate(drawn)
    ]
    order = data.draw(st.permutations(records))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=3)))
    parts = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]

    def table():
        with store.transaction() as connection:
            found = connection.execute(
                text("select id, source_record_id, content_hash from packaging_outcomes order by id")
            ).all()
            connection.execute(text("truncate packaging_outcomes"))
        return found

    ingest_records(store, "outcomes", records)
    whole = table()
    reports = [ingest_records(store, "outcomes", part) for part in parts]

    assert sum(report.new for report in reports) == len(records) == len(whole)
    assert table() == whole


def test_memory_does_not_grow_with_the_file(store, outcome, tmp_path):
    def peak(rows):
        path = tmp_path / f"{rows}.json"
        with path.open("w", encoding="utf-8") as file:
            file.write('{"exported": "today", "records": [')
            for number in range(rows):
                record = outcome(source_record_id=str(number), context={"note": "x" * 500})
                file.write(("," if number else "") + json.dumps(record))
            file.write("]}")
        tracemalloc.start()
        try:
            assert ingest_file(store, "outcomes", path).new == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            with store.transaction() as connection:
                connection.execute(text("truncate packaging_outcomes"))

    # A file of 6 MB may not need more than one of 1.5 MB, plus a little.
    few, many = peak(2_000), peak(8_000)
    assert many < few + 500_000
