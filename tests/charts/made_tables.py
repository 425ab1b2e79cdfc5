"""Small result tables as the memory holds them, and a look into what a chart says and draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memory_pipeline.charts.theme import Chart


def measures(
    rates, *, attempts=300, start="2025-01-01", measure="success_rate", column="", value="", random=None
):
    """Rows of `learning_measures` with these monthly rates: exact, or drawn as binomials."""
    rates = np.asarray(rates, float)
    attempts = np.broadcast_to(attempts, rates.shape)
    hits = np.round(rates * attempts) if random is None else random.binomial(attempts, rates)
    low, high = proportion_confint(hits, attempts, method="wilson")
    return pd.DataFrame(
        {
            "measure": measure,
            "period_start": pd.date_range(start, periods=len(rates), freq="MS", tz="UTC"),
            "segment_column": column,
            "segment_value": value,
            "value": hits / attempts,
            "ci_low": low,
            "ci_high": high,
            "sample_size": attempts,
            "details": [{"success": int(one)} for one in hits],
        }
    )


def pattern(conditions, difference, *, target="success", kind="success", confidence=0.9, active=True):
    """Return a row of `pattern_identifications`."""
    return {
        "pattern_name": "name",
        "description": f"When {conditions}, things differ.",
        "pattern_type": kind,
        "target": target,
        "conditions": conditions,
        "impact": {
            "rate": 0.7 + difference,
            "base_rate": 0.7,
            "risk_difference": difference,
            "ci_low": difference - 0.05,
            "ci_high": difference + 0.05,
            "q_value": 0.01,
        },
        "confidence": confidence,
        "sample_size": 340,
        "units": 23,
        "active": active,
    }


def factor(
    column, value, reference, effect, *, crude=0.0, margin=0.03, is_factor=True, is_sign_flipped=False
):
    """Return a row of `success_factors`."""
    return {
        "factor_name": f"{column} = {value}",
        "description": f"Choosing {value} as {column} instead of {reference} changes something.",
        "effectiveness": effect,
        "ci_low": max(-1.0, effect - margin),
        "ci_high": min(1.0, effect + margin),
        "confidence": 0.99,
        "sample_size": 1234,
        "units": 57,
        "applicability_conditions": {},
        "implementation_details": {
            "column": column,
            "value": value,
            "reference": reference,
            "crude_difference": crude,
            "is_sign_flipped": is_sign_flipped,
            "is_factor": is_factor,
        },
    }


def recommendation(context, approach, rate, *, attempts=100):
    """Return a row of `approach_recommendations`."""
    return {
        "conditions": context,
        "recommended_approach": approach,
        "avoid_approach": [],
        "success_rate": rate,
        "ci_low": rate - 0.08,
        "ci_high": min(1.0, rate + 0.06),
        "confidence": 0.9,
        "sample_size": attempts,
        "reasons": [],
        "supporting_patterns": [],
    }


def title_of(chart: Chart) -> str:
    """Return the headline, on one line."""
    return " ".join(chart.to_dict()["title"]["text"])


def subtitle_of(chart: Chart) -> str:
    """Return the subtitle, on one line."""
    return " ".join(chart.to_dict()["title"]["subtitle"])


def drawn_rows(chart: Chart) -> list[dict[str, Any]]:
    """Return every data row that a chart carries."""
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


def texts(chart: Chart, field: str) -> list[str]:
    """Return the values of one field of the rows that a chart carries, each once, in order."""
    return list(dict.fromkeys(row[field] for row in drawn_rows(chart) if field in row))


def views(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk through all single views of a specification."""
    if "mark" in spec:
        yield spec
    for key in ("layer", "concat", "vconcat", "hconcat"):
        for part in spec.get(key, ()):
            yield from views(part)


def encoded_fields(chart: Chart, mark: str) -> list[dict[str, str]]:
    """Return the fields by channel of each view with this mark."""
    return [
        {
            channel: one["field"]
            for channel, one in view.get("encoding", {}).items()
            if isinstance(one, dict) and "field" in one
        }
        for view in views(chart.to_dict())
        if view["mark"]["type"] == mark
    ]
