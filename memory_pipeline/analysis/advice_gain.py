"""What following advice had changed by the end of each month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.measure_names import ADVICE_GAIN
from memory_pipeline.analysis.measures import measure_row, period_starts
from memory_pipeline.analysis.verification import verify_advice

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def gain_rows(attempts: pd.DataFrame, *, unit: str, strata: Sequence[str]) -> list[dict[str, Any]]:
    """Verify advice by the attempts up to the end of each month, as `verification.verify_advice` does.

    Parameters
    ----------
    attempts
        Attempts for which there was advice, as for `verify_advice`, with `occurred_at`.
    unit, strata
        As for `verify_advice`.

    Returns
    -------
    list of dict
        Rows of `advice_gain`, one per month that has such attempts: the difference in success with its 95%
        interval (-1 to 1 without enough evidence). `sample_size` counts the attempts up to then,
        `details` is the verification.
    """
    rows = []
    periods = period_starts(attempts)
    for start in sorted(periods.unique()):
        known = attempts[periods <= start]
        found = verify_advice(known, unit=unit, strata=strata)
        interval = (found.ci_low, found.ci_high)
        details = found.to_dict()
        rows.append(
            measure_row(ADVICE_GAIN, start, found.gain, len(known), interval=interval, details=details)
        )
    return rows
