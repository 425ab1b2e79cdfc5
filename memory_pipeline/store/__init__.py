"""PostgreSQL: tables, the embedded server, migrations, reads and writes.

Nothing in here decides what a finding is; it keeps what the analysis and the ingest hand over.
"""

from memory_pipeline.store.database import Store, open_store

__all__ = ["Store", "open_store"]
