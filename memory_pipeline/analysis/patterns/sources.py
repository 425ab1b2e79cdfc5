"""How much of each finding on evidence of several sources is foreign?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from memory_pipeline.analysis.evidence.evidence import Evidence

FOREIGN_ATTEMPTS, FOREIGN_UNITS = "foreign_attempts", "foreign_units"


def with_foreign_share(found: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """Return findings with what of them is foreign; unchanged where the evidence is all one's own.

    Parameters
    ----------
    found
        As `find.search_patterns` returns it.
    evidence
        As it was searched.

    Returns
    -------
    DataFrame
        `found` with `foreign_attempts` and `foreign_units`, how many of `sample_size` and of `units` are of
        other sources; the sentence says so too.
    """
    source = evidence.sources
    if source is None or evidence.unit is None:
        return found
    unit, _ = evidence.codes(evidence.unit)
    foreign = [evidence.rows_with(conditions) & (source > 0) for conditions in found["conditions"]]
    attempts = [int(evidence.n[rows].sum()) for rows in foreign]
    units = [len(np.unique(unit[rows])) for rows in foreign]
    sentences = [
        f"{sentence} Of this, {n:,} attempts of {number:,} units were counted elsewhere."
        for sentence, n, number in zip(found["sentence"], attempts, units, strict=True)
    ]
    share = pd.DataFrame({FOREIGN_ATTEMPTS: attempts, FOREIGN_UNITS: units}, index=found.index)
    return pd.concat([found.assign(sentence=sentences), share], axis=1)
