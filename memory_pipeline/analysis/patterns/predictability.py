"""How well do the conditions predict an outcome, on attempts that the models have not seen?

What belongs here: the answer "much", "some" or "little" with its interval, and whether the predicted
probabilities are calibrated. What each setting changes is in `factors`; how well the memory predicted month
by month is in `learning.backtest_measures.prior_knowledge`.

Everything works on collapsed rows with their attempts as weights, under two schemes of cross-validation:

- *other units*: folds of whole units; each is predicted from all the others.
- *other units, later*: history is cut into blocks of periods with about equal attempts; each block but
  the first is predicted from the periods before it, again from other units only.

In each fold, the models of `models.classifiers` are fitted, and the best one within the training part is
chosen.

References
----------
1. Brier (1950), Verification of forecasts expressed in terms of probability, Monthly Weather Review 78.
2. Murphy (1973), A new vector partition of the probability score, Journal of Applied Meteorology 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import logit

from memory_pipeline.analysis.models.classifiers import (
    BOOSTING,
    CHOSEN,
    LEAST_CHANCE,
    LOGISTIC,
    calibration_line,
    fit_and_predict,
    grouped,
    log_loss,
    unit_folds,
)
from memory_pipeline.analysis.patterns.text import predictability_sentence
from memory_pipeline.analysis.stats.cluster_bootstrap import resampled_totals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats, Ints
    from memory_pipeline.analysis.evidence.evidence import Evidence
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts


COLUMNS = (
    "question",
    "model",
    "brier_skill",
    "ci_low",
    "ci_high",
    "log_loss_skill",
    "auc",
    "calibration_intercept",
    "calibration_slope",
    "base_rate",
    "attempts",
    "units",
    "sentence",
)
CALIBRATION_COLUMNS = ("question", "predicted", "observed", "ci_low", "ci_high", "attempts", "units")
OTHER, LATER = "other units", "other units, later"


_FOLDS, _BLOCKS = 5, 3
_MIN_UNITS = 10
_MIN_ATTEMPTS = 100
_MIN_KNOWN_UNITS, _MIN_KNOWN_ATTEMPTS = 6, 50
_BOOTSTRAPS = 1000
_BINS = 8
_MOST_ROWS = 8_000


@dataclass(frozen=True)
class Predictability:
    """The result of `explain_outcomes`.

    Attributes
    ----------
    scores
        One row per question (scheme) and model, columns `COLUMNS`. `brier_skill` is
        `1 - sum (p - y)^2 / sum (b - y)^2` (refs. 1 and 2) with b the base rate of the same training part: 0
        explains nothing, 1 everything; its 95% interval resamples units, with the models fixed.
        `log_loss_skill` is the same for the log loss. Calibration is perfect with intercept 0 and slope 1;
        NaN where only base rates are predicted.
    calibration
        Attempts in up to eight bins of the probability that the chosen model predicts, columns
        `CALIBRATION_COLUMNS`, with a 95% interval of the observed rate that resamples units.
    summary
        One sentence per question.
    """

    scores: pd.DataFrame
    calibration: pd.DataFrame
    summary: str


@dataclass(frozen=True)
class _Predictions:
    """Predictions of the tested rows: base rate and, by model, probability, shape (rows,) each."""

    question: str
    rows: GroupedCounts
    base: Floats
    chances: dict[str, Floats]


def explain_outcomes(evidence: Evidence, *, target: str = "success", seed: int = 0) -> Predictability:
    """Estimate how much of an outcome the conditions explain, by cross-validation over units.

    Parameters
    ----------
    evidence
        The counted history, its outcomes `features.outcomes.outcome_labels`. Attempts of one unit, where it
        has units, are in the same fold; its period gives the order in time. Of more than 8,000 collapsed
        rows a random sample of so many is used: how sure the answer is hangs on the number of units.
    target
        As in `patterns.find.find_patterns`.
    seed
        Seed of the folds and intervals.

    Returns
    -------
    Predictability
        Without scores where there are fewer than ten units or a hundred attempts, where all attempts ended
        alike, or where there is no condition; the summary gives the reason.
    """
    rows = _rows(evidence, target, seed)
    reason = _too_little(rows)
    if reason:
        empty = pd.DataFrame(columns=list(COLUMNS)), pd.DataFrame(columns=list(CALIBRATION_COLUMNS))
        return Predictability(*empty, f"How much the conditions explain cannot be told: {reason}.")
    rng = np.random.default_rng(seed)
    fold = unit_folds(rows.unit, _FOLDS, rng)
    scores, bins = [], []
    for question, splits in ((OTHER, grouped(fold)), (LATER, _grouped_and_ordered(rows, fold))):
        asked = _predict(question, rows, list(splits), seed)
        if asked is None:
            continue
        scores += [_score(asked, model, seed) for model in asked.chances]
        bins.append(_calibration_bins(asked, seed))
    table = pd.DataFrame(scores, columns=list(COLUMNS[:-1]))
    table["sentence"] = [predictability_sentence(row, target, evidence.unit) for _, row in table.iterrows()]
    summary = " ".join(table.loc[table["model"] == CHOSEN, "sentence"])
    return Predictability(table, pd.concat(bins, ignore_index=True), summary)


def _rows(evidence: Evidence, target: str, seed: int) -> GroupedCounts:
    """Group the evidence by the conditions that differ between attempts."""
    if len(evidence) > _MOST_ROWS:
        # More rows than models of this size need: an even sample, in the order of the rows.
        chosen = np.random.default_rng(seed).choice(len(evidence), _MOST_ROWS, replace=False)
        evidence = evidence.part(np.sort(chosen))
    rows = evidence.grouped(target)
    return rows.select([column for column in rows.columns if len(rows.levels_of(column)) > 1])


def _too_little(rows: GroupedCounts) -> str:
    units, attempts = len(np.unique(rows.unit)), int(rows.n.sum())
    if attempts < _MIN_ATTEMPTS or units < _MIN_UNITS:
        return f"there are {attempts} attempts of {units} units, it takes {_MIN_ATTEMPTS} of {_MIN_UNITS}"
    if not rows.columns:
        return "there is no condition that differs between attempts"
    if rows.rate in {0.0, 1.0}:
        return "all attempts ended alike"
    return ""


def _grouped_and_ordered(
    rows: GroupedCounts, fold: Ints
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Split by block of periods and by fold of units: train on other units' earlier attempts."""
    period = np.zeros(len(rows), dtype=np.int64) if rows.period is None else rows.period
    of_period = np.bincount(period, weights=rows.n)
    # The block in which the middle of each period's attempts falls; blocks hold about as many attempts.
    middle = (np.cumsum(of_period) - of_period / 2) / of_period.sum()
    block = np.floor(middle * _BLOCKS).astype(int)[period]
    for later in np.unique(block)[1:]:
        for one in np.unique(fold):
            yield (fold != one) & (block < later), (fold == one) & (block == later)


