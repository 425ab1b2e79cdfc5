"""Check the columns that an analysis names, and number the units of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.levels import level_name
from memory_pipeline.analysis.names import INTERNAL, MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memory_pipeline.analysis.arrays import Counts, Ints


def check_columns(
    outcomes: pd.DataFrame, *, approach: Sequence[str], context: Sequence[str], unit: str
) -> None:
    """Check that the columns of all roles are in the frame, and that no column has two roles.

    Raises
    ------
    KeyError
        When a column is not in the frame.
    ValueError
        When a column is given two roles.
    """
    for role, wanted in (
        ("approach", approach),
        ("context", context),
        ("unit", (unit,)),
        ("outcomes", ("outcome_status",)),
    ):
        require_columns(outcomes, wanted, role=role)
    both = sorted(set(approach) & set(context))
    if both:
        msg = f"{both} are given as approach and as context; a column is one or the other"
        raise ValueError(msg)
    if "outcome_status" in {*approach, *context}:
        msg = "outcome_status is the result of an attempt; it cannot be approach or context"
        raise ValueError(msg)


def require_columns(frame: pd.DataFrame, wanted: Sequence[str], *, role: str = "") -> None:
    """Raise KeyError when a column is not in the frame; the message lists those that are.

    Parameters
    ----------
    frame
        Shape (any, any).
    wanted
        The columns that are needed.
    role
        What names them, such as `approach`.
    """
    absent = [column for column in wanted if column not in frame]
    if absent:
        named = f"{role} names {absent}" if role else f"the columns {absent} are needed"
        raise KeyError(f"{named}, not in the frame; it has {sorted(map(str, frame.columns))}")


def check_names(columns: Iterable[str]) -> None:
    """Raise ValueError when a column has a name that the analysis keeps for its own (`names.INTERNAL`)."""
    found = next((column for column in columns if str(column).startswith(INTERNAL)), None)
    if found is not None:
        raise ValueError(
            f"the column {found!r} begins with the character U+001F, which marks the columns that the "
            "analysis adds; rename it"
        )


def unit_names(units: pd.Series) -> pd.Series:
    """Return the name of each attempt's unit, shape (attempts,); those without one are one, `(missing)`."""
    codes, distinct = pd.factorize(units)
    names = np.array([*map(level_name, distinct), MISSING], dtype=object)
    return pd.Series(names[codes], index=units.index, dtype=object)


def unit_codes(units: pd.Series) -> Counts:
    """Return the number of each attempt's unit, from 0 in the order of `unit_names`, shape (attempts,)."""
    names = unit_names(units).to_numpy(dtype=str)
    return np.asarray(np.unique(names, return_inverse=True)[1], dtype=np.int64)


def rows_by_unit(unit: Ints, units: int) -> list[Counts]:
    """List the rows of each unit, in their order.

    Parameters
    ----------
    unit
        Number of the unit of each row, below `units`, shape (rows,).
    units
        How many units there are.
    """
    order = np.argsort(unit, kind="stable")
    return np.split(order, np.cumsum(np.bincount(unit, minlength=units))[:-1])
