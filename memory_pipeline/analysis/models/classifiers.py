"""How probable is an outcome given its conditions (calibrated classifiers on collapsed rows)?

A logistic regression on one-hot conditions with two penalties, and gradient boosting. Each is calibrated on
folds of whole units within the training part: probability = expit(a + b logit), with b at least 0, so that a
model without information becomes the base rate. The one with the least log loss on these folds, or the base
rate if none is better, is the chosen one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, log_expit, logit

from memory_pipeline.analysis.compute.threads import one_thread
from memory_pipeline.analysis.models.newton import maximise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats, Ints
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts


CHOSEN, LOGISTIC, BOOSTING = "chosen", "logistic regression", "gradient boosting"
LEAST_CHANCE = 1e-4
"""Predicted chances stay this far from 0 and 1."""
_INNER_FOLDS = 2
_SLOPE_PRECISION = 1e-6
"""Keeps the slope finite where log-odds tell hits and misses apart without exception."""
_PENALTIES = (0.02, 0.5)


def unit_folds(unit: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """Assign whole units to folds at random; return the fold of each row, shape (rows,)."""
    units, place = np.unique(unit, return_inverse=True)
    folds = min(folds, len(units))
    return rng.permutation(np.arange(len(units)) % folds)[place]


def grouped(fold: Ints) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield for each fold which rows are for training and which for testing, shape (rows,) each."""
    for one in np.unique(fold):
        yield fold != one, fold == one


def fit_and_predict(known: GroupedCounts, unseen: GroupedCounts, seed: int) -> dict[str, Floats]:
    """Fit each model, calibrate it by inner folds, and predict unseen rows.

    Returns
    -------
    dict of array, shape (unseen rows,)
        Probability by model; `CHOSEN` is that of the model with the least log loss on the inner folds.
    """
    inner = unit_folds(known.unit, _INNER_FOLDS, np.random.default_rng(seed))
    models = list(_models(seed))
    with one_thread():  # of at most some thousand rows: threads only wait for each other
        return _chances(models, known, unseen, inner)


def _chances(
    models: Sequence[tuple[str, Any]], known: GroupedCounts, unseen: GroupedCounts, inner: Ints
) -> dict[str, Floats]:
    """Calibrate each model by inner folds, shape (known rows,), and choose; see `fit_and_predict`."""
    losses = {CHOSEN: log_loss(known, np.full(len(known.n), known.rate))}  # the base rate itself
    chances = {CHOSEN: np.full(len(unseen.n), known.rate)}
    for name, model in models:
        held_out = np.empty(len(known.n))
        for train, test in grouped(inner):
            held_out[test] = _log_odds(model, known.take(train), known.take(test))
        intercept, slope = calibration_line(known, held_out)
        slope = max(slope, 0.0)
        if slope == 0:
            intercept = float(logit(known.rate))
        loss = log_loss(known, expit(intercept + slope * held_out))
        if loss < losses.get(name, np.inf):
            losses[name] = loss
            chances[name] = expit(intercept + slope * _log_odds(model, known, unseen))
    best = min(losses, key=losses.__getitem__)
    chances[CHOSEN] = chances[best]
    return chances


def _models(seed: int) -> Iterator[tuple[str, Any]]:
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - a second to import
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    for penalty in _PENALTIES:
        yield LOGISTIC, LogisticRegression(C=penalty, max_iter=300)
    yield (
        BOOSTING,
        HistGradientBoostingClassifier(
            max_iter=25, learning_rate=0.2, max_leaf_nodes=8, min_samples_leaf=20, random_state=seed
        ),
    )


def _log_odds(model: Any, known: GroupedCounts, unseen: GroupedCounts) -> Floats:
    """Fit a model on some rows and predict the log-odds of others; the base rate where all ended alike."""
    if known.rate in {0.0, 1.0}:
        return np.full(len(unseen.n), float(logit(np.clip(known.rate, LEAST_CHANCE, 1 - LEAST_CHANCE))))
    is_linear = hasattr(model, "C")
    train, test = (_one_hot(rows) if is_linear else _columns_of_trees(rows) for rows in (known, unseen))
    # A collapsed row is two: its attempts with the target, and those without.
    double = np.concatenate([np.arange(len(known.n))] * 2)
    weights = np.concatenate([known.k, known.n - known.k])
    hits = np.repeat([1, 0], len(known.n))
    some = weights > 0
    model.fit(train[double[some]], hits[some], sample_weight=weights[some])
    chance = model.predict_proba(test)[:, 1]
    return np.asarray(logit(np.clip(chance, LEAST_CHANCE, 1 - LEAST_CHANCE)))


def _one_hot(rows: GroupedCounts) -> Any:
    from scipy import sparse  # noqa: PLC0415

    starts = np.concatenate([[0], np.cumsum(rows.sizes)])
    columns = (rows.codes + starts[:-1]).ravel()
    ends = np.arange(0, len(columns) + 1, len(rows.sizes))
    return sparse.csr_array((np.ones(len(columns)), columns, ends), shape=(len(rows.n), int(starts[-1])))


def _columns_of_trees(rows: GroupedCounts) -> Floats:
    """Return the codes as numbers; trees can split them anywhere, so their order hardly matters."""
    return rows.codes.astype(float)


def calibration_line(rows: GroupedCounts, log_odds: Floats) -> tuple[float, float]:
    """Fit outcome = expit(a + b log_odds) and return a and b; (logit of the rate, 0) where it is flat."""
    base = float(logit(np.clip(rows.rate, LEAST_CHANCE, 1 - LEAST_CHANCE)))
    centre = float(np.average(log_odds, weights=rows.n))
    x = np.column_stack([np.ones(len(log_odds)), log_odds - centre])
    if np.average(x[:, 1] ** 2, weights=rows.n) < 1e-8:  # noqa: PLR2004 - nothing varies
        return base, 0.0

    def objective(line: Floats) -> float:
        eta = x @ line
        likelihood = rows.k @ log_expit(eta) + (rows.n - rows.k) @ log_expit(-eta)
        return float(likelihood - 0.5 * _SLOPE_PRECISION * line[1] ** 2)

    def newton_step(line: Floats) -> tuple[Floats, float]:
        p, ridge = expit(x @ line), np.array([0.0, _SLOPE_PRECISION])
        gradient = x.T @ (rows.k - rows.n * p) - ridge * line
        step = np.linalg.solve((x.T * (rows.n * p * (1 - p))) @ x + np.diag(ridge), gradient)
        return step, float(gradient @ step)

    found = maximise(
        objective, newton_step, np.array([base, 0.0]), tolerance=1e-12, what="line through log-odds"
    )
    return float(found[0] - found[1] * centre), float(found[1])


def log_loss(rows: GroupedCounts, chance: Floats) -> float:
    """Compute the sum of the log losses of all attempts."""
    p = np.clip(chance, LEAST_CHANCE, 1 - LEAST_CHANCE)
    return float(-(rows.k @ np.log(p) + (rows.n - rows.k) @ np.log1p(-p)))
