"""List refused records, export them for correction, and try them again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, update

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
    store: Store, chosen: QuarantineFilter = EVERYTHING, *, limit: int | None = None, after: int = 0
) -> list[dict[str, Any]]:
    """Return the records that wait in quarantine, the oldest first.

    Parameters
    ----------
    chosen
        Which records.
    limit
        Most records.
    after
        Only records with a larger id, to page on.

    Returns
    -------
    list of dict
        id, kind, mapping_name, file_name, row_number, field, value, reason, ingest_id, created_at, record.
    """
    columns = (*_NOTE_COLUMNS, Kept.ingest_id, Kept.created_at, Kept.record)
    with store.transaction() as connection:
        rows = connection.execute(chosen.select(columns).where(Kept.id > after).limit(limit))
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
        chosen = replace(chosen, kind=given.kind)
    with store.transaction() as connection:
        groups = quarantined_groups(connection, chosen)
    plans: list[tuple[QuarantineFilter, str, Mapping | None]]
    if given is not None:
        plans = [(chosen, given.kind, given)] if groups else []
    else:
        plans = [
            (
                replace(chosen, kind=kind, mapping_name=name),
                kind,
                None if name == OWN_FORMAT else load_mapping(name),
            )
            for kind, name, _ in groups
        ]
    return [_retry(store, part, kind, its_mapping, progress) for part, kind, its_mapping in plans]


def correct_quarantined(
    store: Store, identity: int, record: dict[str, Any], *, mapping: str | Mapping | None = None
) -> IngestReport:
    """Store the corrected form of a record that waits in quarantine; it leaves quarantine when it passes.

    Parameters
    ----------
    identity
        Id of the record in quarantine.
    record
        The whole corrected record.
    mapping
        The mapping to read it with; None: it is in the project's own form.

    Returns
    -------
    IngestReport
        With what became of the record. One that is refused again waits in its corrected form.

    Raises
    ------
    KeyError
        When no record with this id waits.
    """
    with store.transaction() as connection:
        row = connection.execute(QuarantineFilter(id=identity).select((*_NOTE_COLUMNS, Kept.record))).first()
    if row is None:
        raise KeyError(f"no record with the id {identity} waits in quarantine")
    note = _with_note(row)[QUARANTINE_KEY]
    return load_and_store(
        store,
        row.kind,
        [{QUARANTINE_KEY: note, **{key: one for key, one in record.items() if key != QUARANTINE_KEY}}],
        mapping=load_mapping(mapping) if isinstance(mapping, str) else mapping,
        name="quarantine",
        lists_records=True,
    )


def dismiss_quarantined(store: Store, identity: int) -> None:
    """Take a record out of quarantine without storing it; if it arrives again, it waits again.

    Raises
    ------
    KeyError
        When no record with this id waits.
    """
    with store.transaction() as connection:
        found = connection.scalar(
            update(Kept)
            .where(Kept.id == identity, Kept.resolved_at.is_(None))
            .values(resolved_at=func.now())
            .returning(Kept.id)
        )
    if found is None:
        raise KeyError(f"no record with the id {identity} waits in quarantine")


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
