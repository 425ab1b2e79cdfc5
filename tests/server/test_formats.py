"""Tables as JSON, CSV and Parquet."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel

from memory_pipeline.server.formats import choose_format, to_csv, to_parquet
from memory_pipeline.server.problems import ProblemError


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "json"),
        ("*/*", "json"),
        ("text/csv", "csv"),
        ("text/*", "csv"),
        ("application/*", "json"),
        ("application/json;q=0.5, text/csv;q=0.9", "csv"),
        ("text/csv;q=0, */*;q=0.1", "json"),
        ("application/vnd.apache.parquet", "parquet"),
    ],
)
def test_the_client_chooses(accept, chosen):
    assert choose_format(accept, None) == chosen
    assert choose_format(accept, "csv") == "csv"


def test_what_cannot_be_written_is_said():
    with pytest.raises(ProblemError, match="text/csv") as refused:
        choose_format("image/png", None)
    assert refused.value.status_code == 406


def test_csv_is_safe_against_formulas_and_numbers_stay_numbers():
    texts = ["=1+1", "+1", "-1", "@sum", "\tx", "\rx", "plain", 'a "quoted", one']
    rows = [
        {"text": text, "number": -1.5, "nested": {"=a": ["=b"]}, "when": None, "yes": True} for text in texts
    ]
    read = list(csv.DictReader(io.StringIO(to_csv(rows, list(rows[0])).decode(), newline="")))
    assert [row["text"] for row in read] == [*(f"'{one}" for one in texts[:6]), *texts[6:]]
    assert {row["number"] for row in read} == {"-1.5"}
    assert json.loads(read[0]["nested"]) == {"=a": ["=b"]}
    assert (read[0]["when"], read[0]["yes"]) == ("", "true")


def test_parquet_has_the_types_of_the_model():
    class Thing(BaseModel):
        name: str | None
        size: int
        share: float | None
        seen: datetime | None
        words: list[str]
        more: dict[str, int] | None

    rows = [
        {
            "name": "a",
            "size": 1,
            "share": None,
            "seen": datetime(2026, 1, 2, tzinfo=UTC),
            "words": ["x"],
            "more": {"k": 1},
        },
        {"name": None, "size": 2, "share": 0.5, "seen": None, "words": [], "more": None},
    ]
    table = pq.read_table(io.BytesIO(to_parquet(rows, list(Thing.model_fields), Thing)))
    kinds = ["string", "int64", "double", "timestamp[us, tz=UTC]", "list<element: string>", "string"]
    assert [str(kind) for kind in table.schema.types] == kinds
    assert table.to_pylist() == [rows[0] | {"more": '{"k": 1}'}, rows[1]]
    assert to_parquet([], list(Thing.model_fields), Thing)[:4] == b"PAR1"
