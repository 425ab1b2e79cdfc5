"""Data frames and dicts go in as the same rows in a file do."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from memory_pipeline.ingest import IngestError
from memory_pipeline.memory import Memory

OWN = {"ingest_id", "created_at", "updated_at"}


@pytest.fixture
def memory(settings, store):
    return Memory(settings, store)


@pytest.fixture
def rows(store):
    def read(table="packaging_outcomes", without=OWN):
        with store.transaction() as connection:
            found = connection.execute(text(f"select * from {table} order by id")).mappings()  # noqa: S608
            return [{key: value for key, value in row.items() if key not in without} for row in found]

    return read


@pytest.fixture
def frame():
    """Attempts as pandas holds them; the last one breaks the contract."""
    return pd.DataFrame(
        {
            "source_record_id": ["1", "2", "3", None],
            "application_name": ["7-Zip", "Änderungs-Manager", "R", "GIMP"],
            "application_vendor": pd.Categorical(["Pavlov", None, "R Core", None]),
            "occurred_at": pd.to_datetime(
                ["2026-03-01T12:00:00.25+01:00", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", None],
                format="ISO8601",
                utc=True,
            ),
            "outcome_status": ["success", "failure", "partial", "success"],
            "approach_details": [
                {"silent_switch": "/S", "retries": 2, "hours": 0.5},
                {"silent_switch": None, "parts": ["a", "b"]},
                {"is_wrapped": True},
                {},
            ],
            "context": [{"team": "x"}, None, {"build": 1.0}, {"team": "y"}],
            "failure_reasons": [
                None,
                [{"code": "1603", "reason": "fatal_error", "detail": None}],
                [],
                None,
            ],
            "success_factors": [["tested"], None, None, None],
            "performance_metrics": [{"seconds": 93.25}, None, {"megabytes": 210}, None],
            "recommendation_followed": pd.array([None, None, None, None], dtype="boolean"),
        }
    )


def written(frame, path):
    """Write a frame as a file, as pandas or json does."""
    if path.suffix == ".jsonl":
        path.write_text(frame.to_json(orient="records", lines=True, date_format="iso", date_unit="us"))
    elif path.suffix == ".json":
        path.write_text(frame.to_json(orient="records", date_format="iso", date_unit="us"))
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        structured = [
            name for name in frame if frame[name].map(lambda one: isinstance(one, dict | list)).any()
        ]
        cells = {name: frame[name].map(json.dumps, na_action="ignore") for name in structured}
        frame.assign(**cells).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".csv", ".parquet"])
def test_a_frame_is_stored_as_the_same_rows_in_a_file(memory, rows, frame, tmp_path, ending):
    if ending == ".parquet":  # its dicts have the same keys in every row, so that 2 would become 2.0
        frame["approach_details"] = [{"silent_switch": "/S"}, {"silent_switch": None}, {}, {}]
        frame["context"] = [{"team": "x"}, None, {"team": "z"}, {"team": "y"}]
        frame["performance_metrics"] = [{"seconds": 93.25}, None, {"seconds": 1.0}, None]
    given = memory.ingest(frame, source="s")
    stored = rows()
    assert (given.read, given.new, given.quarantined, given.file_name) == (4, 3, 1, "data frame")
    assert len(stored) == 3
    path = written(frame, tmp_path / f"rows{ending}")
    again = memory.ingest(path, source="s")

    # The file says the same of the same records: nothing is new or changed, and nothing is refused anew.
    assert (again.read, again.unchanged, again.quarantined) == (4, 3, 1)
    assert rows() == stored
    assert again.stored_ids == given.stored_ids
    assert again.file_name == f"rows{ending}"
    assert [one.reason for one in again.problems] == [one.reason for one in given.problems]
    (problem,) = given.problems
    assert (problem.row_number, problem.field) == (4, "occurred_at")


def test_a_frame_is_idempotent_and_a_correction_changes_the_record(memory, rows, frame):
    good = frame.head(3)
    assert memory.ingest(good, source="s").new == 3
    second = memory.ingest(good, source="s")
    assert (second.new, second.unchanged) == (0, 3)
    changed = memory.ingest(good.assign(outcome_status="failure"), source="s", name="corrected")
    assert (changed.changed, changed.unchanged, changed.file_name) == (2, 1, "corrected")
    assert {row["outcome_status"] for row in rows()} == {"failure"}


def test_dicts_are_read_as_a_frame_of_them(memory, rows, frame):
    memory.ingest(frame, source="s")
    stored, waiting = rows(), rows("quarantined_records", OWN | {"row_number"})
    report = memory.ingest(frame.to_dict("records"), source="s")
    assert (report.unchanged, report.quarantined, report.file_name) == (3, 1, "records")
    assert report.already_quarantined == 1
    assert rows() == stored
    assert len(rows("quarantined_records")) == len(waiting)
    assert memory.ingest((row for row in frame.to_dict("records")), source="s").unchanged == 3


def test_many_rows_are_all_read(memory, rows):
    count = 11_000
    frame = pd.DataFrame(
        {
            "source_record_id": [str(number) for number in range(count)],
            "application_name": "a",
            "occurred_at": pd.Timestamp("2026-03-01", tz="UTC"),
            "outcome_status": "success",
            "approach_details": [{}] * count,
        }
    )
    shares = []
    report = memory.ingest(frame, source="s", progress=lambda state: shares.append(state.share))
    assert (report.new, report.quarantined) == (count, 0)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.fixture
def mapping(tmp_path):
    path = tmp_path / "tool.yaml"
    path.write_text(
        """
