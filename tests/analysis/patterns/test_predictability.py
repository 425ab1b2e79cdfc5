"""How much the conditions explain: near the oracle where they do, nothing where they do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_worlds import packaging_world
from sklearn.metrics import brier_score_loss, roc_auc_score

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
from memory_pipeline.analysis.features.outcomes import outcome_labels
from memory_pipeline.analysis.models.classifiers import (
    CHOSEN,
    calibration_line,
    grouped,
    unit_folds,
)
from memory_pipeline.analysis.names import OUTCOME
from memory_pipeline.analysis.patterns.predictability import (
    CALIBRATION_COLUMNS,
    COLUMNS,
    LATER,
    OTHER,
    _auc,
    _grouped_and_ordered,
    explain_outcomes,
)
from memory_pipeline.analysis.patterns.text import predictability_sentence

CONDITIONS = ["installer_type", "team", "wrapper", "logging", "detection", "signing"]


def evidence_of(outcomes, conditions=CONDITIONS):
    frame = outcomes[conditions].astype(str)
    frame = frame.assign(
        **{
            OUTCOME: outcome_labels(outcomes, "success"),
            "application_name": outcomes["application_name"],
            "month": outcomes["occurred_at"].dt.strftime("%Y-%m"),
        }
    )
    return count_evidence(
        frame, conditions=conditions, outcome=OUTCOME, unit="application_name", period="month"
    )


def empty_world(seed, *, constant):
    """Applications with very different success rates and conditions that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    app = rng.integers(0, 60, 1500)
    values = {
        f"c{i}": np.where(
            constant | (rng.random(1500) < 0.5), rng.integers(0, 4, 60)[app], rng.integers(0, 4, 1500)
        ).astype(str)
        for i in range(4)
    }
    chance = rng.beta(1.2, 0.6, 60)[app]
    days = pd.to_timedelta(rng.integers(0, 360, 1500), unit="D")
    return pd.DataFrame(
        {
            **values,
            "application_name": app.astype(str),
            "occurred_at": pd.Timestamp("2025-01-01", tz="UTC") + days,
            "outcome_status": np.where(rng.random(1500) < chance, "success", "failure"),
        }
    )


@pytest.fixture(scope="module")
def planted():
    world = packaging_world(
        1, attempts=2500, unit_spread=0.0, heavy_tail=False, wrapper=0.3, product_code=0.2
    )
    return world, explain_outcomes(evidence_of(world.outcomes))


def test_planted_effects_are_explained_as_well_as_the_truth_would(planted):
    world, found = planted
    happened = (world.outcomes["outcome_status"] == "success").to_numpy(dtype=float)
    worst = brier_score_loss(happened, np.full(len(happened), happened.mean()))
    oracle = 1 - brier_score_loss(happened, world.chances()) / worst

    chosen = found.scores[found.scores["model"] == CHOSEN].set_index("question")
    assert oracle > 0.1
    assert chosen.loc[OTHER, "brier_skill"] > 0.8 * oracle
    assert chosen.loc[LATER, "brier_skill"] > 0.6 * oracle  # learns from less, and meets other attempts
    assert chosen["ci_low"].min() > 0
    assert chosen["calibration_slope"].between(0.7, 1.4).all()
    assert "the conditions explain some" in found.summary


def test_the_tables_have_their_columns_and_make_sense(planted):
    world, found = planted
    assert list(found.scores.columns) == list(COLUMNS)
    assert list(found.calibration.columns) == list(CALIBRATION_COLUMNS)
    assert found.scores.groupby("question").size().tolist() == [3, 3]
    other = found.scores[found.scores["question"] == OTHER]
    assert other["attempts"].tolist() == [len(world.outcomes)] * 3
    assert other["units"].tolist() == [world.outcomes["application_name"].nunique()] * 3
    bins = found.calibration[found.calibration["question"] == OTHER]
    assert bins["attempts"].sum() == len(world.outcomes)
    assert bins["predicted"].is_monotonic_increasing
    assert (bins["observed"] - bins["predicted"]).abs().max() < 0.1


@pytest.mark.parametrize("constant", [True, False])
def test_conditions_without_effects_are_said_to_explain_nothing(constant):
    """Folds that split units find something in each such world: one of each sort is enough."""
    found = explain_outcomes(evidence_of(empty_world(0, constant=constant), [f"c{i}" for i in range(4)]))
    chosen = found.scores[found.scores["model"] == CHOSEN]
    assert set(chosen["question"]) == {OTHER, LATER}
    assert chosen["brier_skill"].between(-0.1, 0.02).all()
    assert chosen["ci_low"].max() <= 0
    assert "explain nothing that can be shown" in found.summary


