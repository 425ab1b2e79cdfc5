"""Does a frame have the columns that an analysis needs, and does each have one role?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


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
        absent = [column for column in wanted if column not in outcomes]
        if absent:
            msg = f"{role} names {absent}, not in the frame; it has {sorted(map(str, outcomes.columns))}"
            raise KeyError(msg)
    both = sorted(set(approach) & set(context))
    if both:
        msg = f"{both} are given as approach and as context; a column is one or the other"
        raise ValueError(msg)
    if "outcome_status" in {*approach, *context}:
        msg = "outcome_status is the result of an attempt; it cannot be approach or context"
        raise ValueError(msg)


def require_columns(frame: pd.DataFrame, wanted: Sequence[str]) -> None:
    """Raise KeyError when a column is not in the frame; the message lists those that are."""
    absent = [column for column in wanted if column not in frame]
    if absent:
        msg = f"the columns {absent} are not in the frame; it has {list(map(str, frame.columns))}"
        raise KeyError(msg)
