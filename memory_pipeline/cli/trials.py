"""Show what an ingest of a file would do, as text for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memory_pipeline.ingest.trial import Trial

_SHOWN_VALUES = 8
_SHOWN_REFUSALS = 10


def trial_lines(trial: Trial) -> list[str]:
    """Return what `mapping check` shows of a trial."""
    stored = f"{trial.accepted:,} would be stored, {trial.skipped:,} skipped, {trial.refused:,} refused"
    lines = [f"read {trial.read:,} records: {stored}"]
    for number, record in enumerate(trial.records, start=1):
        lines.append(f"Record {number}")
        lines += [
            f"  {field}: {_shown(value)}" for field, value in record.items() if value not in (None, {}, [])
        ]
    if trial.refusals:
        lines.append("Refused")
        for (field, reason), count in trial.refusals.most_common(_SHOWN_REFUSALS):
            lines.append(f"  {count:,} times {field}: {reason}")
    lines.append("Values of the columns")
    for column, counts in trial.values.items():
        common = ", ".join(f"{value} ({count:,})" for value, count in counts.most_common(_SHOWN_VALUES))
        more = f" and {len(counts) - _SHOWN_VALUES} more" if len(counts) > _SHOWN_VALUES else ""
        lines.append(f"  {column}: {common or 'always empty'}{more}")
    if trial.notes:
        lines += ["Notes", *(f"  {note}" for note in trial.notes)]
    return lines


def _shown(value: Any) -> str:
    return ", ".join(f"{key}={one}" for key, one in value.items()) if isinstance(value, dict) else str(value)