def test_a_small_history_is_answered_too():
    small = empty_world(1, constant=False)
    small = small[small["application_name"].isin([str(i) for i in range(10)])]
    found = explain_outcomes(evidence_of(small, ["c0", "c1"]))
    assert set(found.scores["question"]) == {OTHER, LATER}
    assert "10 applications" in found.summary


def test_units_are_never_split_and_later_attempts_never_learned_from():
    rng = np.random.default_rng(0)
    unit, period = rng.integers(0, 30, 500), rng.integers(0, 12, 500)
    ones = np.ones(500)
    rows = GroupedCounts(("c",), (("a",),), np.zeros((500, 1), dtype=int), unit, ones, ones, period)
    fold = unit_folds(unit, 5, rng)
    tested = np.zeros(500, dtype=int)
    for train, test in grouped(fold):
        assert not set(unit[train]) & set(unit[test])
        tested += test
    assert (tested == 1).all()
    splits = list(_grouped_and_ordered(rows, fold))
    assert len(splits) == 10
    for train, test in splits:
        assert not set(unit[train]) & set(unit[test])
        assert period[train].max() < period[test].min()


def test_the_area_under_the_curve_is_scikit_learns():
    rng = np.random.default_rng(1)
    n = rng.integers(1, 6, 80)
    k = rng.binomial(n, 0.4)
    chance = rng.random(80).round(1)
    zeros = np.zeros(80, dtype=int)
    rows = GroupedCounts(("c",), (("a",),), zeros[:, None], zeros, n.astype(float), k.astype(float))
    happened = np.concatenate([np.repeat([1, 0], [hit, all_ - hit]) for hit, all_ in zip(k, n, strict=True)])
    assert _auc(rows, chance) == pytest.approx(roc_auc_score(happened, np.repeat(chance, n)))


def test_a_bold_forecast_has_a_slope_below_one():
    rng = np.random.default_rng(2)
    log_odds = rng.normal(0.3, 1, 20_000)
    hits = rng.binomial(1, 1 / (1 + np.exp(-(0.2 + log_odds)))).astype(float)
    zeros = np.zeros(len(hits), dtype=int)
    rows = GroupedCounts(("c",), (("a",),), zeros[:, None], zeros, np.ones(len(hits)), hits)
    assert calibration_line(rows, log_odds) == pytest.approx((0.2, 1.0), abs=0.06)
    assert calibration_line(rows, 2 * log_odds) == pytest.approx((0.2, 0.5), abs=0.06)
    assert calibration_line(rows, zeros + 0.7)[1] == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda frame: frame.head(60), "60 attempts of"),
        (lambda frame: frame[frame["application_name"].isin([str(i) for i in range(6)])], "of 6 units"),
        (lambda frame: frame.assign(outcome_status="success"), "all attempts ended alike"),
        (lambda frame: frame.assign(c0="same"), "no condition that differs"),
    ],
)
def test_where_it_cannot_be_told_the_reason_is_given(change, reason):
    found = explain_outcomes(evidence_of(change(empty_world(0, constant=False)), ["c0"]))
    assert found.scores.empty
    assert found.calibration.empty
    assert reason in found.summary


@pytest.mark.parametrize(
    ("skill", "low", "high", "said"),
    [
        (0.02, -0.01, 0.05, "explain nothing that can be shown: 2% of the scatter of success"),
        (0.03, 0.01, 0.05, "explain little: 3%"),
        (0.1, 0.05, 0.2, "explain some: 10%"),
        (0.4, 0.3, 0.5, "explain much: 40%"),
        (0.1, -0.1, 0.3, "it cannot be told how much the conditions explain"),
    ],
)
def test_the_answer_in_words(skill, low, high, said):
    row = {"question": OTHER, "brier_skill": skill, "ci_low": low, "ci_high": high, "attempts": 9, "units": 3}
    sentence = predictability_sentence(row, "success", "application_name")
    assert sentence.startswith("For applications not seen before, ")
    assert said in sentence
    later = predictability_sentence({**row, "question": LATER}, "success", None)
    assert later.startswith("For later attempts not seen before, ")
