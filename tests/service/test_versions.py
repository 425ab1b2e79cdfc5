"""Versions change with every write to what they are of, and with nothing else."""

from __future__ import annotations

import pandas as pd
import pytest
from sqlalchemy import insert

from memory_pipeline.ingest import ingest_records
from memory_pipeline.memory import Memory
from memory_pipeline.service.versions import PARTS
from memory_pipeline.store.frames import CONDITION_ASSOCIATIONS
from memory_pipeline.store.models import FindingDecision

ATTEMPT = {
    "source_record_id": "1",
    "application_name": "App",
    "approach_details": {"wrapper": "psadt"},
    "outcome_status": "success",
    "occurred_at": "2026-01-01T00:00:00Z",
}


def test_a_version_changes_with_what_it_is_of(store, settings):
    with Memory.open(settings) as memory:

        def changed(write):
            before = {part: memory.version(part) for part in PARTS}
            write()
            return {part for part in PARTS if memory.version(part) != before[part]}

        def decide():
            row = {"kind": "pattern", "finding_id": "x", "decision": "retire", "decided_by": "ann"}
            with store.transaction() as connection:
                connection.execute(insert(FindingDecision).values(row))

        assert changed(lambda: ingest_records(store, "outcomes", [ATTEMPT], source="test")) == {"outcomes"}
        again = ATTEMPT | {"outcome_status": "failure"}
        assert changed(lambda: ingest_records(store, "outcomes", [again], source="test")) == {"outcomes"}
        assert changed(decide) == {"patterns", "factors", "members"}
        frame = pd.DataFrame({"column_a": ["x"]})
        assert changed(lambda: memory.frames.write(CONDITION_ASSOCIATIONS, frame)) == {"associations"}
        assert changed(memory.outcomes) == set()
        with pytest.raises(KeyError):
            memory.version("weather")


def test_what_came_after_the_rebuild_is_in_the_vocabulary(store, settings):
    with Memory.open(settings) as memory:
        assert memory.vocabulary()["approach"] == []
        ingest_records(store, "outcomes", [ATTEMPT], source="test")
        words = memory.vocabulary()
        assert words["approach"][0]["values"] == [{"value": "psadt", "attempts": 1}]
        assert words["sources"] == [{"value": "test", "attempts": None}]
        page = memory.outcome_page(approach={"wraper": "psadt"})
        assert [(one.name, one.value) for one in page.unknown] == [("approach.wraper", None)]
        assert memory.outcome_page(approach={"wrapper": "PSADT"}).total == 1
