"""Which months of counted evidence still hold, and evidence without those that do not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features import Encoding

if TYPE_CHECKING:
    from collections.abc import Collection

    from memory_pipeline.analysis.evidence import Evidence


def encoded_columns(encoding: Encoding) -> list[str]:
    """Name the columns that an encoding gives, in order."""
    return [column for source in encoding.codes for column in encoding.columns_of(source)]


def recoded_months(tables: pd.DataFrame, before: Encoding, after: Encoding) -> set[str]:
    """Find the months in which some attempt gets another category from a new encoding than from the old one.

    Parameters
    ----------
    tables
        Which values occur in which month: the columns of `value_counts.value_table`, and `month`.
    before, after
        The encodings.

    Returns
    -------
    set
        All months where the encoded columns are not the same ones.
    """
    if encoded_columns(before) != encoded_columns(after):
        return set(tables["month"])
    changed: set[str] = set()
    for source, code in after.codes.items():
        if code == before.codes[source]:
            continue
        part = tables.loc[tables["column"] == source, ["month", "value", "number"]]
        is_number = part["number"].notna().any()
        values = part["number"] if is_number else part["value"].astype(object)
        old, new = (
            Encoding({source: one.codes[source]}).apply(pd.DataFrame({source: values})).astype(str)
            for one in (before, after)
        )
        changed |= set(part["month"][(old != new).any(axis=1)])
    return changed


def without_periods(evidence: Evidence, periods: Collection[str]) -> Evidence:
    """Take the attempts of some periods out: what is left is the evidence of the others, and no more.

    Raises
    ------
    ValueError
        When the evidence has no periods.
    """
    if evidence.period is None:
        raise ValueError("the evidence was counted without a period; nothing can be taken out of it")
    codes, levels = evidence.codes(evidence.period)
    kept = np.flatnonzero(~np.isin(codes, [levels.index(one) for one in periods if one in levels]))
    counts = evidence.counts[kept]
    used = np.flatnonzero(counts.any(axis=0))
    return replace(
        evidence,
        columns={key: column.take(kept).without_unused() for key, column in evidence.columns.items()},
        counts=counts[:, used],
        outcomes=tuple(evidence.outcomes[one] for one in used),
    )
