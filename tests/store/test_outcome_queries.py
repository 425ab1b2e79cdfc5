"""Outcomes are filtered without regard to case, and come in pages whichever way they are sought."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memory_pipeline.ingest import ingest_records
from memory_pipeline.store.outcome_queries import count_outcomes, read_outcomes

APPROACHES = [
    {"wrapper": "PSADT", "signed": True, "timeout": 30, "prerequisites": ["VCRedist", "dotnet"]},
    {"wrapper": "psadt", "signed": False, "timeout": 30.5, "prerequisites": []},
    {"wrapper": "none", "signed": "yes", "timeout": "30", "prerequisites": "vcredist"},
    {"wrapper": "psadt_4", "timeout": 300},
]


@pytest.fixture
def four(store):
    """Attempts 0 to 3, the newest last, the first two at the same time."""
    attempts = [
        {
            "source_record_id": str(number),
            "task_id": f"Task-{number}",
            "application_name": f"App {number % 2}",
            "application_type": "CAD" if number else None,
            "context": {"team": "Blue"} if number < 2 else {},
            "approach_details": approach,
            "outcome_status": "failure",
            "failure_reasons": [{"reason": "other"}, {"reason": "timeout"}] if number == 3 else [],
            "manual_interventions": [{"kind": "click"}] if number == 2 else [],
            "occurred_at": datetime(2026, 1, max(number, 1), tzinfo=UTC).isoformat(),
        }
        for number, approach in enumerate(APPROACHES)
    ]
    report = ingest_records(store, "outcomes", attempts, source="Test")
    assert report.new == 4, report.problems
    return store


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({"approach": {"wrapper": "psadt"}}, {0, 1}),
        ({"approach": {"wrapper": "psad_"}}, set()),
        ({"approach": {"prerequisites": "VCREDIST"}}, {0, 2}),
        ({"approach": {"timeout": "30"}}, {0, 2}),
        ({"approach": {"timeout": 30}}, {0}),
        ({"approach": {"timeout": "30.50"}}, {1}),
        ({"approach": {"timeout": "nan"}}, set()),
        ({"approach": {"signed": "YES"}}, {0, 2}),
        ({"approach": {"signed": "false"}}, {1}),
        ({"approach": {"signed": None}}, {3}),
        ({"approach": {"signed": True, "wrapper": "PSADT"}}, {0}),
        ({"context": {"team": "blue"}}, {0, 1}),
        ({"context": {"team": None}}, {2, 3}),
        ({"context": {"application_type": "cad"}}, {1, 2, 3}),
        ({"context": {"application_type": None}}, {0}),
        ({"application": "APP 1", "source": "TEST"}, {1, 3}),
        ({"task_id": "Task-2"}, {2}),
        ({"task_id": "task-2"}, set()),
        ({"failure_reason": "Timeout"}, {3}),
        ({"intervention": "CLICK"}, {2}),
        ({"intervention": "ANY"}, {2}),
    ],
)
def test_filters(four, filters, numbers):
    found = read_outcomes(four, **filters)
    assert set(found["source_record_id"]) == {str(one) for one in numbers}
    assert count_outcomes(four, **filters) == len(numbers)
    assert count_outcomes(four, at_most=2, **filters) == min(len(numbers), 2)


@pytest.mark.parametrize(
    "sort", ["occurred_at", "-occurred_at", "created_at", "-created_at", "application_name"]
)
@pytest.mark.parametrize("are_few", [True, False, None])
def test_pages_are_the_whole_in_order(four, sort, are_few):
    whole = read_outcomes(four, sort=sort)["id"].tolist()
    after, seen = None, []
    for _ in range(4):
        page = read_outcomes(four, sort=sort, after=after, limit=1, are_few=are_few)
        seen += page["id"].tolist()
        after = (page[sort.removeprefix("-")].iloc[0], page["id"].iloc[0])
    assert seen == whole
    assert read_outcomes(four, sort=sort, after=after, limit=1, are_few=are_few).empty


def test_an_unknown_order_is_named(store):
    with pytest.raises(ValueError, match="sort is 'size'; use one of occurred_at"):
        read_outcomes(store, sort="size")
