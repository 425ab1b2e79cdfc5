"""Files as they come: delimiters, encodings, formats; and files that cannot be used as a whole."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from memory_pipeline.ingest import IngestError, ingest_file
from memory_pipeline.ingest.csv_files import open_csv
from memory_pipeline.ingest.file_formats import CELLS_KEY, format_of
from memory_pipeline.ingest.json_files import open_json, open_jsonl
from memory_pipeline.ingest.parquet_files import _python_values, open_parquet

NAMES = ["application_name", "occurred_at", "outcome_status", "approach_details"]
ROW = ['Öffice; "quoted",\nnew line', "2026-03-01T12:00:00Z", "success", "{}"]


def csv_text(*rows, delimiter=",", header=NAMES):
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    return file.getvalue()


def records(opener, path, wanted=None):
    with opener(path) as file:
        return list(file.read(wanted))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_csv_delimiters_and_encodings(tmp_path, delimiter, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes(csv_text(ROW, delimiter=delimiter).encode(encoding))

    assert records(open_csv, path) == [dict(zip(NAMES, ROW, strict=True))]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("opener", "content"), [(open_json, '[{"a": "ü"}]'), (open_jsonl, '{"a": "ü"}\r\n\r\n')]
)
def test_json_as_windows_writes_it(tmp_path, opener, content, encoding):
    path = tmp_path / "a"
    path.write_bytes(content.encode(encoding))

    assert records(opener, path) == [{"a": "ü"}]


def test_csv_cells(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(' a ,"b"\n1,\n\n2,3,4\n5\n6,7', encoding="utf-8")

    assert records(open_csv, path) == [
        {"a": "1", "b": None},
        {CELLS_KEY: ["2", "3", "4"]},
        {CELLS_KEY: ["5"]},
        {"a": "6", "b": "7"},
    ]


def test_a_csv_row_with_too_many_cells_goes_to_quarantine(store, rows, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(csv_text(["B", *ROW[1:], "extra"], ["A", *ROW[1:]]), encoding="utf-8")
    report = ingest_file(store, "outcomes", path)

    assert (report.new, report.quarantined) == (1, 1)
    (kept,) = rows("quarantined_records")
    assert (kept["field"], kept["value"]) == (CELLS_KEY, "5 cells")
    assert "correct its quotes and delimiters" in kept["reason"]
    assert kept["record"] == {CELLS_KEY: ["B", *ROW[1:], "extra"]}


def test_json_forms(tmp_path):
    for content in (
        '  [{"a": 1.5}, {"b": [true, null]}]',
        '{"n": {"records": 5}, "records": [{"a": 1.5}, {"b": [true, null]}]}',
    ):
        path = tmp_path / "a.json"
        path.write_text(content, encoding="utf-8")
        assert records(open_json, path) == [{"a": 1.5}, {"b": [True, None]}]


def test_parquet_types(tmp_path):
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    table = pa.table(
        {
            " spaced ": ["a", None],
            "ns": pa.array([moment, None], pa.timestamp("ns", "UTC")),
            "day": pa.array([date(2026, 1, 2), None], pa.date32()),
            "decimal": pa.array([Decimal("1.50"), None], pa.decimal128(5, 2)),
            "float": [1.5, float("nan")],
            "int": pa.array([1, None], pa.int32()),
            "flag": [True, False],
            "list": [["a", None], None],
            "struct": [{"a": 1}, None],
            "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
            "category": pa.array(["x", None]).dictionary_encode(),
        }
    )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)

    first = {
        " spaced ": "a",
        "ns": moment,
        "day": date(2026, 1, 2),
        "decimal": 1.5,
        "float": 1.5,
        "int": 1,
        "flag": True,
        "list": ["a", None],
        "struct": {"a": 1},
        "map": {"a": 1},
        "category": "x",
    }
    assert records(open_parquet, path) == [first, {**dict.fromkeys(first), "flag": False}]
    assert records(open_parquet, path, ("int",)) == [{"int": 1}, {"int": None}]


NESTED = [
    [[{"a": 1, "b": ["x", None]}, {"a": None, "b": None}], None, [], [{"a": 2, "b": []}]],
    [{"a": {"b": 1.5}}, {"a": None}, None, {"a": {"b": None}}],
    [{}, None],
]


@pytest.mark.parametrize("values", NESTED)
@pytest.mark.parametrize("start", [0, 1])
def test_nested_parquet_values_are_those_of_arrow(values, start):
    part = pa.array(values)[start:]

    assert _python_values(part) == part.to_pylist() == values[start:]


def test_the_format_is_told_by_the_name_or_chosen(tmp_path):
    names = {"a.csv": "csv", "a.TSV": "csv", "a.json": "json", "a.ndjson": "jsonl", "a.jsonl": "jsonl"}
    assert {name: format_of(tmp_path / name) for name in names} == names
    assert format_of(tmp_path / "a.log", "jsonl") == "jsonl"


def good_json(count=3):
    return json.dumps([dict(zip(NAMES, ROW, strict=True))] * count)


def good_jsonl(count=3):
    return (json.dumps(dict(zip(NAMES, ROW, strict=True))) + "\n") * count


def parquet_bytes():
    file = io.BytesIO()
    pq.write_table(pa.table({name: [cell] for name, cell in zip(NAMES, ROW, strict=True)}), file)
    return file.getvalue()


UNUSABLE = {
    "empty": ("a.csv", b"", r"a\.csv is empty \(0 bytes\); export it again"),
    "only a byte order mark": ("a.csv", b"\xef\xbb\xbf", r"a\.csv is empty"),
    "a header alone": ("a.csv", csv_text().encode(), r"a\.csv holds no records"),
    "an empty array": ("a.json", b"[]", r"a\.json holds no records"),
    "empty lines": ("a.jsonl", b"\n\n", r"a\.jsonl holds no records"),
    "csv cut off in a quoted cell": ("a.csv", csv_text(ROW, ROW)[:-60].encode(), "ends inside a quoted cell"),
    "csv cut off between cells": (
        "a.csv",
        csv_text(ROW, ROW)[:-6].encode(),
        "ends inside row 2, which has 3 of 4",
    ),
    "jsonl cut off": ("a.jsonl", good_jsonl()[:-9].encode(), "ends inside line 3: it was cut off"),
    "a broken line": ("a.jsonl", b"{}\n{'a'}\n{}\n", "line 2 is not JSON .*correct that line"),
    "a huge line": (
        "a.jsonl",
        b"[" + b"1," * 2_600_000,
        "longer than 5,000,000 characters; .* read it as json",
    ),
    "json cut off": ("a.json", good_json()[:-9].encode(), "ends inside record 3: it was cut off"),
    "broken json": ("a.json", b'[{"a": 1}, {"a": }]', "is not JSON after record 1"),
    "json of a number": ("a.json", b"5", r"is not a JSON array or object \(it starts with '5'\)"),
    "an object without records": (
        "a.json",
        b'{"info": 1, "rows": [{"application_name": "A"}]}',
        "without records where they are looked for; its keys are: info, rows. Say in the mapping where",
    ),
    "parquet cut off": (
        "a.parquet",
        parquet_bytes()[:-20],
        "cannot be read as Parquet: it is damaged, cut off",
    ),
    "csv as parquet": ("a.parquet", csv_text(ROW).encode(), "cannot be read as Parquet"),
    "latin-1 in jsonl": ("a.jsonl", '{"a": "ü"}\n'.encode("latin-1"), "is not UTF-8: the byte 0xfc"),
    "utf-16 cut off": ("a.csv", csv_text(ROW).encode("utf-16")[:-1], "is not UTF-16"),
    "utf-32": ("a.csv", csv_text(ROW).encode("utf-32"), "is in UTF-32; save it as UTF-8"),
    "a workbook": ("a.csv", b"PK\x03\x04rest", "a zip archive or a workbook; save it as CSV UTF-8"),
    "compressed": ("a.jsonl", b"\x1f\x8brest", "is compressed; unpack it first"),
    "unknown ending": ("a.doc", b"<a/>", r"ends in '\.doc', which names no known format; rename it"),
    "no ending": ("a", b"x", "ends in 'nothing', which names no known format"),
    "a column twice": ("a.csv", b"a,a\n1,2\n", "the column 'a' occurs twice; rename one"),
    "a column without a name": ("a.csv", b"a,,b\n1,2,3\n", "column 2 of the header has no name"),
    "wrong quotes": (
        "a.csv",
        csv_text(["A", *ROW[1:]]).encode() + b'"x"y,1\n',
        r"a\.csv, line 3: .*correct the quotes there",
    ),
    "a column missing": (
        "a.csv",
        csv_text(ROW[:3], header=NAMES[:3]).encode(),
        "missing: 'approach_details'",
    ),
    "a column too many": (
        "a.csv",
        csv_text([*ROW, "x"], header=[*NAMES, "notes"]).encode(),
        "'notes' is not a field",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable_files_leave_nothing(store, rows, tmp_path, case):
    name, content, message = UNUSABLE[case]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(IngestError, match=message):
        ingest_file(store, "outcomes", path)

    assert rows("packaging_outcomes") == rows("ingests") == rows("quarantined_records") == []


def test_what_is_no_file(store, tmp_path):
    with pytest.raises(IngestError, match="is a folder; name one file in it"):
        ingest_file(store, "outcomes", tmp_path)
    with pytest.raises(IngestError, match="does not exist; check the path"):
        ingest_file(store, "outcomes", tmp_path / "none.csv")
    with pytest.raises(
        IngestError, match="the format 'doc' is unknown; choose one of csv, excel, json, jsonl, log"
    ):
        format_of(tmp_path, "doc")


def test_progress_is_told(store, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(good_jsonl(10_000).replace(json.dumps(ROW[0]), '"A"'), encoding="utf-8")
    states = []
    assert ingest_file(store, "outcomes", path, progress=states.append).new == 10_000

    assert [(state.stage, state.rows) for state in states] == [
        ("reading", 5_000),
        ("reading", 10_000),
        ("storing", 10_000),
    ]
    assert 0.4 < states[0].share < 0.6
    assert states[-1].share == 1.0
