"""One sentence per learning measure: where things stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.models.change_text import change_clause
from memory_pipeline.analysis.names import (
    ADVICE_COVERAGE,
    ADVICE_GAIN,
    CONFIDENCE_CALIBRATION,
    DRIFT,
    DRIFT_CHANGE,
    FINDING_REPLICATION,
    PRIOR_KNOWLEDGE,
    SUCCESS_RATE,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


_NONE_YET = "not enough history yet"


def learning_sentences(measures: pd.DataFrame) -> dict[str, str]:
    """Return one sentence per measure that tells where things stand.

    Parameters
    ----------
    measures
        Rows with `learning.measures.MEASURE_COLUMNS`, shape (rows, any).

    Returns
    -------
    dict
        Name of the measure to sentence, in a fixed order.
    """
    whole = measures[measures["segment_column"] == ""].sort_values("period_start")
    sentences = {}
    for name, write in _SENTENCES.items():
        rows = whole[whole["measure"] == name]
        sentences[name] = _NONE_YET if rows.empty else write(rows, measures)
    if sentences[ADVICE_GAIN] == _NONE_YET:
        sentences[ADVICE_GAIN] = "no attempt names the advice that it was given"
    return sentences


def _success(rows: pd.DataFrame, _: pd.DataFrame) -> str:
    newest = rows.iloc[-1]
    return (
        f"{newest['value']:.0%} of {newest['sample_size']:,} attempts succeeded in {_month(newest)} "
        f"(95% interval {newest['ci_low']:.0%} to {newest['ci_high']:.0%}); {_average(rows):.0%} of all"
    )


def _skill(rows: pd.DataFrame, _: pd.DataFrame) -> str:
    newest = rows.iloc[-1]
    low, high = newest["ci_low"], newest["ci_high"]
    interval = "" if low is None or np.isnan(low) else f", 95% interval {low:+.2f} to {high:+.2f}"
    return (
        f"skill {newest['value']:+.2f} in {_month(newest)} ({newest['sample_size']:,} attempts{interval}); "
        f"{_average(rows):+.2f} on average (0 is the base rate, 1 predicts everything)"
    )


def _gain(rows: pd.DataFrame, _: pd.DataFrame) -> str:
    newest = rows.iloc[-1]
    return f"by {_month(newest)}: {str(newest['details']['reason']).rstrip('.')}"


def _coverage(rows: pd.DataFrame, _: pd.DataFrame) -> str:
    newest, first = rows.iloc[-1], rows.iloc[0]
    return (
        f"there was advice for {newest['value']:.0%} of {newest['sample_size']:,} attempts of "
        f"{_month(newest)}, for {first['value']:.0%} in {_month(first)}"
    )


def _replication(rows: pd.DataFrame, _: pd.DataFrame) -> str:
    tried = int(rows["sample_size"].sum())
    held = round(float((rows["value"] * rows["sample_size"]).sum()))
    return f"{held:,} of {tried:,} findings tried in the quarter after held ({_span(rows)})"


def _calibration(rows: pd.DataFrame, _: pd.DataFrame) -> str:
    sizes = rows["sample_size"].to_numpy(dtype=float)
    confidence, brier = (
        float(np.average([one[name] for one in rows["details"]], weights=sizes))
        for name in ("mean_confidence", "brier")
    )
    held = confidence + _average(rows)
    return f"mean confidence {confidence:.2f}, {held:.2f} held; Brier score {brier:.3f}"


def _drift(rows: pd.DataFrame, measures: pd.DataFrame) -> str:
    newest = rows.iloc[-1]
    count = int(newest["value"])
    if count == 0:
        return f"no change was in force in {_month(newest)}"
    is_newest = (measures["measure"] == DRIFT_CHANGE) & (measures["period_start"] == newest["period_start"])
    changes = measures[is_newest]
    largest = changes.loc[changes["value"].abs().idxmax()]
    return (
        f"{count} {'change' if count == 1 else 'changes'} in force in {_month(newest)}, the largest: "
        f"{change_clause(largest['details'])}"
    )


def _average(rows: pd.DataFrame) -> float:
    return float(np.average(rows["value"].astype(float), weights=rows["sample_size"].astype(float)))


def _month(row: pd.Series) -> str:
    return f"{row['period_start']:%Y-%m}"


def _span(rows: pd.DataFrame) -> str:
    first, last = _month(rows.iloc[0]), _month(rows.iloc[-1])
    return f"quarter of {first}" if first == last else f"quarters of {first} to {last}"


_SENTENCES: dict[str, Callable[[pd.DataFrame, pd.DataFrame], str]] = {
    SUCCESS_RATE: _success,
    PRIOR_KNOWLEDGE: _skill,
    ADVICE_GAIN: _gain,
    ADVICE_COVERAGE: _coverage,
    FINDING_REPLICATION: _replication,
    CONFIDENCE_CALIBRATION: _calibration,
    DRIFT: _drift,
}
