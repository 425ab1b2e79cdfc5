"""Bringing outcomes and members in: files and records, mappings, contracts, quarantine.

`load` is the way through; `mapping` and `translate` say what a source's columns mean, `outcomes` and
`members` hold the contracts, `quarantine` gives back what was refused.
"""

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
