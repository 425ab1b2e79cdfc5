"""List refused records, export them for correction, and try them again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.load import load_and_store
from memory_pipeline.ingest.mapping import OWN_FORMAT, load_mapping
from memory_pipeline.ingest.staging import QUARANTINE_KEY
from memory_pipeline.store.bulk_writes import QuarantineFilter, quarantined_groups, read_quarantined
from memory_pipeline.store.models import QuarantinedRecord as Kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memory_pipeline.ingest.mapping import Mapping
    from memory_pipeline.ingest.report import IngestReport, ProgressCallback
    from memory_pipeline.store import Store

EVERYTHING = QuarantineFilter()
_NOTE_COLUMNS = (
    Kept.id,
    Kept.kind,
    Kept.mapping_name,
    Kept.file_name,
    Kept.row_number,
    Kept.field,
    Kept.value,
    Kept.reason,
)


def count_quarantined(store: Store, chosen: QuarantineFilter = EVERYTHING) -> int:
    """Count the records that wait in quarantine."""
    with store.transaction() as connection:
        return sum(count for _, _, count in quarantined_groups(connection, chosen))


def list_quarantined(
    store: Store, chosen: QuarantineFilter = EVERYTHING, *, limit: int | None = None
) -> list[dict[str, Any]]:
    """Return the records that wait in quarantine, the oldest first.

    Returns
    -------
    list of dict
        id, kind, mapping_name, file_name, row_number, field, value, reason, ingest_id, created_at, record.
    """
    columns = (*_NOTE_COLUMNS, Kept.ingest_id, Kept.created_at, Kept.record)
    with store.transaction() as connection:
        rows = connection.execute(chosen.select(columns).limit(limit))
        return [dict(row) for row in rows.mappings()]


def export_quarantined(store: Store, path: str | Path, chosen: QuarantineFilter = EVERYTHING) -> int:
    """Write records that wait in quarantine as JSON Lines, for a person to correct and ingest.

    Each has a note under `_quarantine` with what is wrong; when the corrected record is ingested, the note
    takes the old one out of quarantine.

    Returns
    -------
    int
        Number of records written.

    Raises
    ------
    IngestError
        When there are none, the file is there already, or they need different mappings.
    """
    path = Path(path)
    if path.exists():
        raise IngestError(f"{path} exists already, perhaps with corrected records; choose another name")
    if not path.absolute().parent.is_dir():
        raise IngestError(f"the folder {path.absolute().parent} does not exist; make it, or choose another")
    with store.transaction() as connection:
        groups = quarantined_groups(connection, chosen)
        if not groups:
            raise IngestError("no record in quarantine matches; see `quarantine list`")
        if len(groups) > 1:
            found = ", ".join(f"{kind} by {mapping} ({count:,})" for kind, mapping, count in groups)
            raise IngestError(
                f"the records are of several kinds or mappings: {found}; export them one by one, with "
                "--kind and --mapping"
            )
        temporary = path.with_name(f".{path.name}.part")
        try:
            with temporary.open("w", encoding="utf-8") as file:
                for row in read_quarantined(connection, chosen, (*_NOTE_COLUMNS, Kept.record)):
                    file.write(json.dumps(_with_note(row), ensure_ascii=False) + "\n")
            temporary.rename(path)
        finally:
            temporary.unlink(missing_ok=True)
    return groups[0][2]


def retry_quarantined(
    store: Store,
    chosen: QuarantineFilter = EVERYTHING,
    *,
    mapping: str | Path | Mapping | None = None,
    progress: ProgressCallback | None = None,
) -> list[IngestReport]:
    """Try records that wait in quarantine again, after a mapping or a rule was corrected.

    Those that pass now are stored and leave quarantine; a record that was stored under the same id
    since is never overwritten.

    Parameters
    ----------
    chosen
        Which records.
    mapping
        The mapping to read them with; None: for each the one that it was read with before.

    Returns
    -------
    list of IngestReport
        One for each kind and mapping; empty where nothing waits.

    Raises
    ------
    IngestError
        When a mapping cannot be used; then no record was tried.
    """
    given = load_mapping(mapping) if isinstance(mapping, str | Path) else mapping
    if given is not None:
        chosen = QuarantineFilter(given.kind, chosen.file_name, chosen.ingest_id, chosen.mapping_name)
    with store.transaction() as connection:
        groups = quarantined_groups(connection, chosen)
    plans: list[tuple[QuarantineFilter, str, Mapping | None]]
    if given is not None:
        plans = [(chosen, given.kind, given)] if groups else []
    else:
        plans = [
            (
                QuarantineFilter(kind, chosen.file_name, chosen.ingest_id, name),
                kind,
                None if name == OWN_FORMAT else load_mapping(name),
            )
            for kind, name, _ in groups
        ]
    return [_retry(store, part, kind, its_mapping, progress) for part, kind, its_mapping in plans]


def _retry(
    store: Store,
    chosen: QuarantineFilter,
    kind: str,
    mapping: Mapping | None,
    progress: ProgressCallback | None,
) -> IngestReport:
    return load_and_store(
        store,
        kind,
        _waiting_records(store, chosen),
        mapping=mapping,
        name="quarantine",
        progress=progress,
        keeps_stored=True,
    )


def _waiting_records(store: Store, chosen: QuarantineFilter) -> Iterator[dict[str, Any]]:
    with store.transaction() as connection:
        for row in read_quarantined(connection, chosen, (*_NOTE_COLUMNS, Kept.record)):
            yield _with_note(row)


def _with_note(row: Any) -> dict[str, Any]:
    """Return a refused record with a note in front: what is wrong with it, and where it came from."""
    note = {column.key: getattr(row, column.key) for column in _NOTE_COLUMNS}
    note["source"] = (row.record.get(QUARANTINE_KEY) or {}).get("source")
    return {QUARANTINE_KEY: note, **{k: v for k, v in row.record.items() if k != QUARANTINE_KEY}}
