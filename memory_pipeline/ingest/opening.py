"""Open a file of records by its format, as a mapping says, and read them with its columns checked."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.errors import IngestError, MappingError
from memory_pipeline.ingest.file_formats import check_file, format_of
from memory_pipeline.ingest.log_files import open_log
from memory_pipeline.ingest.lookups import join
from memory_pipeline.ingest.mapping import OWN_FIELDS
from memory_pipeline.ingest.readers import open_by_format
from memory_pipeline.ingest.record_keys import names_of
from memory_pipeline.ingest.record_paths import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from memory_pipeline.ingest.file_formats import RecordFile
    from memory_pipeline.ingest.lookups import Lookup
    from memory_pipeline.ingest.mapping import Mapping
    from memory_pipeline.ingest.record_keys import Translator


def open_records(
    path: Path,
    kind: str,
    mapping: Mapping | None,
    translator: Translator,
    file_format: str | None = None,
) -> AbstractContextManager[RecordFile]:
    """Open a file of records.

    Parameters
    ----------
    path
        The file; of a rotated log also a folder or a pattern of names.
    kind
        `outcomes` or `members`.
    mapping
        What its columns mean; None for the fields of the kind.
    translator
        Made of the mapping: which columns it expects, and how a CSV file is written.
    file_format
        One of `file_formats.FORMATS`; None for that of the name.

    Raises
    ------
    IngestError
        When it is not there, or its format is unknown; also on entering, when it cannot be read.
    """
    if mapping is not None and mapping.log is not None and file_format in {None, "log"}:
        if mapping.file_name is not None and not path.is_file():
            raise IngestError(
                f"{path} is more than one file, and the mapping reads the name of each (`file_name`); ingest "
                "them one by one"
            )
        form_of_log = mapping.log.form()
        # A log may hold nothing yet but the beginning of a record.
        translator.seen.update(dict.fromkeys(form_of_log.columns))
        return open_log(path, form_of_log)
    check_file(path)
    form = format_of(path, file_format)
    places = () if mapping is None else tuple(rule.place() for rule in mapping.records)
    columns = OWN_FIELDS[kind] if mapping is None else frozenset(mapping.columns_read)
    by = () if mapping is None else tuple(one.by for one in mapping.lookups.values())
    reading = Reading(places, columns | frozenset(by))
    return open_by_format(path, form, reading, translator.csv_form, translator.expected)


def columns_of_name(name: str, mapping: Mapping | None) -> dict[str, str]:
    """Return what the name of a file says, by the column that it fills.

    Raises
    ------
    IngestError
        When the mapping reads the file's name and it does not fit.
    """
    if mapping is None or mapping.file_name is None:
        return {}
    import pyarrow as pa  # noqa: PLC0415 - few mappings read a file's name
    import pyarrow.compute as pc  # noqa: PLC0415

    found = pc.extract_regex(pa.array([name]), mapping.file_name)[0].as_py()
    if found is None:
        raise IngestError(
            f"the name {name!r} does not fit {mapping.file_name!r}, from which "
            f"{names_of(mapping.columns_of_name)} is read (`file_name` in the mapping); rename the file, or "
            "correct the pattern"
        )
    return {column: value for column, value in found.items() if value}


def given_columns(given: dict[str, str], kind: str, mapping: Mapping | None) -> dict[str, str]:
    """Return values that the caller gives for a whole file by the column that each stands in for.

    Parameters
    ----------
    given
        Values by the name of a column that the mapping reads, or of an outcome field that it fills from one.

    Raises
    ------
    MappingError
        When nothing reads such a column; the message lists those that are read.
    """
    columns = sorted(OWN_FIELDS[kind]) if mapping is None else mapping.columns_read
    found = {}
    for key, value in given.items():
        column = key if key in columns or mapping is None else mapping.renames.get(key, key)
        if column not in columns:
            near = get_close_matches(key, columns, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise MappingError(
                f"nothing reads {key!r}, which was given; {hint}these are read: {names_of(columns)}"
            )
        found[column] = value
    return found


def records_of(
    file: RecordFile,
    translator: Translator,
    name: str,
    given: dict[str, str] | None = None,
    lookups: tuple[Lookup, ...] = (),
) -> Iterator[Any]:
    """Yield the records of a file, and compare its columns with those that the translator needs.

    Parameters
    ----------
    given
        Values for columns that a record does not have, or has empty; see `given_columns`.
    lookups
        Second files from which such columns are filled after that.

    Raises
    ------
    IngestError
        When a needed column is missing, or there are no records.
    """
    given = given or {}
    wanted = None
    if file.columns is not None:
        filled = [
            *given,
            *translator.derived_columns,
            *(one for each in lookups for one in each.rule.columns),
        ]
        columns = tuple(dict.fromkeys((*file.columns, *filled)))
        checked = {*translator.check_columns(columns), *(one.by for one in lookups)}
        wanted = tuple(one for one in file.columns if one in checked)
    records = file.read(wanted)
    if given:
        records = _with_given(records, given)
    records = translator.derive(records)
    if lookups:
        records = join(records, lookups)
    is_empty = True
    for record in records:
        is_empty = False
        yield record
    if is_empty:
        raise IngestError(f"{name} holds no records; check what was exported")
    file.notes.extend(note for lookup in lookups for note in lookup.notes())
    if file.columns is None:
        translator.check_seen_columns()


def _with_given(records: Iterator[Any], given: dict[str, str]) -> Iterator[Any]:
    for record in records:
        if isinstance(record, dict):
            yield {**record, **{key: value for key, value in given.items() if record.get(key) is None}}
        else:
            yield record