kind: outcomes
name: tool
description: Runs of a tool.
source: tool
timezone: Europe/Zurich
record_id: [run]
renames: {application_name: app, occurred_at: day, outcome_status: status}
approach: {exit_code: code, parts: parts, share: share}
"""
    )
    return path


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_mapping_reads_a_frame_as_a_file(memory, rows, mapping, tmp_path, ending):
    frame = pd.DataFrame(
        {
            # Whole numbers beside a missing value: pandas makes them 17.0.
            "run": [17, 18, 19],
            "app": ["a", "b", "c"],
            "day": pd.to_datetime(["2026-03-01 08:00", "2026-03-02", "2026-03-03"], format="ISO8601"),
            "status": ["success", "failure", "success"],
            "code": [0.0, 1603.0, np.nan],
            "parts": ["x", None, "y"],
            "share": pd.array([0.5, None, 0.25], dtype="Float64"),
        }
    )
    if ending == ".csv":  # a CSV has no numbers: without `as`, its cells are text
        frame = frame.astype({"code": "Int64", "share": "str"})
        mapping.write_text(mapping.read_text() + "columns: {code: {as: integer}, share: {as: number}}\n")
    report = memory.ingest(frame, mapping=mapping)
    stored = rows()
    assert (report.new, report.mapping_name) == (3, "tool")
    first = next(row for row in stored if row["source_record_id"] == "17")
    assert first["occurred_at"] == datetime(2026, 3, 1, 7, tzinfo=UTC)
    assert first["approach_details"] == {"exit_code": 0, "parts": "x", "share": 0.5}
    assert memory.ingest(written(frame, tmp_path / f"rows{ending}"), mapping=mapping).unchanged == 3
    assert rows() == stored


def test_members_come_from_a_frame_too(memory, rows, tmp_path):
    frame = pd.DataFrame(
        {
            "name": ["Ann", "Bo"],
            "skills": [np.array(["python", "sql"], dtype=object), {"r", "python"}],
            "interests": [("maps",), None],
            "attributes": [{"year": np.int64(3)}, {"year": float("nan")}],
            "is_visible": [True, False],
        },
        index=pd.Index(["m1", "m2"], name="source_record_id"),
    )
    assert memory.ingest(frame, "members", source="s").new == 2
    ann, bo = sorted(rows("members"), key=lambda row: row["name"])
    assert (ann["source_record_id"], ann["skills"], ann["interests"]) == ("m1", ["python", "sql"], ["maps"])
    assert (ann["attributes"], bo["attributes"]) == ({"year": 3}, {})
    assert bo["skills"] == ["python", "r"]
    assert (ann["is_visible"], bo["is_visible"]) == (True, False)
    plain = frame.reset_index().assign(skills=frame["skills"].map(sorted).to_numpy())
    assert memory.ingest(written(plain, tmp_path / "members.jsonl"), "members", source="s").unchanged == 2


REFUSED = {
    "application_name": "a",
    "occurred_at": pd.Timestamp("2026-03-01", tz="UTC"),
    "outcome_status": "success",
    "approach_details": {},
}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"occurred_at": pd.Timestamp("2026-03-01")}, "occurred_at"),
        ({"occurred_at": date(2026, 3, 1)}, "occurred_at"),
        ({"approach_details": {"hours": np.inf}}, "approach_details.hours"),
        ({"performance_metrics": {"took": pd.Timedelta("1h")}}, "performance_metrics.took"),
        ({"application_name": float("nan")}, "application_name"),
    ],
)
@pytest.mark.parametrize("form", ["frame", "dicts"])
def test_rows_that_break_the_contract_wait_in_quarantine(memory, rows, changes, field, form):
    record = REFUSED | changes
    given = [record] if form == "dicts" else pd.DataFrame({key: [value] for key, value in record.items()})
    report = memory.ingest(given, source="s")
    assert report.is_all_refused
    assert report.problems[0].field == field
    assert len(rows("quarantined_records")) == 1


def test_rows_that_cannot_be_used_as_a_whole_are_refused_with_the_remedy(memory, rows, tmp_path):
    frame = pd.DataFrame({key: [value] for key, value in REFUSED.items()})
    for given, message in [
        (frame.drop(columns="outcome_status"), "columns that are required are missing: 'outcome_status'"),
        (frame.assign(colour="red"), "'colour' is not a field of outcomes; put it under context"),
        (frame.head(0), "data frame holds no records; check what was exported"),
        ([], "records holds no records; check what was exported"),
        (frame.rename(columns={"application_name": ""}), "column 1 of the header has no name"),
        (pd.concat([frame, frame["occurred_at"]], axis=1), "the column 'occurred_at' occurs twice"),
        (frame.set_index("outcome_status", drop=False), "the column 'outcome_status' occurs twice"),
        (REFUSED, "is of the type dict; give a data frame, a list of dicts, or the path"),
        (7, "is of the type int; give a data frame"),
        (tmp_path / "nothing.csv", "does not exist; check the path"),
        (str(tmp_path / "nothing.csv"), "does not exist; check the path"),
    ]:
        with pytest.raises(IngestError, match=message):
            memory.ingest(given, source="s")
    with pytest.raises(IngestError, match="the kind 'applications' is unknown; use one of"):
        memory.ingest(frame, "applications")
    with pytest.raises(IngestError, match="intunes"):
        memory.ingest(frame, mapping="intunes")
    assert rows() == []
    assert rows("ingests") == []
