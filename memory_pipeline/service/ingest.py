"""How records go in: a data frame, dicts or a file, on the same way as from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory_pipeline.service.session import Service
from memory_pipeline.store.reads import unknown_recommendations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from memory_pipeline.ingest import IngestReport
    from memory_pipeline.ingest.mapping import Mapping as ColumnMapping
    from memory_pipeline.ingest.report import ProgressCallback
    from memory_pipeline.store.bulk_writes import QuarantineFilter


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
        """
        from memory_pipeline.ingest import ingest_file, ingest_rows  # noqa: PLC0415 - keeps answers quick

        self.store_served()  # the rows can name them
        if isinstance(rows, str | Path):
            return ingest_file(
                self.store, kind, rows, mapping=mapping, source=source, name=name, progress=progress
            )
        return ingest_rows(
            self.store, kind, rows, mapping=mapping, source=source, name=name, progress=progress
        )

    def report_outcomes(
        self,
        outcomes: Iterable[Any],
        *,
        mapping: str | ColumnMapping | None = None,
        source: str | None = None,
        name: str | None = None,
    ) -> IngestReport:
        """Store outcomes as `ingest` does, in one transaction, and report of each what became of it.

        Parameters and errors are those of `ingest`; the result has `records`.
        """
        from memory_pipeline.ingest import ingest_rows  # noqa: PLC0415 - keeps answers quick

        self.store_served()  # the outcomes can name them
        return ingest_rows(
            self.store, "outcomes", outcomes, mapping=mapping, source=source, name=name, lists_records=True
        )

    def unknown_recommendations(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the recommendation that an outcome names, by its id, where no answer of that id is known."""
        return unknown_recommendations(self.store, list(ids))

    def quarantined(
        self, chosen: QuarantineFilter | None = None, *, limit: int | None = None, after: int = 0
    ) -> tuple[list[dict[str, Any]], int]:
        """Read records that wait in quarantine, the oldest first, and count all that match.

        Parameters
        ----------
        chosen
            Which records; None for all.
        limit
            Most records to return.
        after
            Only records with a larger id, to page on.
        """
        from memory_pipeline.ingest import quarantine  # noqa: PLC0415 - keeps answers quick

        chosen = chosen or quarantine.EVERYTHING
        found = quarantine.list_quarantined(self.store, chosen, limit=limit, after=after)
        return found, quarantine.count_quarantined(self.store, chosen)

    def correct_quarantined(
        self, identity: int, record: dict[str, Any], *, mapping: str | ColumnMapping | None = None
    ) -> IngestReport:
        """Store the corrected form of a record in quarantine; see `ingest.quarantine.correct_quarantined`."""
        from memory_pipeline.ingest import quarantine  # noqa: PLC0415 - keeps answers quick

        return quarantine.correct_quarantined(self.store, identity, record, mapping=mapping)

    def retry_quarantined(
        self, chosen: QuarantineFilter | None = None, *, mapping: str | ColumnMapping | None = None
    ) -> list[IngestReport]:
        """Try records in quarantine again; see `ingest.quarantine.retry_quarantined`."""
        from memory_pipeline.ingest import quarantine  # noqa: PLC0415 - keeps answers quick

        return quarantine.retry_quarantined(self.store, chosen or quarantine.EVERYTHING, mapping=mapping)

    def dismiss_quarantined(self, identity: int) -> None:
        """Take a record out of quarantine without storing it.

        Raises
        ------
        KeyError
            When no record with this id waits.
        """
        from memory_pipeline.ingest import quarantine  # noqa: PLC0415 - keeps answers quick

        quarantine.dismiss_quarantined(self.store, identity)
