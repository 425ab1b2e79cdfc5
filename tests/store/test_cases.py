"""Past attempts by index: the ones that a look through all of them finds, at a bounded cost."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import insert, text

from memory_pipeline.analysis.features.levels import level_name
from memory_pipeline.store import cases
from memory_pipeline.store.models import PackagingOutcome

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TOOLS = ["dotnet", "vcredist", "java"]
QUESTIONS = [
    ({}, {}),
    ({"installer_type": "msi"}, {"mode": "a", "signed": True, "tools": ["vcredist", "dotnet"]}),
    ({"team": "red", "installer_type": "exe"}, {"signed": "yes", "size": 3.0, "mode": "never"}),
    ({"cores": "4"}, {"size": "3", "signed": "no"}),
    ({"cores": 4.0, "application_vendor": None}, {"mode": None}),
    ({"team": None}, {"tools": []}),
    ({"tags": ["x", "y"]}, {"mode": "b"}),
    ({"installer_type": "appx"}, {"mode": "a"}),
]


@pytest.fixture
def rows(store):
    random = np.random.default_rng(5)
    made = [
        {
            "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, str(number))),
            "task_id": str(number),
            "application_name": f"app {number % 17}",
            "application_vendor": [None, "Acme"][number % 2],
            "installer_type": str(random.choice(["msi", "exe"])),
            "context": {
                **({"team": str(random.choice(["red", "blue"]))} if random.random() < 0.8 else {}),
                "cores": int(random.choice([2, 4])),
                **({"tags": random.permutation(["x", "y"]).tolist()} if random.random() < 0.2 else {}),
            },
            "approach_details": {
                **({"mode": str(random.choice(["a", "b"]))} if random.random() < 0.9 else {}),
                "signed": bool(random.random() < 0.5),
                "size": float(random.choice([3.0, 4.5])),
                "tools": random.permutation(TOOLS)[: random.integers(0, 3)].tolist(),
            },
            "outcome_status": str(random.choice(["success", "failure", "partial"])),
            "failure_reasons": [{"reason": "timeout"}],
            # Some at the same moment.
            "occurred_at": BEGIN + timedelta(hours=int(number // 2)),
            "source": "s",
            "source_record_id": str(number),
            "content_hash": str(number),
            "ingest_id": "i",
        }
        for number in range(400)
    ]
    with store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), made)
        connection.execute(text("analyze packaging_outcomes"))
    return made


def has(value, wanted):
    """Return whether a stored value is a described one, by the words of the docstring."""
    if wanted is None or value is None:
        return wanted is value
    if isinstance(wanted, list):
        return isinstance(value, list) and sorted(map(str, value)) == sorted(map(str, wanted))
    return str(value) == str(wanted) or level_name(value) == level_name(wanted) == str(level_name(wanted))


def looked_through(rows, context, approach, limit):
    """Choose cases by looking at every attempt."""
    here = [
        (sum(has(row["approach_details"].get(name), value) for name, value in approach.items()), row)
        for row in rows
        if all(has(row.get(name, row["context"].get(name)), value) for name, value in context.items())
    ]
    here.sort(key=lambda one: (-one[0], -one[1]["occurred_at"].timestamp(), one[1]["id"]))
    good = [one for one in here if one[1]["outcome_status"] == "success"]
    bad = [one for one in here if one[1]["outcome_status"] != "success"]
    return [(row["id"], agreeing) for agreeing, row in good[:limit] + bad[:limit]]


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
@pytest.mark.parametrize("recent", [5_000, 7])
def test_cases_are_those_that_a_look_through_all_attempts_finds(store, rows, monkeypatch, recent, question):
    # With 7 looked through first, all are found through the indexes of the context.
    monkeypatch.setattr(cases, "RECENT", recent)
    found = cases.read_similar(store, *question, limit=4)
    assert [(row["id"], row["agreeing"]) for row in found] == looked_through(rows, *question, 4)
    by_id = {row["id"]: row for row in rows}
    for row in found:
        assert row["failure_reason"] == "timeout"
        assert row["occurred_at"] == by_id[row["id"]]["occurred_at"]


def test_only_the_newest_are_looked_through_where_they_are_enough(store, rows, monkeypatch):
    monkeypatch.setattr(cases, "RECENT", 60)
    monkeypatch.setattr(cases, "ENOUGH", 10)
    newest = sorted(rows, key=lambda row: (row["occurred_at"], row["id"]), reverse=True)
    sides = [
        [row for row in newest if (row["outcome_status"] == "success") is good][:60] for good in (True, False)
    ]
    question = ({"installer_type": "msi"}, {"mode": "a", "size": 4.5})
    expected = [one for side in sides for one in looked_through(side, *question, 3)]
    found = [(row["id"], row["agreeing"]) for row in cases.read_similar(store, *question, limit=3)]
    assert found == expected


@pytest.mark.parametrize("recent", [5_000, 7])
def test_attempts_are_counted_with_the_settings_and_without(store, rows, monkeypatch, recent):
    monkeypatch.setattr(cases, "RECENT", recent)
    context, approach = {"installer_type": "msi"}, {"mode": "a", "signed": "yes"}
    here = [row for row in rows if row["installer_type"] == "msi"]
    for has_all, counted in zip((True, False), cases.count_attempts(store, context, approach), strict=True):
        chosen = [
            row
            for row in here
            if all(has(row["approach_details"].get(k), v) for k, v in approach.items()) is has_all
        ]
        apps = {}
        for row in chosen:
            apps.setdefault(row["application_name"], []).append(row["outcome_status"] == "success")
        assert (counted.attempts, counted.units) == (len(chosen), len(apps))
        assert counted.successes == sum(row["outcome_status"] == "success" for row in chosen)
        assert counted.rate == pytest.approx(np.mean([np.mean(ones) for ones in apps.values()]))
    nothing, others = cases.count_attempts(store, context, {"mode": "never"})
    assert nothing == cases.AttemptCounts()
    assert others.attempts == len(here)


def test_an_element_of_a_list_is_a_setting_too(store, rows):
    for level, there in (("yes", True), ("no", False)):
        counted, _ = cases.count_attempts(store, {}, {"tools: java": level})
        assert counted.attempts == sum(("java" in row["approach_details"]["tools"]) is there for row in rows)


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("outcome_status = 'success' order by occurred_at desc, id desc limit 5", "successes"),
        ("outcome_status <> 'success' order by occurred_at desc, id desc limit 5", "others"),
        ('context @> \'{"team": "red"}\'', "context"),
        ('approach_details @> \'{"mode": "a"}\'', "approach_details"),
    ],
)
def test_both_searches_can_use_an_index(store, rows, condition, index):
    with store.transaction() as connection:
        for dearer in (
            "seqscan",
            "sort",
            "incremental_sort",
        ):  # few rows are quicker to read without an index
            connection.execute(text(f"set local enable_{dearer} = off"))
        plan = connection.scalars(text(f"explain select id from packaging_outcomes where {condition}"))  # noqa: S608
        assert f"ix_packaging_outcomes_{index}" in "\n".join(plan)
