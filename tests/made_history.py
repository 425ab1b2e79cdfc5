"""A small history with one strong effect, and a few members."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

START = datetime(2025, 1, 1, tzinfo=UTC)
APPLICATIONS = 40


def outcome_rows(count: int, *, first: int = 0, **fixed: Any) -> list[dict[str, Any]]:
    """Attempts of 40 applications over a year; the quiet switch makes 90 instead of 40 percent succeed."""
    random = np.random.default_rng(first + 1)
    rows = []
    for number in range(first, first + count):
        application = number % APPLICATIONS
        quiet = bool(random.random() < 0.5)
        ends_well = bool(random.random() < (0.9 if quiet else 0.4))
        row = {
            "id": f"attempt-{number}",
            "task_id": f"task-{number}",
            "application_name": f"application {application}",
            "application_version": "1.0",
            "application_vendor": f"vendor {application % 5}",
            "application_type": ("browser", "editor")[application % 2],
            "installer_type": ("msi", "exe", "msix")[application % 3],
            "context": {"size_class": ("small", "large")[application % 2]},
            "approach_details": {
                "is_quiet": quiet,
                "retries": number % 3,
                "transforms": ["eula"][: number % 2],
            },
            "outcome_status": "success" if ends_well else "failure",
            "success_factors": [],
            "failure_reasons": []
            if ends_well
            else [{"code": "1603", "reason": "fatal_error", "detail": None}],
            "manual_interventions": [] if number % 10 else [{"kind": "edited_script", "minutes": 5}],
            "performance_metrics": {},
            "feedback": {},
            "recommendation_id": None,
            "recommendation_followed": None,
            "occurred_at": START + timedelta(hours=9 * number),
            "source": "test",
            "source_record_id": f"{number}",
            "content_hash": f"{number}",
            "ingest_id": "test",
        }
        rows.append(row | fixed)
    return rows


def member_rows(count: int) -> list[dict[str, Any]]:
    """Members of whom every third knows both Python and pandas."""
    return [
        {
            "name": f"member {number}",
            "skills": [("Python", "python")[number % 2], "pandas"] if number % 3 == 0 else ["Excel"],
            "interests": ["hiking"] if number % 2 else ["chess"],
            "other_sets": {"tools": ["Git"]},
            "attributes": {},
            "profile_text": "something private",
            "source": "test",
            "source_record_id": f"{number}",
            "content_hash": f"{number}",
            "ingest_id": "test",
        }
        for number in range(count)
    ]
