"""What an asset shows of itself in the UI: previews, pictures, schemas, lineage.

Everything is bounded (rows, columns, characters) and escaped: it lands in the event log and is rendered
as Markdown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from memory_pipeline.contracts.contract import load_contract
from memory_pipeline.rebuild.rows import records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd

    from memory_pipeline.charts.theme import Chart

PREVIEW_ROWS = 10
PREVIEW_COLUMNS = 12
CELL_CHARACTERS = 300
PICTURE_SCALE = 1.25
"""Pixels per pixel of a chart: as wide as the dialogue in which the UI shows it."""
_REASON_CHARACTERS = 300


def markdown_table(rows: Iterable[Mapping[str, Any]], *, columns: Sequence[str] | None = None) -> str:
    """Write rows as a Markdown table; text is escaped and cut, numbers are rounded to four digits."""
    listed = list(rows)
    names = (
        list(columns) if columns is not None else list(dict.fromkeys(key for row in listed for key in row))
    )
    if not listed:
        return "*no rows*"
    lines = [
        "| " + " | ".join(_cell(name) for name in names) + " |",
        "|" + "|".join(" ---: " if _is_numeric(listed, name) else " --- " for name in names) + "|",
    ]
    lines += ["| " + " | ".join(_cell(row.get(name)) for name in names) + " |" for row in listed]
    return "\n".join(lines)


def preview(
    frame: pd.DataFrame, columns: Sequence[str] | None = None, *, rows: int = PREVIEW_ROWS
) -> dg.MarkdownMetadataValue:
    """Show the first rows of a frame, of the named columns or the first twelve."""
    names = [name for name in (columns or frame.columns) if name in frame][:PREVIEW_COLUMNS]
    head = records(frame.loc[:, names].head(rows))
    table = markdown_table(head, columns=names)
    rest = len(frame) - len(head)
    return dg.MetadataValue.md(f"{table}\n\n*and {rest:,} more rows*" if rest > 0 else table)


def picture(build: Callable[..., Chart], *data: Any) -> dg.MarkdownMetadataValue:
    """Show a chart as a picture inside Markdown: it needs no server and no internet.

    What was found does not depend on its picture: where it cannot be drawn, the reason stands in its place.

    Parameters
    ----------
    build
        Builds the chart from `data`.
    """
    from memory_pipeline.charts import to_markdown_png  # noqa: PLC0415 - imports Altair

    try:
        return dg.MetadataValue.md(to_markdown_png(build(*data), scale=PICTURE_SCALE))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is about the picture alone
        said = escape(f"{type(error).__name__}: {error}"[:_REASON_CHARACTERS])
        return dg.MetadataValue.md(f"*The picture could not be drawn ({said}). The table is complete.*")


def _is_numeric(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    values = [row.get(name) for row in rows if row.get(name) is not None]
    return bool(values) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)


def _cell(value: Any) -> str:
    text = _text(value)
    return escape(text if len(text) <= CELL_CHARACTERS else text[: CELL_CHARACTERS - 1] + "…")


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_text(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return " and ".join(_text(one) for one in value)
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT are not equal to themselves
        return ""
    if isinstance(value, (int, float)):
        return _number(value)
    return value.strftime("%Y-%m-%d %H:%M") if hasattr(value, "strftime") else str(value)


def _number(value: float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if value != 0 and abs(value) < 1e-4:  # noqa: PLR2004
        return f"{value:.1e}"
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"  # noqa: PLR2004


def escape(text: str) -> str:
    """Make text stand for itself in a Markdown table: no markup, HTML or control characters."""
    flat = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "", re.sub(r"\s+", " ", text))
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#!|~])", r"\\\1", flat)


def column_schema(contract_name: str, types: Mapping[str, str] | None = None) -> dg.TableSchema:
    """Describe columns by the contract: of the stored table, or of a frame with the given types.

    Parameters
    ----------
    contract_name
        Asset whose contract names the columns.
    types
        Type by column, in order, for a frame whose columns are known at run time only; columns that the
        contract does not name are conditions. By default the columns and types of the stored table.
    """
    contract = load_contract(contract_name)
    if types is None and contract.table is None:
        types = dict.fromkeys(contract.columns, "")
    if types is not None:
        return dg.TableSchema(
            columns=[
                dg.TableColumn(name, kind, description=contract.columns.get(name, "A condition."))
                for name, kind in types.items()
            ]
        )
    from memory_pipeline.store.models import Base  # noqa: PLC0415 - needs SQLAlchemy

    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                str(column.type).lower(),
                description=contract.columns.get(column.name),
                constraints=dg.TableColumnConstraints(
                    nullable=bool(column.nullable), unique=bool(column.primary_key or column.unique)
                ),
            )
            for column in Base.metadata.tables[contract.table or contract.name].columns
        ]
    )


def frame_types(frame: pd.DataFrame) -> dict[str, str]:
    """Name the type of each column of a frame."""
    return {str(name): str(kind) for name, kind in frame.dtypes.items()}


def lineage(columns: Mapping[str, Iterable[tuple[str, str]]]) -> dg.TableColumnLineage:
    """Return, for each column, the columns of the assets that it comes from."""
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(dg.AssetKey(asset), source) for asset, source in sources]
            for column, sources in columns.items()
        }
    )


def json_value(value: Any) -> dg.JsonMetadataValue:
    """Show a JSON-able value; what JSON does not know is written as text."""
    return dg.MetadataValue.json(json.loads(json.dumps(value, default=str)))
