"""Read outcomes and members from files and records, check them, and store them.

A record passes these modules in order: `file_formats` (with `table_files` and `json_files`) opens the file,
`mapped_records` translates a row as its `mapping` says, `outcome_contract` or `member_contract` checks it,
and `load` stores what passed. What was refused waits in `quarantine`.
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
