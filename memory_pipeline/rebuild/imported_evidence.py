"""Evidence from elsewhere: kept by source, and added to one's own where patterns are searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.evidence import Evidence
from memory_pipeline.analysis.evidence.foreign import recode_foreign
from memory_pipeline.analysis.features.encoding import Encoding
from memory_pipeline.store.frames import IMPORTED_EVIDENCE

if TYPE_CHECKING:
    import pandas as pd

    from memory_pipeline.store.frames import FrameStore

_PREFIX = f"{IMPORTED_EVIDENCE}."


def imported_sources(frames: FrameStore) -> list[dict[str, Any]]:
    """Return what the newest import of each source says about itself, in the order of their ids."""
    return [frames.info(name) for name in frames.names(_PREFIX)]


def keep_imported(frames: FrameStore, rows: pd.DataFrame, about: dict[str, Any]) -> None:
    """Keep the rows of a source (`Evidence.to_rows`) and what it says about itself, replacing its former."""
    frames.write(_PREFIX + about["source"], rows, about)


def withdraw_imported(frames: FrameStore, source: str) -> None:
    """Remove what was imported from a source.

    Raises
    ------
    LookupError
        When nothing was imported from it.
    """
    known = [one["source"] for one in imported_sources(frames)]
    if source not in known:
        raise LookupError(
            f"nothing was imported from the source {source!r}; there is {', '.join(known) or 'none'}"
        )
    frames.remove(_PREFIX + source)


def with_imported(frames: FrameStore, own: Evidence, encoding: Encoding) -> Evidence:
    """Return one's own evidence with that of all imported sources; `own` itself where there is none.

    Raises
    ------
    ValueError
        When a source counted by another unit.
    """
    evidence = own
    for name in frames.names(_PREFIX):
        rows, about = frames.read(name)
        check_unit_of_source(about, own.unit)
        theirs = Evidence.from_rows(
            rows,
            conditions=about["conditions"],
            outcomes=about["outcomes"],
            unit=own.unit,
            period=own.period,
            max_conditions=own.max_conditions,
        )
        recoded = recode_foreign(
            theirs, Encoding.from_dict(about["encoding"]), encoding, source=about["source"]
        )
        evidence = evidence.merge(recoded)
    return evidence


def check_unit_of_source(about: dict[str, Any], unit: str | None) -> None:
    """Raise ValueError when a source counted by another unit than this memory: its repetition is another."""
    if about["unit"] != unit:
        raise ValueError(
            f"the evidence of source {about['source']} was counted by {about['unit']}, this memory counts by "
            f"{unit}: set MEMORY_UNIT to the same in both, or `memory-pipeline evidence withdraw "
            f"{about['source']}`"
        )
