"""Read Parquet files, whose columns are known up front, a batch at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.file_formats import RecordFile, check_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

_PARQUET_ROWS = 5_000


@contextmanager
def open_parquet(path: Path) -> Iterator[RecordFile]:
    """Open a Parquet file. A NaN in a column of floats is a missing value, as pandas writes it.

    Raises
    ------
    IngestError
        When it is damaged or cut off.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 - only this format needs it

    with _wrap_parquet_errors(path):
        file = pq.ParquetFile(path)
    with file:
        columns = tuple(file.schema_arrow.names)
        check_header(columns, path.name)
        total, done = max(file.metadata.num_rows, 1), [0]

        def read(wanted: tuple[str, ...] | None) -> Iterator[dict[str, Any]]:
            with _wrap_parquet_errors(path):
                for batch in file.iter_batches(_PARQUET_ROWS, columns=list(wanted or columns)):
                    yield from _parquet_records(batch)
                    done[0] += batch.num_rows

        yield RecordFile(columns, read, lambda: done[0] / total)


@contextmanager
def _wrap_parquet_errors(path: Path) -> Iterator[None]:
    import pyarrow as pa  # noqa: PLC0415

    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise IngestError(
            f"{path.name} cannot be read as Parquet: it is damaged, cut off or another format "
            f"({str(error).splitlines()[0]}); write it again"
        ) from error


def _parquet_records(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    names = batch.schema.names
    columns = [_python_values(column) for column in batch.columns]
    for row in zip(*columns, strict=True):
        yield dict(zip(names, row, strict=True))


def _python_values(column: pa.Array) -> list[Any]:
    """Convert a column to Python objects, the usual types by way of NumPy (several times as fast)."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    kind = column.type
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind):
        return column.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]
    if types.is_list(kind) or types.is_large_list(kind):
        return _python_lists(column)
    if types.is_struct(kind) and kind.num_fields:
        return _python_structs(column)
    if types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    elif types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    if column.null_count == 0 and (
        types.is_integer(kind) or types.is_boolean(kind) or types.is_floating(kind)
    ):
        return column.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]
    return column.to_pylist(maps_as_pydicts="strict")  # type: ignore[no-any-return]


def _python_structs(column: pa.Array) -> list[Any]:
    names = [field.name for field in column.type]
    rows = zip(*(_python_values(part) for part in column.flatten()), strict=True)
    present = column.is_valid().to_numpy(zero_copy_only=False).tolist()
    return [
        dict(zip(names, row, strict=True)) if is_there else None
        for row, is_there in zip(rows, present, strict=True)
    ]


def _python_lists(column: pa.Array) -> list[Any]:
    values = _python_values(column.values)
    offsets = column.offsets.to_numpy().tolist()
    present = column.is_valid().to_numpy(zero_copy_only=False).tolist()
    return [
        values[start:end] if is_there else None
        for start, end, is_there in zip(offsets, offsets[1:], present, strict=False)
    ]
