"""Reading rows that a program holds, a pandas frame or dicts, as if they stood in a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.file_formats import RecordFile, check_header
from memory_pipeline.store.plain_values import plain_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ROWS = 5_000


def open_rows(rows: pd.DataFrame | Iterable[Mapping[str, Any]], name: str) -> RecordFile:
    """Open rows to be read once, as a table (a frame) or as records with keys of their own (dicts).

    A missing value (None, NaN, NaT, NA) is None, as in a Parquet file. Named levels of a frame's index
    are columns; an index without a name is left out.

    Raises
    ------
    IngestError
        When they are neither, or the columns of a frame are unusable.
    """
    if isinstance(rows, pd.DataFrame):
        return _open_frame(rows, name)
    if isinstance(rows, str | bytes | Mapping) or not hasattr(rows, "__iter__"):
        raise IngestError(
            f"{name} is of the type {type(rows).__name__}; give a data frame, a list of dicts, or the path "
            "of a file"
        )
    records = (
        plain_value(dict(row) if isinstance(row, Mapping) else row, keep_infinite=True) for row in rows
    )
    return RecordFile(None, lambda _wanted: records, lambda: None)


def _open_frame(frame: pd.DataFrame, name: str) -> RecordFile:
    levels = [level for level in frame.index.names if level is not None]
    if levels:
        frame = frame.reset_index(level=levels, allow_duplicates=True)
    columns = tuple(str(column).strip() for column in frame.columns)
    check_header(columns, name)
    frame = frame.set_axis(list(columns), axis=1)
    total, done = max(len(frame), 1), [0]

    def read(wanted: tuple[str, ...] | None) -> Iterator[dict[str, Any]]:
        chosen = list(columns if wanted is None else wanted)
        for start in range(0, len(frame), _ROWS):
            part = frame.iloc[start : start + _ROWS]
            values = [plain_value(part[column], keep_infinite=True) for column in chosen]
            for row in zip(*values, strict=True):
                yield dict(zip(chosen, row, strict=True))
            done[0] += len(part)

    return RecordFile(columns, read, lambda: done[0] / total)
