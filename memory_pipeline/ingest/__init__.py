"""Read outcomes and members from files and records, check them, and store them.

A record passes these modules in order: `opening` (with `file_formats` and a reader for each) opens the file,
`mapped_records` translates a row as its `mapping` says, `outcome_contract` or `member_contract` checks it,
and `load` stores what passed. What was refused waits in `quarantine`; `commands` reads command lines.

Names are imported when they are used: `commands` must start without the database's modules.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memory_pipeline.ingest.errors import IngestError, MappingError
    from memory_pipeline.ingest.load import ingest_file, ingest_records, ingest_rows
    from memory_pipeline.ingest.report import IngestProgress, IngestReport, Problem

__all__ = [
    "IngestError",
    "IngestProgress",
    "IngestReport",
    "MappingError",
    "Problem",
    "ingest_file",
    "ingest_records",
    "ingest_rows",
]

_PLACES = {
    **dict.fromkeys(("IngestError", "MappingError"), "errors"),
    **dict.fromkeys(("ingest_file", "ingest_records", "ingest_rows"), "load"),
    **dict.fromkeys(("IngestProgress", "IngestReport", "Problem"), "report"),
}


def __getattr__(name: str) -> Any:
    """Import a name of `__all__` from its module."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
