"""What the tests of the ingest share: records in the project's own form, and a look into the tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from memory_pipeline.store import Store


@pytest.fixture(scope="session")
def outcome() -> Callable[..., dict[str, Any]]:
    """A function that makes a good outcome, with fields changed or (None) taken out."""

    def make(**changes: Any) -> dict[str, Any]:
        record = {
            "source": "tests",
            "source_record_id": "1",
            "application_name": "7-Zip",
            "occurred_at": "2026-03-01T12:00:00+01:00",
            "outcome_status": "success",
            "approach_details": {"silent_switch": "/S"},
            **changes,
        }
        return {key: value for key, value in record.items() if value is not None}

    return make


@pytest.fixture
def rows(store: Store) -> Callable[[str], list[dict[str, Any]]]:
    """A function that gives all rows of a table, in order of their ids."""

    def read(table: str) -> list[dict[str, Any]]:
        with store.transaction() as connection:
            found = connection.execute(text(f"select * from {table} order by id"))  # noqa: S608
            return [dict(row) for row in found.mappings()]

    return read


@pytest.fixture
def jsonl(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes records as a JSON Lines file."""

    def write(*records: Any, name: str = "records.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        return path

    return write
