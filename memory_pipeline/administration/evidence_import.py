"""Read a file of evidence that another memory wrote: checked whole, then kept under the id of its source."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api.types import is_integer_dtype
from pydantic import ValidationError

from memory_pipeline.administration.evidence_export import own_source
from memory_pipeline.administration.evidence_manifest import (
    FORMAT,
    MANIFEST,
    ROWS,
    EvidenceManifest,
    is_period,
)
from memory_pipeline.administration.new_files import check_there
from memory_pipeline.analysis.names import (
    CONDITION_PREFIX,
    COUNT_PREFIX,
    INTERNAL,
    PERIOD_COLUMN,
    UNIT_COLUMN,
)
from memory_pipeline.rebuild.imported_evidence import (
    check_unit_of_source,
    imported_sources,
    keep_imported,
    withdraw_imported,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from memory_pipeline.store.session import Session

_LARGEST = 1 << 30
"""Bytes that a member of the file may have once it is unpacked."""


def read_evidence_file(path: Path) -> tuple[EvidenceManifest, pd.DataFrame]:
    """Read a file of evidence and check all of it.

    Returns
    -------
    manifest, rows
        What it says about itself, and the collapsed rows as `Evidence.to_rows` gives them.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is damaged or of another version; the message says what and where.
    """
    check_there(path)
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(path, _member(path, archive, MANIFEST))
            content = _member(path, archive, ROWS)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path} is damaged or not a file of evidence ({error}); get it again") from error
    if hashlib.sha256(content).hexdigest() != manifest.sha256:
        raise ValueError(f"{path}: {ROWS} is not what {MANIFEST} says (its SHA-256 differs); get it again")
    try:
        rows = pq.read_table(io.BytesIO(content)).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path}: {ROWS} cannot be read ({error}); get it again") from error
    problem = _problem(manifest, rows)
    if problem:
        raise ValueError(f"{path}: {ROWS}: {problem}; nothing was imported, get another export")
    return manifest, rows


def import_evidence(session: Session, path: Path) -> EvidenceManifest:
    """Keep the evidence in a file under its source, in the place of what that source gave before.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is damaged, of this memory itself, counted by another unit, or older than what is there.
    RebuildInProgressError
        When a rebuild is going on.
    """
    manifest, rows = read_evidence_file(path)
    about = json.loads(manifest.model_dump_json())
    if manifest.source == own_source(session.frames):
        raise ValueError(f"{path} was exported by this memory: its attempts would count twice")
    check_unit_of_source(about, session.settings.unit)
    with session.store.rebuild_lock():
        for one in list_evidence(session):
            if one.source == manifest.source and one.made_at > manifest.made_at:
                raise ValueError(
                    f"{path} was made at {manifest.made_at:%Y-%m-%d %H:%M}, and a newer one of source "
                    f"{one.source}, of {one.made_at:%Y-%m-%d %H:%M}, is imported; to go back, "
                    "withdraw that first"
                )
        keep_imported(session.frames, rows, about)
    return manifest


def list_evidence(session: Session) -> list[EvidenceManifest]:
    """Return what is imported, by source."""
    return [EvidenceManifest.model_validate(one) for one in imported_sources(session.frames)]


def withdraw_evidence(session: Session, source: str) -> None:
    """Remove what was imported from a source; the next rebuild finds what it would have without it.

    Raises
    ------
    LookupError
        When nothing was imported from it.
    RebuildInProgressError
        When a rebuild is going on.
    """
    with session.store.rebuild_lock():
        withdraw_imported(session.frames, source)


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        size = archive.getinfo(name).file_size
    except KeyError as error:
        raise ValueError(f"{path} has no {name}: it is not a file of evidence") from error
    if size > _LARGEST:
        raise ValueError(f"{path}: {name} has {size:,} bytes, more than the {_LARGEST:,} that are read")
    return archive.read(name)


def _manifest(path: Path, content: bytes) -> EvidenceManifest:
    try:
        values = json.loads(content)
        if isinstance(values, dict) and values.get("format", FORMAT) != FORMAT:
            raise ValueError(
                f"{path} has format {values['format']}, this version reads {FORMAT}; use the same version of "
                "memory-pipeline in both places"
            )
        return EvidenceManifest.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        raise ValueError(f"{path}: {MANIFEST}: {where}: {first['msg']}; get it again") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: {MANIFEST} is not JSON ({error}); get it again") from error


def _problem(manifest: EvidenceManifest, rows: pd.DataFrame) -> str:
    """Return what is wrong with the rows; empty where nothing is."""
    keys = [PERIOD_COLUMN, UNIT_COLUMN, *(CONDITION_PREFIX + one for one in manifest.conditions)]
    counts = [COUNT_PREFIX + one for one in manifest.outcomes]
    if sorted(rows.columns) != sorted([*keys, *counts]):
        odd = sorted(set(rows.columns) ^ {*keys, *counts})
        return f"the columns {', '.join(odd)} are in the rows or in the manifest alone"
    for name in keys:
        values = rows[name].unique()
        odd = [one for one in values if not isinstance(one, str) or INTERNAL in one]
        if name == PERIOD_COLUMN:
            odd = [one for one in values if not is_period(one)]
        if odd:
            return f"column {name} has the value {odd[0]!r}"
    for name in counts:
        if not is_integer_dtype(rows[name]) or rows[name].isna().any() or (rows[name] < 0).any():
            return f"column {name} is not a count in every row"
    figures = {
        "rows": len(rows),
        "attempts": int(rows[counts].to_numpy().sum()),
        "units": rows[UNIT_COLUMN].nunique(),
    }
    for name, found in figures.items():
        if found != getattr(manifest, name):
            return f"there are {found:,} {name}, and {MANIFEST} says {getattr(manifest, name):,}"
    return ""
