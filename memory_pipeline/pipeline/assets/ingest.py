"""The raw tables. A run can load a file into them first; without one it says what is stored."""

import dagster as dg
from pydantic import Field

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import markdown_table
from memory_pipeline.store.session import Session


class FileToLoad(dg.Config):
    """A file to load before the table is described; leave both empty to load nothing."""

    file: str = Field(
        default="",
        description="Path of a CSV, JSON, JSON Lines or Parquet file on the machine where Dagster runs.",
    )
    mapping: str = Field(
        default="",
        description="Name or path of the mapping that reads it; empty for the project's own format.",
    )


@memory_asset(group="ingest", kinds={"postgres"}, deps=())
def packaging_outcomes(context: dg.AssetExecutionContext, config: FileToLoad) -> dg.MaterializeResult[None]:
    """Every recorded attempt to package, build or install an application.

    **What it is for.** The history that everything else is learned from: successes, failures with their
    reasons, what people had to do by hand, measured numbers, feedback. Nothing is ever computed in here.

    **How to load a file.** Materialize with configuration (the arrow beside the button), for example
    `ops: {packaging_outcomes: {config: {file: /data/export.csv, mapping: intune_device_install_status}}}`.
    Rows that break the contract wait in quarantine with the reason; the same file again changes nothing.
    Without configuration the asset says what is stored.
    """
    from memory_pipeline.pipeline.stored import describe_outcomes  # noqa: PLC0415 - needs SQLAlchemy

    memory = memory_of(context)
    loaded = _load(memory, config, "outcomes")
    return dg.MaterializeResult(metadata=loaded | describe_outcomes(memory.store))


@memory_asset(group="ingest", kinds={"postgres"}, deps=())
def members(context: dg.AssetExecutionContext, config: FileToLoad) -> dg.MaterializeResult[None]:
    """Every member of the community that the organisation holds a profile of.

    **What it is for.** Skills, interests and other sets of labels, for patterns among people. Names and
    free text are not shown in here, only counts.

    **How to load a file.** Materialize with configuration, for example
    `ops: {members: {config: {file: /data/members.parquet, mapping: rstudio_members}}}`.
    """
    from memory_pipeline.pipeline.stored import describe_members  # noqa: PLC0415 - needs SQLAlchemy

    memory = memory_of(context)
    loaded = _load(memory, config, "members")
    return dg.MaterializeResult(metadata=loaded | describe_members(memory.store))


def _load(memory: Session, config: FileToLoad, kind: str) -> dict[str, dg.MetadataValue]:
    if not config.file:
        return {}
    from memory_pipeline.ingest import ingest_file  # noqa: PLC0415 - only where there is a file

    report = ingest_file(memory.store, kind, config.file, mapping=config.mapping or None)
    counts = ("read", "new", "changed", "unchanged", "quarantined", "skipped")
    shown: dict[str, dg.MetadataValue] = {
        f"file: {name}": dg.MetadataValue.int(getattr(report, name)) for name in counts
    }
    shown["file"] = dg.MetadataValue.text(report.file_name)
    if report.problems:
        rows = [{"row": one.row_number, "field": one.field, "reason": one.reason} for one in report.problems]
        shown["file: problems"] = dg.MetadataValue.md(markdown_table(rows))
    return shown
