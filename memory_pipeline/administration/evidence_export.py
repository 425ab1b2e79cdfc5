"""Write the counted evidence to a file for others: no names, no combination of values that few units have."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from memory_pipeline import __version__
from memory_pipeline.administration.evidence_manifest import (
    MANIFEST,
    ROWS,
    EvidenceManifest,
    Suppression,
)
from memory_pipeline.administration.new_files import new_zip
from memory_pipeline.analysis.evidence import Evidence
from memory_pipeline.analysis.evidence.suppression import (
    keep_conditions,
    suppress_rare_cells,
    suppress_rare_outcomes,
)
from memory_pipeline.analysis.features.encoding import ColumnCode, Encoding
from memory_pipeline.analysis.names import UNIT_COLUMN, YES
from memory_pipeline.rebuild.evidence import read_evidence
from memory_pipeline.store.frames import EVIDENCE_SECRET

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from memory_pipeline.store.frames import FrameStore
    from memory_pipeline.store.session import Session

LEAST_UNITS = 5
"""Units that a combination of values has at least, where nothing else is asked for."""
_SOURCE_DIGITS, _UNIT_DIGITS = 12, 16


def write_evidence(
    session: Session,
    path: Path,
    *,
    k: int = LEAST_UNITS,
    columns: Sequence[str] = (),
    with_names: bool = False,
) -> EvidenceManifest:
    """Write the evidence of the newest rebuild to a new file, readable by its owner alone.

    Parameters
    ----------
    session
        The memory.
    path
        The file.
    k
        Fewest units of each combination of values, of each failure reason and each kind of intervention.
    columns
        The recorded columns that are exported; none: all conditions.
    with_names
        Whether units are written by their names, not by pseudonyms.

    Raises
    ------
    FileExistsError
        When the file exists.
    FileNotFoundError
        When nothing was counted yet.
    KeyError
        When a column is not a condition of this memory.
    ValueError
        When `k` is below 1, or nothing is left with so large a `k`.
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1")
    evidence, encoding = read_evidence(session.frames)
    chosen = _chosen(encoding, columns)
    names = {one for name in chosen.codes for one in chosen.columns_of(name)}
    part = keep_conditions(evidence, names)
    suppressed = suppress_rare_cells(suppress_rare_outcomes(part, k), k)
    shown = suppressed.evidence
    if not len(shown):
        raise ValueError(
            f"nothing is left: this memory has fewer than {k} units; use a lower k, or wait for more attempts"
        )
    chosen = _without_suppressed(chosen, shown)
    names = {one for name in chosen.codes for one in chosen.columns_of(name)}
    shown = keep_conditions(shown, names)
    secret = _secret(session)
    rows = shown.to_rows()
    if not with_names:
        alias = {
            name: _alias(secret, f"unit {name}", _UNIT_DIGITS) for name in rows[UNIT_COLUMN].cat.categories
        }
        rows[UNIT_COLUMN] = rows[UNIT_COLUMN].cat.rename_categories(alias)
        # Rows are sorted by unit: in the order of the names, it would tell something about them.
        rows = Evidence.from_rows(rows, **_shape(shown)).to_rows()
    content = BytesIO()
    rows.to_parquet(content, index=False, compression="zstd")
    months = shown.codes(str(shown.period))[1]
    manifest = EvidenceManifest(
        format=1,
        version=__version__,
        source=source_id(secret),
        made_at=datetime.now(tz=UTC),
        k=k,
        unit=str(shown.unit),
        has_names=with_names,
        conditions=list(shown.conditions),
        outcomes=list(shown.outcomes),
        encoding=chosen.to_dict(),
        months=(months[0], months[-1]),
        rows=len(rows),
        attempts=int(shown.n.sum()),
        units=rows[UNIT_COLUMN].nunique(),
        suppressed=Suppression(
            **{key: value for key, value in vars(suppressed).items() if key != "evidence"}
        ),
        sha256=hashlib.sha256(content.getvalue()).hexdigest(),
    )
    with new_zip(path, compresses=True) as archive:
        archive.writestr(ROWS, content.getvalue())
        archive.writestr(MANIFEST, manifest.model_dump_json(indent=1))
    return manifest


def own_source(frames: FrameStore) -> str | None:
    """Return the id under which this memory exports; None where it never did."""
    try:
        return source_id(frames.read_json(EVIDENCE_SECRET)["secret"])
    except FileNotFoundError:
        return None


def source_id(secret: str) -> str:
    """Return the id of the memory that has a secret."""
    return _alias(secret, "source", _SOURCE_DIGITS)


def _secret(session: Session) -> str:
    """Return the secret of this memory, from which names cannot be guessed; it is made once."""
    if own_source(session.frames) is None:
        with session.store.rebuild_lock():
            session.frames.write_json(EVIDENCE_SECRET, {"secret": secrets.token_hex(32)})
    return str(session.frames.read_json(EVIDENCE_SECRET)["secret"])


def _alias(secret: str, name: str, digits: int) -> str:
    return hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest()[:digits]


def _shape(evidence: Evidence) -> dict[str, Any]:
    keys = ("conditions", "outcomes", "unit", "period", "max_conditions")
    return {key: getattr(evidence, key) for key in keys}


def _chosen(encoding: Encoding, columns: Sequence[str]) -> Encoding:
    unknown = sorted(set(columns) - set(encoding.codes))
    if unknown:
        raise KeyError(
            f"{', '.join(unknown)}: not a condition of this memory; use some of "
            f"{', '.join(sorted(encoding.codes))}"
        )
    return encoding.part([name for name in encoding.codes if not columns or name in columns])


def _without_suppressed(encoding: Encoding, evidence: Evidence) -> Encoding:
    """Return the encoding without the values that no row has any more: their names are suppressed too."""
    codes: dict[str, ColumnCode] = {}
    for name, code in encoding.codes.items():
        if code.kind == "bins":
            codes[name] = code
            continue
        if code.kind == "categories":
            there = evidence.columns[name].levels
            codes[name] = replace(code, levels=tuple(one for one in code.levels if one in there))
            continue
        pairs = zip(code.levels, code.columns_for(name), strict=True)
        left = [(level, column) for level, column in pairs if YES in evidence.columns[column].levels]
        if left:
            levels, kept = zip(*left, strict=True)
            codes[name] = ColumnCode("elements", levels, (), kept)
    return Encoding(codes)