def _predict(
    question: str,
    rows: GroupedCounts,
    splits: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    seed: int,
) -> _Predictions | None:
    """Predict the test part of each split; None where no split has enough training data."""
    parts: list[tuple[Ints, Floats, dict[str, Floats]]] = []
    for train, test in splits:
        known = rows.take(train)
        enough = len(np.unique(known.unit)) >= _MIN_KNOWN_UNITS and known.n.sum() >= _MIN_KNOWN_ATTEMPTS
        if not enough or not test.any() or known.rate in {0.0, 1.0}:
            continue
        place = np.flatnonzero(test)
        chances = fit_and_predict(known, rows.take(test), seed)
        parts.append((place, np.full(len(place), known.rate), chances))
    if not parts:
        return None
    tested = rows.take(np.concatenate([place for place, _, _ in parts]))
    base = np.concatenate([own for _, own, _ in parts])
    models = (CHOSEN, LOGISTIC, BOOSTING)
    return _Predictions(
        question, tested, base, {model: np.concatenate([c[model] for _, _, c in parts]) for model in models}
    )


def _brier_losses(rows: GroupedCounts, chance: Floats) -> Floats:
    return np.asarray(rows.k * (1 - chance) ** 2 + (rows.n - rows.k) * chance**2)


def _score(asked: _Predictions, model: str, seed: int) -> dict[str, Any]:
    """Compute the scores of one model against the base rate; see `Predictability`."""
    rows, base, chance = asked.rows, asked.base, asked.chances[model]
    unit = np.unique(rows.unit, return_inverse=True)[1]
    losses = np.bincount(unit, weights=_brier_losses(rows, chance))
    base_losses = np.bincount(unit, weights=_brier_losses(rows, base))
    lost, against = resampled_totals(np.random.default_rng(seed), [losses, base_losses], _BOOTSTRAPS)
    low, high = np.quantile(1 - lost / against, [0.025, 0.975])
    intercept, slope = np.nan, np.nan
    if np.ptp(chance - base) > 1e-6:  # noqa: PLR2004 - more than base rates
        intercept, slope = calibration_line(rows, logit(np.clip(chance, LEAST_CHANCE, 1 - LEAST_CHANCE)))
    return {
        "question": asked.question,
        "model": model,
        "brier_skill": float(1 - losses.sum() / base_losses.sum()),
        "ci_low": float(low),
        "ci_high": float(high),
        "log_loss_skill": 1 - log_loss(rows, chance) / log_loss(rows, base),
        "auc": _auc(rows, chance),
        "calibration_intercept": intercept,
        "calibration_slope": slope,
        "base_rate": rows.rate,
        "attempts": int(rows.n.sum()),
        "units": len(losses),
    }


