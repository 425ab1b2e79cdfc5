"""What was known before a month: nothing of the month or after it reaches what is said about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_worlds import packaging_world, roles
from statsmodels.stats.proportion import proportion_confint

from memory_pipeline.analysis.learning import backtest
from memory_pipeline.analysis.learning.backtest import backtest_months
from memory_pipeline.analysis.learning.backtest_measures import coverage_rows, drift_rows, prior_knowledge
from memory_pipeline.analysis.learning.measures import measure_table, period_starts
from memory_pipeline.analysis.models.change_points import find_changes
from memory_pipeline.analysis.recommendations import fit_policy
from memory_pipeline.analysis.recommendations.current import fit_current_policy
from memory_pipeline.analysis.recommendations.level import NO_LEVEL

CUT = pd.Timestamp("2024-09-01", tz="UTC")


def coverage(frame, **more):
    """Coverage of the whole by month."""
    views = backtest_months(frame, **roles(min_sample_size=30, confidence_threshold=0.95, **more))
    return measure_table(row for view in views for row in coverage_rows(view, {}))


def drift(frame):
    return measure_table(row for view in backtest_months(frame, **roles()) for row in drift_rows(view))


def knowledge(frame):
    return prior_knowledge(frame, **roles())


def other_future(frame):
    """The same history up to the cut; after it what ended well ends badly, so that what helped harms."""
    earlier = frame["occurred_at"] < CUT
    turned = np.where(frame["outcome_status"] == "success", "failure", "success")
    return frame.assign(outcome_status=frame["outcome_status"].where(earlier, turned))


def depends_on_the_future(measure, frame):
    """Return whether what is measured about months before the cut changes with what comes after it."""
    known, changed = (
        one[one["period_start"] < CUT].reset_index(drop=True)
        for one in (measure(frame), measure(other_future(frame)))
    )
    assert len(known) > 0
    return not known.equals(changed)


@pytest.fixture(scope="module")
def frame():
    return packaging_world(3, attempts=1500, product_code=0.25).outcomes


@pytest.mark.parametrize("measure", [knowledge, coverage, drift])
def test_the_future_changes_nothing_that_is_said_about_the_past(measure, frame):
    assert not depends_on_the_future(measure, frame)


@pytest.mark.parametrize("measure", [knowledge, coverage])
def test_a_model_that_peeks_would_be_seen(measure, frame, monkeypatch):
    """Planted leak: a policy that learns from the month that it is asked about, and from all after it."""

    def peeking(one):
        def fit(_, **options):
            return fit_current_policy(one, **options)

        monkeypatch.setattr(backtest, "fit_current_policy", fit)
        return measure(one)

    assert depends_on_the_future(peeking, frame)


def test_a_column_known_only_afterwards_is_not_looked_at_and_would_be_seen(frame):
    """Planted leak: the exit code tells how the attempt ended."""
    random = np.random.default_rng(0)
    is_success = frame["outcome_status"] == "success"
    told = frame.assign(exit_code=np.where(is_success ^ (random.random(len(frame)) < 0.02), "0", "1603"))
    honest = prior_knowledge(frame, **roles())
    pd.testing.assert_frame_equal(prior_knowledge(told, **roles()), honest)

    leaking = prior_knowledge(told, **roles(context=["installer_type", "team", "exit_code"]))
    # The contract of the learning measures warns from 0.8 on; what is honest is far below.
    assert leaking["value"].median() > 0.8
    assert honest["value"].max() < 0.5


def test_views_are_cut_at_the_first_moment_of_the_month(frame):
    views = list(backtest_months(frame, **roles()))
    for view in views:
        assert (view.before["occurred_at"] < view.start).all()
        assert (view.attempts["occurred_at"] >= view.start).all()
        assert (view.attempts["occurred_at"] < view.start + pd.DateOffset(months=1)).all()
        assert view.learnt_until <= view.start
        assert view.policy.history["attempts"] <= len(view.before)
    assert len({view.learnt_until for view in views}) <= 6
    assert views[-1].learnt_until == views[-1].start
    assert len(views[0].before) >= 100
    only = [views[-1].start]
    [last] = backtest_months(frame, **roles(), months=only)
    assert last.learnt_until == last.start == only[0]


def test_a_month_without_any_attempt_before_it_is_left_out(frame):
    views = list(backtest_months(frame, **roles(), min_history=0, max_fits=2))
    assert [view.start for view in views] == sorted(period_starts(frame).unique())[1:]
    found = prior_knowledge(frame, **roles(), min_history=0, max_fits=2)
    assert len(found) > 0
    assert np.isfinite(found["value"]).all()


def test_everything_is_learnt_anew_as_the_history_grows():
    known = np.arange(1, 61) * 100
    steps = backtest._steps(known, 8)
    first = known[np.flatnonzero(np.diff(steps, prepend=-1))]
    assert 1 < len(first) <= 8
    assert (first[1:] / first[:-1] <= 2).all()
    assert backtest._steps(known[:5], 8).tolist() == [0, 1, 2, 3, 4]
    # Where it does not grow there is nothing to learn, but what is said of the last month is of today.
    assert backtest._steps(np.full(30, 100), 8).tolist() == [0] * 29 + [7]


def test_coverage_is_the_share_that_the_policy_of_before_answers(frame):
    settings = frame["team"].astype(str)
    limits = {"min_sample_size": 30, "confidence_threshold": 0.7}
    [view] = backtest_months(frame, **roles(), months=[CUT], **limits)
    rows = measure_table(coverage_rows(view, {"team": settings}))
    policy = fit_policy(frame[frame["occurred_at"] < CUT], **roles(), **limits)
    month = view.attempts
    answers = [
        policy.recommend({column: row[column] for column in ("installer_type", "team")}).recommended_approach
        for _, row in month.iterrows()
    ]
    has_advice = np.array([one is not None for one in answers])
    assert rows.iloc[0]["value"] == has_advice.mean()
    assert rows.iloc[0]["sample_size"] == len(month)
    assert rows.iloc[0]["ci_low"] is None
    for _, row in rows.iloc[1:].iterrows():
        inside = (month["team"] == row["segment_value"]).to_numpy()
        assert (row["value"], row["sample_size"]) == (has_advice[inside].mean(), inside.sum())


def test_of_a_large_month_some_are_asked_for_and_the_interval_says_so(frame):
    [view] = backtest_months(frame, **roles(), months=[CUT], min_sample_size=30, confidence_threshold=0.7)
    whole = measure_table(coverage_rows(view, {})).iloc[0]
    asked = measure_table(coverage_rows(view, {}, max_asked=40)).iloc[0]
    assert asked["sample_size"] == 40
    assert asked["details"]["attempts"] == len(view.attempts) == whole["sample_size"]
    interval = proportion_confint(asked["details"]["with_advice"], 40, method="wilson")
    assert (asked["ci_low"], asked["ci_high"]) == pytest.approx(interval)
    assert asked["ci_low"] <= whole["value"] <= asked["ci_high"]


def test_coverage_rises_with_the_history_and_is_nothing_without_effects():
    strong = coverage(packaging_world(2, attempts=2500, product_code=0.25, logging=0.2).outcomes)
    empty = coverage(
        packaging_world(2, attempts=2500).outcomes,
    )
    assert strong["value"].iloc[-3:].mean() > 0.8
    assert strong["value"].iloc[-3:].mean() > strong["value"].iloc[:2].mean()
    assert empty["value"].iloc[-3:].mean() < 0.4


def test_drift_tells_the_changes_of_the_policy_and_where():
    made = packaging_world(5, attempts=3000, heavy_tail=False, units=120, product_code=0.2)
    frame = made.outcomes
    broken = (frame["detection"] == "product_code") & (frame["occurred_at"] >= CUT)
    draws = np.random.default_rng(1).random(len(frame)) < 0.5
    frame = frame.assign(outcome_status=frame["outcome_status"].where(~(broken & draws), "failure"))
    rows = drift(frame)
    counts = rows[rows["measure"] == "drift"].set_index("period_start")["value"]
    assert set(counts[counts.index <= CUT]) == {0}
    assert counts.iloc[-1] >= 1
    newest = rows[(rows["measure"] == "drift_change") & (rows["period_start"] == counts.index[-1])]
    assert len(newest) == counts.iloc[-1]
    largest = newest.loc[newest["value"].abs().idxmax()]
    assert (largest["segment_column"], largest["segment_value"]) == ("detection", "product_code")
    assert largest["value"] < -0.2
    assert abs(pd.Timestamp(largest["details"]["since"]) - CUT) < pd.Timedelta(days=45)
    [view] = backtest_months(frame, **roles(), months=[counts.index[-1]])
    model = replace(fit_policy(view.before, **roles()), level=NO_LEVEL)
    columns = [*roles()["approach"], *roles()["context"]]
    expected = find_changes(
        view.before, model.expected(view.before), columns=columns, unit="application_name"
    )
    assert view.policy.changes == tuple(one.to_dict() for one in expected)
