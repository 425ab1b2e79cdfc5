"""Tables as JSON, CSV and Parquet: what a client accepts, and how rows are written in it."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from memory_pipeline.server.problems import FieldError, ProblemError
from memory_pipeline.service.records import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel

CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
JSON = "application/json"
FORMATS = {"json": JSON, "csv": CSV, "parquet": PARQUET}
"""Formats of tables: the name in `format=`, and the media type."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a cell that a spreadsheet would take for a formula."""


def choose_format(accept: str | None, name: str | None, formats: Mapping[str, str] = FORMATS) -> str:
    """Return the name of the format to answer in.

    Parameters
    ----------
    accept
        The `Accept` header.
    name
        What `format=` says; it wins over the header.
    formats
        Names and media types, the usual one first.

    Raises
    ------
    ProblemError
        When the client accepts none of them.
    """
    if name is not None:
        return name
    wanted = _accepted(accept or "*/*")
    best, weight = "", 0.0
    for one, media in formats.items():
        kind = media.partition("/")[0]
        given = next((wanted[key] for key in (media, f"{kind}/*", "*/*") if key in wanted), 0.0)
        if given > weight:
            best, weight = one, given
    if not best:
        remedy = f"accept one of {', '.join(formats.values())}"
        shown = FieldError("header.Accept", (accept or "")[:200], remedy)
        raise ProblemError(406, f"none of the formats that you accept can be written; {remedy}", (shown,))
    return best


def _accepted(header: str) -> dict[str, float]:
    """Read an `Accept` header: weight by media type; parameters other than `q` are not looked at."""
    found: dict[str, float] = {}
    for part in header.split(","):
        media, *parameters = (piece.strip().casefold() for piece in part.split(";"))
        weight = 1.0
        for one in parameters:
            name, _, value = one.partition("=")
            if name.strip() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        found[media] = max(weight, found.get(media, 0.0))
    return found


def to_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Write rows as CSV (RFC 4180, UTF-8) with a header.

    Nested values are JSON; what is missing is empty. A text that a spreadsheet would take for a formula has
    an apostrophe before it; numbers stay numbers.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_safe(name) for name in columns])
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        return to_json(value, indent=None)
    return _safe(value) if isinstance(value, str) else value


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text


def to_parquet(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], model: type[BaseModel]) -> bytes:
    """Write rows as Parquet, with the types of a model's fields; what is nested is JSON text."""
    import pyarrow as pa  # noqa: PLC0415 - only where it is asked for
    import pyarrow.parquet as pq  # noqa: PLC0415

    arrays, fields = [], []
    for name in columns:
        kind = arrow_type(model.model_fields[name].annotation)
        values = [row.get(name) for row in rows]
        if kind == "json":
            values = [None if one is None else to_json(one, indent=None) for one in values]
        arrow = {
            "string": pa.string(),
            "int": pa.int64(),
            "float": pa.float64(),
            "bool": pa.bool_(),
            "time": pa.timestamp("us", tz="UTC"),
            "texts": pa.list_(pa.string()),
            "json": pa.string(),
        }[kind]
        arrays.append(pa.array(values, type=arrow))
        fields.append(pa.field(name, arrow))
    file = io.BytesIO()
    pq.write_table(pa.table(arrays, schema=pa.schema(fields)), file, compression="zstd")
    return file.getvalue()


def arrow_type(annotation: Any) -> str:
    """Return which kind of column a field's type makes: `json` where it is nested."""
    if get_origin(annotation) in {Union, UnionType}:
        kinds = {arrow_type(one) for one in get_args(annotation) if one is not type(None)}
        return kinds.pop() if len(kinds) == 1 else "json"
    simple = {str: "string", int: "int", float: "float", bool: "bool", datetime: "time"}
    if annotation in simple:
        return simple[annotation]
    if get_origin(annotation) is list and get_args(annotation) == (str,):
        return "texts"
    literals = get_args(annotation) if str(get_origin(annotation)) == "typing.Literal" else ()
    return "string" if literals and all(isinstance(one, str) for one in literals) else "json"
