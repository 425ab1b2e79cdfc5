"""The progress and the report of an ingest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

MAX_PROBLEMS = 20
"""Refused records that a report describes; quarantine has them all."""

MAX_NOTES = 50
"""Notes of a report on what was found out, left out or repaired."""

MAX_STORED_IDS = 1_000
"""Ingests of up to this many records report the id of each."""


@dataclass(frozen=True)
class IngestProgress:
    """How far an ingest has come.

    Parameters
    ----------
    stage
        `reading` while records are read, checked and staged; `storing` while they move to their table.
    rows
        Records read so far.
    share
        Part of the file that was read, 0 to 1; None where that is unknown.
    """

    stage: Literal["reading", "storing"]
    rows: int
    share: float | None


ProgressCallback = Callable[[IngestProgress], None]


@dataclass(frozen=True)
class Problem:
    """One refused record: where it was, what is wrong with it, and how to correct it."""

    row_number: int
    field: str
    value: str | None
    reason: str


@dataclass(frozen=True)
class RecordResult:
    """What became of one record.

    Parameters
    ----------
    row_number
        Its place among the records, from 1.
    status
        `stored`, `changed`, `unchanged` or `quarantined`.
    id
        Of the stored record; None where it was refused.
    quarantine_id
        Under which it waits in quarantine, where it was refused.
    problem
        What is wrong with it, where it was refused.
    """

    row_number: int
    status: Literal["stored", "changed", "unchanged", "quarantined"]
    id: str | None
    quarantine_id: int | None = None
    problem: Problem | None = None


@dataclass(frozen=True)
class IngestReport:
    """Counts of the records of one ingest by what became of them.

    `read = new + changed + unchanged + quarantined + skipped`.

    Parameters
    ----------
    ingest_id
        Key of the ingest in the table `ingests`.
    kind
        `outcomes` or `members`.
    file_name
        Name of the file, or what the caller named the records.
    mapping_name
        The mapping that read them.
    read, new, changed, unchanged, quarantined
        Numbers of records.
    skipped
        Records that the mapping leaves out, since they are not attempts.
    already_quarantined
        Those of `quarantined` that were in quarantine before.
    problems
        The first `MAX_PROBLEMS` refused records.
    stored_ids
        Ids of the accepted records in their order; empty for more than `MAX_STORED_IDS` records.
    records
        What became of each record that was not skipped, where the caller asked for it.
    notes
        What was found out about the file, left out or repaired: sentences for a person.
    """

    ingest_id: str
    kind: str
    file_name: str
    mapping_name: str
    read: int
    new: int
    changed: int
    unchanged: int
    quarantined: int
    skipped: int
    already_quarantined: int
    problems: tuple[Problem, ...]
    stored_ids: tuple[str, ...] = ()
    records: tuple[RecordResult, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_all_refused(self) -> bool:
        """Whether there were records to store and every one of them was refused."""
        return self.quarantined > 0 and self.quarantined == self.read - self.skipped

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able values, without what became of single records."""
        return {name: value for name, value in asdict(self).items() if name != "records"}
