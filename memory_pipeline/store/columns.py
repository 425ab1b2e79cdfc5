"""Reading some columns of a stored table, whole, in bounded pieces: what contracts and previews need."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Float,
    Integer,
    String,
    Table,
    func,
    literal_column,
    select,
)
from sqlalchemy.types import Boolean

from memory_pipeline.store.models import Base

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Row

    from memory_pipeline.store import Store

ROWS_AT_ONCE = 50_000


def table_of(name: str) -> Table:
    """Find a stored table by name.

    Raises
    ------
    KeyError
        When there is none of that name; the message lists those there are.
    """
    if name not in Base.metadata.tables:
        msg = f"there is no stored table {name!r}; there are {sorted(Base.metadata.tables)}"
        raise KeyError(msg)
    return Base.metadata.tables[name]


def count_rows(store: Store, table: str) -> int:
    """Count the rows of a stored table."""
    with store.transaction() as connection:
        return connection.scalar(select(func.count()).select_from(table_of(table))) or 0


def read_columns(
    store: Store, table: str, columns: Sequence[str], derived: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Read columns of all rows of a stored table, in one snapshot.

    Parameters
    ----------
    store
        The memory's database.
    table
        Name of the stored table.
    columns
        Columns to read; those that neither the table nor `derived` has are left out.
    derived
        SQL expressions over the table's columns, by name.

    Returns
    -------
    DataFrame
        Shape (rows, columns that exist); text as `str`, times in UTC, nullable whole numbers as floats.
    """
    source, expressions = table_of(table), derived or {}
    chosen: dict[str, ColumnElement[Any]] = {}
    for name in columns:
        if name in expressions:
            chosen[name] = literal_column(f"({expressions[name]})")
        elif name in source.columns:
            chosen[name] = source.columns[name]
    statement = select(*(expression.label(name) for name, expression in chosen.items())).select_from(source)
    with store.engine.connect().execution_options(stream_results=True) as connection:
        result = connection.execute(statement)
        parts = [_to_frame(rows, chosen) for rows in _pieces(result.partitions(ROWS_AT_ONCE))]
    return pd.concat(parts, ignore_index=True)


def _pieces(partitions: Iterator[Sequence[Row[Any]]]) -> Iterator[Sequence[Row[Any]]]:
    """Yield at least one piece, so that an empty table has its columns too."""
    return chain(partitions, [()])


def _to_frame(rows: Sequence[Row[Any]], columns: Mapping[str, ColumnElement[Any]]) -> pd.DataFrame:
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return pd.DataFrame(
        {name: _series(column, kind) for (name, kind), column in zip(columns.items(), values, strict=True)}
    )


def _series(values: tuple[Any, ...], column: ColumnElement[Any]) -> pd.Series:
    """Return a piece of a column with a type that does not depend on the values in it."""
    kind = column.type
    if isinstance(kind, DateTime):
        return pd.to_datetime(pd.Series(values, dtype=object), utc=True).dt.as_unit("us")
    if isinstance(kind, String):
        return pd.Series(values, dtype="str")
    if isinstance(kind, (Float, Integer)):
        return pd.Series(values, dtype=float)
    if isinstance(kind, Boolean):
        return pd.Series(values, dtype="boolean")
    return pd.Series(values, dtype=object)