def _auc(rows: GroupedCounts, chance: Floats) -> float:
    """Compute the area under the ROC curve of weighted rows; NaN where all attempts ended alike."""
    places, place = np.unique(chance, return_inverse=True)
    hits = np.bincount(place, weights=rows.k, minlength=len(places))
    misses = np.bincount(place, weights=rows.n - rows.k, minlength=len(places))
    below = np.cumsum(misses) - misses / 2
    pairs = hits.sum() * misses.sum()
    return float((hits @ below) / pairs) if pairs else np.nan


def _calibration_bins(asked: _Predictions, seed: int) -> pd.DataFrame:
    """Compare predicted and observed shares in bins of about equally many attempts."""
    rows, chance = asked.rows, asked.chances[CHOSEN]
    order = np.argsort(chance, kind="stable")
    middle = (np.cumsum(rows.n[order]) - rows.n[order] / 2) / rows.n.sum()
    numbers = np.empty(len(chance), dtype=int)
    numbers[order] = np.floor(middle * _BINS).astype(int)
    _, place = np.unique(chance.round(6), return_inverse=True)  # equal chances stay together
    first = np.full(place.max() + 1, _BINS)
    np.minimum.at(first, place, numbers)
    unit = np.unique(rows.unit, return_inverse=True)[1]
    bins = [first[place] == one for one in np.unique(first[place])]
    counts = [
        np.bincount(unit[inside], weights=what[inside], minlength=int(unit.max()) + 1)
        for inside in bins
        for what in (rows.n, rows.k)
    ]
    totals = resampled_totals(np.random.default_rng(seed), counts, _BOOTSTRAPS)
    table = []
    for inside, n, k, total, hits in zip(
        bins, counts[::2], counts[1::2], totals[::2], totals[1::2], strict=True
    ):
        low, high = np.quantile(hits[total > 0] / total[total > 0], [0.025, 0.975])
        predicted = float(np.average(chance[inside], weights=rows.n[inside]))
        observed = float(k.sum() / n.sum())
        table.append((asked.question, predicted, observed, low, high, int(n.sum()), int((n > 0).sum())))
    return pd.DataFrame(table, columns=list(CALIBRATION_COLUMNS))
