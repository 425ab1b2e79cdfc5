"""What the tests of the server share besides fixtures."""

from __future__ import annotations


def outcome(**changes):
    """Return a good outcome, with fields changed or (None) taken out."""
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
