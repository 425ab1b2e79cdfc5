"""Which months have to be counted again when the encoding changes?"""

from __future__ import annotations

import pandas as pd

from memory_pipeline.analysis.features.encoding import Encoding, encoded_columns


def recoded_months(tables: pd.DataFrame, before: Encoding, after: Encoding) -> set[str]:
    """Return the months in which some attempt has another category under a new encoding than under the old.

    Parameters
    ----------
    tables
        Which values occur in which month: the columns of `features.value_counts.value_table`, and `month`.
    before, after
        The encodings.

    Returns
    -------
    set
        All months where the encoded columns differ.
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
