"""How records go in: a data frame, dicts or a file, on the same way as from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory_pipeline.service.session import Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from memory_pipeline.ingest import IngestReport
    from memory_pipeline.ingest.mapping import Mapping as ColumnMapping
    from memory_pipeline.ingest.report import ProgressCallback


class IngestService(Service):
    """Writes of outcomes and members into the memory."""

    def ingest(
        self,
        rows: pd.DataFrame | Iterable[Mapping[str, Any]] | str | Path,
        kind: str = "outcomes",
        *,
        mapping: str | Path | ColumnMapping | None = None,
        source: str | None = None,
        name: str | None = None,
        progress: ProgressCallback | None = None,
    ) -> IngestReport:
        """Store outcomes or members; the same rows a second time change nothing.

        Parameters
        ----------
        rows
            A data frame, dicts, or the path of a CSV, JSON, JSON Lines or Parquet file. Rows of a frame
            are read as those of a Parquet file: NaN, NaT and NA are missing, named levels of the index
            are columns, and a time needs a zone (or a mapping with `timezone`).
        kind
            `outcomes` or `members`.
        mapping
            How columns become fields: the name of a shipped mapping, the path of a YAML file, or a
            mapping. None: the columns are the project's own fields.
        source
            Name of the source, for rows that do not name theirs.
        name
            What the ingest is called in the table `ingests`; None for the file's name, `data frame` or
            `records`.
        progress
            Is called every few thousand rows.

        Returns
        -------
        IngestReport
            Where the rows went. Those that break the contract are in quarantine, and the first of them in
            `problems`.

        Raises
        ------
        IngestError
            When the rows or the mapping cannot be used as a whole; then nothing is stored.

        Examples
        --------
        >>> memory.ingest(frame, source="intune").new  # doctest: +SKIP
        120
        """
        from memory_pipeline.ingest import ingest_file, ingest_rows  # noqa: PLC0415 - not needed to answer

        self.store_served()  # the rows can name them
        if isinstance(rows, str | Path):
            return ingest_file(
                self.store, kind, rows, mapping=mapping, source=source, name=name, progress=progress
            )
        return ingest_rows(
            self.store, kind, rows, mapping=mapping, source=source, name=name, progress=progress
        )
