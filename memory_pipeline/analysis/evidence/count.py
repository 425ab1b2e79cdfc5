"""How is a history counted? All rows are read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory_pipeline.analysis.evidence.collapse import RawColumn, collapse_values
from memory_pipeline.analysis.evidence.evidence import Evidence, narrow_counts
from memory_pipeline.analysis.features.columns import check_names, require_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def count_evidence(
    frame: pd.DataFrame,
    *,
    conditions: Sequence[str],
    outcome: str,
    unit: str | None = None,
    period: str | None = None,
    max_conditions: int = 3,
) -> Evidence:
    """Read all rows once and count them by period, unit, conditions and outcome.

    Parameters
    ----------
    frame
        Shape (attempts, any). Condition columns hold one value per row: categories, text, numbers or truth
        values (see `features.encoding.encode` for bins and lists); missing is `(missing)`, a value of its
        own. Categories are quickest: their codes are taken as they are.
    conditions
        Condition columns.
    outcome
        Column of the outcome; rows without one are not counted.
    unit
        Column of the evidence unit, such as the application.
    period
        Column of the period, such as the month.
    max_conditions
        Most conditions in one combination, at least 1.

    Raises
    ------
    KeyError
        When a named column is not in the frame.
    ValueError
        When `max_conditions` is below 1, a column is named twice, or a condition has a name of the
        analysis's own.
    """
    if max_conditions < 1:
        msg = f"max_conditions is {max_conditions}; it must be at least 1"
        raise ValueError(msg)
    keys = [key for key in (period, unit) if key is not None] + list(conditions)
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(
            f"the columns {twice} are named twice among period, unit and conditions; name each once"
        )
    check_names(conditions)
    require_columns(frame, [*keys, outcome])
    ends = RawColumn.of(frame[outcome], name=str)
    known = ends.found >= 0
    raw = [RawColumn.of(frame[key]) for key in keys]
    if not known.all():
        ends, raw = ends.take(known), [one.take(known) for one in raw]
    columns, outcomes, counts = collapse_values(raw, ends)
    return Evidence(
        dict(zip(keys, columns, strict=True)),
        narrow_counts(counts),
        tuple(conditions),
        outcomes,
        unit,
        period,
        max_conditions,
    )
