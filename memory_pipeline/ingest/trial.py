"""Try a mapping on a file: read and check its records as an ingest does, and store nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.errors import RecordRefusedError, refuse
from memory_pipeline.ingest.lookups import open_lookups
from memory_pipeline.ingest.mapped_records import build_translator
from memory_pipeline.ingest.mapping import load_mapping
from memory_pipeline.ingest.opening import columns_of_name, given_columns, open_records, records_of
from memory_pipeline.ingest.report import MAX_PROBLEMS, Problem
from memory_pipeline.ingest.staging import checked, contract_of

if TYPE_CHECKING:
    from memory_pipeline.ingest.mapping import Mapping

MAX_DISTINCT = 30
"""Distinct values of a column that a trial keeps."""

_MAX_SHOWN_VALUE = 80


@dataclass
class Trial:
    """What an ingest of a file would do.

    Parameters
    ----------
    read, accepted, skipped
        Counts of records.
    records
        The first accepted ones, as they would be stored.
    problems
        The first refused ones.
    refusals
        Refused records by (field, reason).
    values
        For each column that the mapping reads, its values and their counts, at most `MAX_DISTINCT`.
    notes
        What was found out or left out while the file was read.
    """

    read: int = 0
    accepted: int = 0
    skipped: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    values: dict[str, Counter[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the trial as JSON types."""
        return {
            "read": self.read,
            "accepted": self.accepted,
            "skipped": self.skipped,
            "refused": self.refused,
            "records": self.records,
            "problems": [asdict(one) for one in self.problems],
            "refusals": [
                {"field": name, "reason": reason, "count": count}
                for (name, reason), count in self.refusals.most_common()
            ],
            "values": {column: dict(counts.most_common()) for column, counts in self.values.items()},
            "notes": self.notes,
        }

    @property
    def refused(self) -> int:
        """Number of refused records."""
        return sum(self.refusals.values())


def try_mapping(
    path: str | Path,
    mapping: str | Path | Mapping | None,
    *,
    kind: str = "outcomes",
    file_format: str | None = None,
    shown: int = 5,
    given: dict[str, str] | None = None,
    lookups: dict[str, str] | None = None,
) -> Trial:
    """Read a file through a mapping, and store nothing.

    Parameters
    ----------
    mapping
        As for `ingest_file`.
    kind
        `outcomes` or `members`, where there is no mapping that says it.
    shown
        Accepted records to keep.
    given, lookups
        As for `ingest_file`.

    Raises
    ------
    IngestError
        When the file or the mapping cannot be used as a whole.
    """
    path = Path(path)
    chosen = load_mapping(mapping) if isinstance(mapping, str | Path) else mapping
    kind = kind if chosen is None else chosen.kind
    translator = build_translator(kind, chosen)
    values = columns_of_name(path.name, chosen) | given_columns(given or {}, kind, chosen)
    check = contract_of(kind)
    trial = Trial(values={column: Counter() for column in (chosen.columns_read if chosen else ())})
    with open_records(path, kind, chosen, translator, file_format) as file:
        for record in records_of(file, translator, path.name, values, open_lookups(chosen, lookups)):
            trial.read += 1
            translator.notes.begin(trial.read)
            try:
                if not isinstance(record, dict):
                    refuse(
                        "(record)", record, "the record is not an object; write fields and values in braces"
                    )
                _count_values(trial, translator.quarantine_copy(record))
                own = translator.translate(record)
                normal = None if own is None else checked(translator, own, check)[0]
            except RecordRefusedError as refusal:
                trial.refusals[refusal.field, refusal.reason] += 1
                if len(trial.problems) < MAX_PROBLEMS:
                    trial.problems.append(Problem(trial.read, refusal.field, refusal.value, refusal.reason))
                continue
            if normal is None or own is None:
                trial.skipped += 1
                continue
            translator.notes.keep(normal.get("outcome_status"))
            trial.accepted += 1
            if len(trial.records) < shown:
                trial.records.append({"source_record_id": own.get("source_record_id"), **normal})
        trial.notes.extend((*file.notes, *translator.notes.sentences()))
    return trial


def _count_values(trial: Trial, record: dict[str, Any]) -> None:
    for column, counts in trial.values.items():
        value = record.get(column)
        if value is not None:
            text = str(value)[:_MAX_SHOWN_VALUE]
            if text in counts or len(counts) < MAX_DISTINCT:
                counts[text] += 1
