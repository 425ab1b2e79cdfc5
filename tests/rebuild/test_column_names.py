"""A rebuild holds its own columns and a context's keys apart, whatever the keys are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from made_history import outcome_rows
from quick_rebuilds import leave_out
from sqlalchemy import insert

from memory_pipeline.memory import Memory
from memory_pipeline.rebuild import rebuild
from memory_pipeline.rebuild.evidence import read_evidence
from memory_pipeline.store.models import PackagingOutcome
from memory_pipeline.store.served import log_served

if TYPE_CHECKING:
    from memory_pipeline.store.session import Session

KEYS = (
    ("outcome", "month", "period", "unit", "self", "n", "count"),
    ("followed", "is_control", "served_at", "difficulty", "success", "target", "attempts"),
    (
        "transforms: eula",
        '"transforms": eula',
        "is_quiet",
        "attempts: success;;",
        "condition: x",
        "a=b",
        "é 📦",
    ),
)
ADVISED = 80


@pytest.mark.parametrize("keys", KEYS)
def test_keys_of_any_name_stop_no_rebuild_and_say_nothing_that_is_not_so(
    memory: Session, keys: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch)
    [served] = log_served(
        memory.store,
        [
            {
                "context": {},
                "candidates": [],
                "recommended_approach": {"is_quiet": True},
                "propensity": 1.0,
                "policy_version": "v",
            }
        ],
    )
    rows = outcome_rows(400)
    rng = np.random.default_rng(5)
    for number, row in enumerate(rows):
        row["context"] = {key: str(rng.choice(["A", "B", "C"])) for key in keys}
        if number >= len(rows) - ADVISED:
            row |= {"recommendation_id": served, "recommendation_followed": bool(number % 2)}
    with memory.store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), rows)
    report = rebuild(memory, contracts=())
    assert {one.state for one in report.steps} == {"succeeded"}

    evidence, encoding = read_evidence(memory.frames)
    for key in keys:
        assert evidence.codes(key)[1] == ["A", "B", "C"]
        assert encoding.columns_of(key) == (key,)
        counted = np.bincount(evidence.codes(key)[0], weights=evidence.n)
        assert counted.tolist() == [sum(row["context"][key] == level for row in rows) for level in "ABC"]
    face = Memory(memory.settings, memory.store)
    patterns = face.patterns()
    assert len(patterns)  # of the quiet switch, which matters
    assert not {key for conditions in patterns["conditions"] for key in conditions} & set(keys)
    answer = face.recommend({"installer_type": "msi", keys[0]: "a"}, log=False)
    assert answer.advice.context[keys[0]] == "A"
    rebuild(memory, contracts=())  # from what the first one kept
