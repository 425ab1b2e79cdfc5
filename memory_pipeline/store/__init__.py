"""PostgreSQL and Parquet: tables, the embedded server, migrations, reads and writes.

Nothing in here decides what a finding is: it stores what the analysis and the ingest pass to it.
"""

from memory_pipeline.store.database import Store
from memory_pipeline.store.opening import open_store

__all__ = ["Store", "open_store"]
