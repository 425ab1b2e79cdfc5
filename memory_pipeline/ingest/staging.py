"""Translate and check records, and write each to the staging table as accepted or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.canonical_json import content_record_id, encode_normal, encode_raw, record_id_of
from memory_pipeline.ingest.errors import RecordRefusedError, refuse
from memory_pipeline.ingest.field_rules import name_of
from memory_pipeline.ingest.known_parts import SKIPPED, Translated, known_parts, own_id
from memory_pipeline.ingest.member_contract import normal_member
from memory_pipeline.ingest.outcome_contract import latest_time, normal_outcome
from memory_pipeline.ingest.report import MAX_PROBLEMS, IngestProgress, Problem, ProgressCallback
from memory_pipeline.store.bulk_writes import accepted_line, refused_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memory_pipeline.ingest.canonical_json import Encoded
    from memory_pipeline.ingest.known_parts import KnownParts
    from memory_pipeline.ingest.record_keys import Translator

UNNAMED_SOURCE = "unspecified"
"""Source of records for which neither they, the caller nor the mapping names one."""

QUARANTINE_KEY = "_quarantine"
"""Key of a record that was exported from quarantine; its `id` says which one it corrects."""

_COMPARED_NAMES = ("application_name", "application_vendor")
_MAX_LEFT_OUT = 20
_LINES_AT_ONCE = 500
_ROWS_PER_PROGRESS = 5_000
_MAX_SOURCE = 100


@dataclass
class Job:
    """State of one ingest: what is read and how, and the counts so far."""

    kind: str
    file_name: str
    translator: Translator
    source: str | None
    progress: ProgressCallback | None = None
    share: Callable[[], float | None] = lambda: None
    keeps_stored: bool = False
    lists_records: bool = False
    read: int = 0
    skipped: int = 0
    skipped_ids: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def report_progress(self, stage: Any) -> None:
        """Call the caller's progress function, if there is one."""
        if self.progress is not None:
            self.progress(IngestProgress(stage, self.read, self.share()))


def stage(job: Job, records: Iterator[Any], write: Callable[[str], None]) -> None:
    """Read every record, check it and write it to the staging table as accepted or refused."""
    check = contract_of(job.kind)
    parts = known_parts(job.translator)
    lines: list[str] = []
    for record in records:
        job.read += 1
        line = _staged(job, record, check, parts)
        if line is None:
            job.skipped += 1
        else:
            lines.append(line)
        if len(lines) >= _LINES_AT_ONCE:
            write("".join(lines))
            lines.clear()
        if job.read % _ROWS_PER_PROGRESS == 0:
            job.report_progress("reading")
    write("".join(lines))


def contract_of(kind: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the function that checks records of a kind and returns their normal form."""
    if kind == "members":
        return normal_member
    return partial(normal_outcome, latest=latest_time())


def _staged(
    job: Job, record: Any, check: Callable[[dict[str, Any]], dict[str, Any]], parts: KnownParts | None
) -> str | None:
    """Return the line of one record for the staging table, or None for one that is skipped."""
    origin: dict[str, Any] = {}
    job.translator.notes.begin(job.read)
    try:
        if type(record) is not dict:
            refuse("(record)", record, "the record is not an object; write fields and values in braces")
        if QUARANTINE_KEY in record:
            origin, record = _split_origin(record)
        found = None if parts is None or origin else parts.recall(record)
        if found is None:
            found = _translated(job, record, origin, check)
            if parts is not None and not origin and job.translator.notes.is_clean:
                parts.learn(record, found)
    except RecordRefusedError as refusal:
        return _refused(job, record, refusal, origin)
    if found.encoded is None:
        return None
    record_id = found.record_id
    is_content = record_id is None
    if record_id is None:
        record_id = content_record_id(found.encoded.hash, 1)
    return accepted_line(
        job.read,
        source=found.source,
        record_id=record_id,
        record=(record_id_of(found.source, record_id), found.encoded.hash, found.encoded.json),
        is_content=is_content,
        quarantine_id=origin.get("id"),
    )


def _translated(
    job: Job,
    record: dict[str, Any],
    origin: dict[str, Any],
    check: Callable[[dict[str, Any]], dict[str, Any]],
) -> Translated:
    """Translate and check a record."""
    own = job.translator.translate(record)
    if own is None:
        if origin.get("id") is not None:
            job.skipped_ids.append(origin["id"])
        return SKIPPED
    source = _source(job, own, origin)
    record_id = own_id(own.get("source_record_id"))
    _, encoded = checked(job.translator, own, check)
    job.translator.notes.keep(own.get("outcome_status"))
    return Translated(source, record_id, encoded)


def checked(
    translator: Translator, own: dict[str, Any], check: Callable[[dict[str, Any]], dict[str, Any]]
) -> tuple[dict[str, Any], Encoded]:
    """Return the normal form of a translated record, and its encoding.

    Of a record that a mapping translated, only what breaks the contract is left out; see
    `Translator.leave_out`.

    Raises
    ------
    RecordRefusedError
        When the record cannot be stored.
    """
    for _ in range(_MAX_LEFT_OUT):
        try:
            return _encoded(translator, check(own))
        except RecordRefusedError as refusal:
            rest = translator.leave_out(own, refusal)
            if rest is None:
                raise
            own = rest
    return _encoded(translator, check(own))


def _encoded(translator: Translator, normal: dict[str, Any]) -> tuple[dict[str, Any], Encoded]:
    encoded = encode_normal(normal)
    for name in _COMPARED_NAMES:
        if name in normal:
            translator.notes.name(name, normal[name])
    return normal, encoded


def _refused(job: Job, record: Any, refusal: RecordRefusedError, origin: dict[str, Any]) -> str:
    problem = Problem(job.read, refusal.field, refusal.value, refusal.reason)
    if len(job.problems) < MAX_PROBLEMS:
        job.problems.append(problem)
    kept = job.translator.quarantine_copy(record) if isinstance(record, dict) else {"(record)": record}
    source = origin.get("source") or job.source
    if source is not None:
        # A later retry needs the source, which is not in the record.
        kept[QUARANTINE_KEY] = {"source": source}
    encoded = encode_raw(kept, job.kind)
    return refused_line(
        job.read,
        record=(encoded.hash, encoded.json),
        problem=(problem.field, problem.value, problem.reason),
        quarantine_id=origin.get("id"),
    )


def _split_origin(record: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a record exported from quarantine into its note (`id`, `source`) and the record itself."""
    note = record[QUARANTINE_KEY]
    rest = {key: value for key, value in record.items() if key != QUARANTINE_KEY}
    if not isinstance(note, dict) or not isinstance(note.get("id"), int | None):
        refuse(
            QUARANTINE_KEY, note, f"{QUARANTINE_KEY} was changed after the export; remove it, or export again"
        )
    return {"id": note.get("id"), "source": note.get("source")}, rest


def _source(job: Job, own: dict[str, Any], origin: dict[str, Any]) -> str:
    given = own.get("source") or origin.get("source") or job.source or job.translator.source
    return name_of("source", given, limit=_MAX_SOURCE) or UNNAMED_SOURCE


def occurrence_identity(source: str, content_hash: str, occurrence: int) -> tuple[str, str]:
    """Return the (record id, id) of one of several identical records without an id in their source."""
    record_id = content_record_id(content_hash, occurrence)
    return record_id, record_id_of(source, record_id)
