"""Learning and replay: intervals that hold, and refusals where nothing can be said.

The rates over many worlds are those of `benchmarks/replay.py`.
"""

import json

import numpy as np
import pandas as pd
import pytest
from made_worlds import CONTEXT, SETTINGS, UNIT, packaging_world, roles

from memory_pipeline.analysis.learning import replay
from memory_pipeline.analysis.learning.backtest_measures import prior_knowledge
from memory_pipeline.analysis.learning.replay import _Attempts, _estimate
from memory_pipeline.analysis.learning.success_rate import success_over_time
from memory_pipeline.analysis.recommendations import fit_policy
from memory_pipeline.analysis.recommendations.essential_settings import find_essential_settings
from memory_pipeline.analysis.stats.cluster_bootstrap import unit_bootstrap


def true_uplift(world, result, settings):
    """What following the policy of a replay would have changed for its later attempts."""
    later = world.outcomes["occurred_at"] >= pd.Timestamp(result.split_at)
    policy = fit_policy(world.outcomes[~later], **roles(approach=settings))
    assert policy.version == result.policy_version
    frame = world.outcomes[later]
    advised = {
        row: _advised(policy, posterior) for rows, posterior in policy.posteriors(frame) for row in rows
    }
    advice = pd.DataFrame([advised[row] for row in range(len(frame))], index=frame.index)
    made = world.outcomes.astype(dict.fromkeys(settings, object))
    for column in advice:
        made[column] = advice[column].reindex(made.index).combine_first(made[column])
    return (world.chances(made) - world.chances())[later.to_numpy()].mean()


def _advised(policy, posterior):
    index = policy.choice(posterior).index
    return {} if index is None else find_essential_settings(policy, posterior, index).approach


@pytest.mark.statistics
@pytest.mark.parametrize("settings", [["detection"], list(SETTINGS)], ids=["one setting", "all settings"])
def test_replays_interval_covers_the_true_uplift(settings):
    covered, errors = [], []
    for seed in range(200, 212):
        world = packaging_world(
            seed, attempts=1400, units=100, heavy_tail=False, product_code=0.12, registry=-0.08, wrapper=0.08
        )
        result = replay(world.outcomes, **roles(approach=settings))
        if result.sufficient:
            truth = true_uplift(world, result, settings)
            covered.append(result.ci_low <= truth <= result.ci_high)
            errors.append(result.uplift - truth)
    # At 95%, four or more misses of twelve have a probability of 0.2%.
    assert len(covered) >= 6
    assert np.sum(~np.array(covered)) <= 3
    assert abs(np.mean(errors)) < 0.03


@pytest.mark.statistics
def test_unit_bootstrap_covers_where_units_repeat():
    random = np.random.default_rng(0)
    covered = {20: [], 100: []}
    for units, hits in covered.items():
        for _ in range(150):
            unit = random.choice(units, size=800, p=random.dirichlet(np.full(units, 2.0)))
            deviation = random.normal(0, 0.4, units)
            interval = unit_bootstrap(deviation[unit] + random.normal(0, 1, 800), unit, draws=400)
            hits.append(interval.low <= 0 <= interval.high)
    assert all(np.mean(hits) > 0.9 for hits in covered.values())


def test_unit_bootstrap_is_about_the_standard_error_of_a_mean():
    values = np.random.default_rng(1).normal(0, 2, 2000)
    interval = unit_bootstrap(values, np.arange(2000))
    assert interval.standard_error == pytest.approx(2 / np.sqrt(2000), rel=0.06)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * interval.standard_error, rel=0.01)
    one = unit_bootstrap(values, np.zeros(2000, dtype=int))
    assert (one.low, one.high) == (-1, 1)


def test_what_had_no_advice_does_not_make_a_replay_surer():
    def half_width(others):
        random = np.random.default_rng(1)
        unit = np.repeat(np.arange(12 + others), [300] + [10] * 11 + [30] * others)
        is_advised = unit < 12
        agrees = is_advised & (random.random(len(unit)) < 0.5)
        attempts = _Attempts(
            rewards=(random.random(len(unit)) < 0.3 + 0.05 * (unit % 8)).astype(float),
            unit=unit,
            context=np.zeros(len(unit), dtype=np.int64),
            pool=np.zeros(len(unit), dtype=np.int64),
            is_advised=is_advised,
            agrees=agrees,
            propensity=np.full(len(unit), 0.5),
            promised=np.full(len(unit), 0.6),
        )
        model = np.full(len(unit), 0.5), np.full(len(unit), 0.5)
        shape = (len(unit), len(unit), "2026-01-01", "made")
        found = _estimate(attempts, model, shape, clip=0.01, floors=(1.0, 1.0))
        return (found.ci_high - found.ci_low) / 2 / is_advised.mean()

    assert half_width(60) > 0.9 * half_width(0)


def test_a_replay_tries_the_best_advice_without_exploration():
    outcomes = packaging_world(3, attempts=1500, product_code=0.2).outcomes
    plain, explored = (replay(outcomes, **roles(), exploration=share) for share in (0.0, 0.5))
    assert plain.advised
    assert explored.uplift == plain.uplift


def test_replay_says_why_it_cannot_tell():
    frame = packaging_world(217, attempts=500).outcomes
    none = replay(frame, **roles(), split="2030-01-01")
    assert "there are no later attempts" in none.reason
    silent = replay(frame, **roles(confidence_threshold=1.0, min_sample_size=10**6))
    assert "had no advice for any" in silent.reason
    assert (silent.uplift, silent.advised, silent.attempts_after) == (0, 0, 250)
    # Later, everybody does otherwise than advised.
    world = packaging_world(218, attempts=3000, units=120, product_code=0.25)
    changed = world.outcomes.copy()
    later = changed["occurred_at"] >= changed["occurred_at"].iloc[1500]
    changed.loc[later & (changed["detection"] == "product_code"), "detection"] = "file"
    apart = replay(changed, **roles(approach=["detection"]))
    assert not apart.sufficient
    assert apart.agreeing == 0
    assert "0 did as advised" in apart.reason
    for result in (none, silent, apart):
        assert (result.ci_low, result.ci_high) == (-1, 1)
        assert json.loads(json.dumps(result.to_dict()))["sufficient"] is False


def test_attempts_of_one_moment_stay_together():
    frame = packaging_world(219, attempts=400).outcomes
    frame["occurred_at"] = pd.to_datetime(
        np.where(np.arange(400) < 300, "2024-01-01", "2024-06-01"), utc=True
    )
    assert replay(frame, **roles(), split=0.9).attempts_before == 300


@pytest.mark.parametrize(
    ("split", "says"), [("soon", "split is 'soon'"), (0, "split is 0"), (1.0, "split is 1.0")]
)
def test_a_split_that_is_none_is_refused(split, says):
    with pytest.raises(ValueError, match=says):
        replay(packaging_world(220, attempts=100).outcomes, **roles(), split=split)


@pytest.mark.parametrize("measure", ["replay", "prior", "over time"])
def test_attempts_without_a_time_are_refused(measure):
    frame = packaging_world(221, attempts=100).outcomes
    call = {
        "replay": lambda f: replay(f, **roles()),
        "prior": lambda f: prior_knowledge(f, **roles()),
        "over time": success_over_time,
    }[measure]
    with pytest.raises(KeyError, match=r"the columns \['occurred_at'\] are needed"):
        call(frame.drop(columns="occurred_at"))
    frame.loc[3, "occurred_at"] = pd.NaT
    with pytest.raises(ValueError, match="occurred_at is missing in 1 rows"):
        call(frame)


def test_success_over_time_in_other_periods_and_zones():
    frame = pd.DataFrame(
        {
            "occurred_at": pd.to_datetime(
                ["2024-01-31T23:30:00-02:00", "2024-02-05T00:00:00+00:00", "2024-05-06T00:00:00+00:00"],
                utc=True,
            ),
            "outcome_status": ["success", "partial", "success"],
        }
    )
    months = success_over_time(frame)
    assert [str(start.date()) for start in months["period_start"]] == ["2024-02-01", "2024-05-01"]
    assert months["value"].tolist() == [0.5, 1.0]
    assert months["details"].iloc[0] == {"success": 1, "failure": 0, "partial": 1}
    assert [str(s.date()) for s in success_over_time(frame, freq="QS")["period_start"]] == [
        "2024-01-01",
        "2024-04-01",
    ]
    assert [str(s.date()) for s in success_over_time(frame, freq="W-MON")["period_start"]] == [
        "2024-01-29",
        "2024-02-05",
        "2024-05-06",
    ]
    with pytest.raises(ValueError, match="freq is 'fortnight'"):
        success_over_time(frame, freq="fortnight")
    assert success_over_time(frame.head(0)).empty


def test_prior_knowledge_is_the_brier_skill_of_the_months_before():
    frame = packaging_world(222, attempts=1500, product_code=0.25).outcomes
    table = prior_knowledge(frame, **roles(), max_fits=1_000)
    row = table.iloc[-1]
    start = row["period_start"]
    before = frame[frame["occurred_at"] < start]
    month = frame[(frame["occurred_at"] >= start) & (frame["occurred_at"] < start + pd.DateOffset(months=1))]
    expected = fit_policy(before, **roles()).expected(month)
    happened = (month["outcome_status"] == "success").astype(float)
    base = (before["outcome_status"] == "success").mean()
    skill = 1 - ((expected - happened) ** 2).sum() / ((base - happened) ** 2).sum()
    assert row["value"] == pytest.approx(skill)
    assert row["sample_size"] == len(month)
    assert row["details"]["units"] == month[UNIT].nunique()
    assert row["details"]["attempts_before"] == len(before)


def test_prior_knowledge_skips_what_has_no_score():
    frame = packaging_world(223, attempts=900).outcomes
    assert prior_knowledge(frame.assign(outcome_status="success"), **roles()).empty
    assert prior_knowledge(frame, **roles(), min_history=10_000).empty
    lonely = frame.copy()
    last = lonely["occurred_at"] >= pd.Timestamp("2025-06-01", tz="UTC")
    lonely.loc[last, UNIT] = "app-000"
    row = prior_knowledge(lonely, **roles()).iloc[-1]
    assert row["ci_low"] is None
    assert row["ci_high"] is None


def test_real_history_is_replayed(shared_data):
    runs = pd.read_parquet(shared_data / "dataverse_r" / "runs.parquet")
    years = runs["publication_year"].fillna(2014).astype(int).astype(str)
    frame = runs.assign(
        outcome_status=runs["status"].replace({"timeout": "failure"}),
        occurred_at=pd.to_datetime(years + "-07-01", utc=True),
    )
    result = replay(
        frame,
        approach=["code_cleaning", "r_version"],
        context=["dataverse_type", "subject"],
        unit="doi",
        split="2017-01-01",
    )
    # Cleaning the code is worth some five points, and was done in half of the runs.
    assert result.conclusive
    assert 0.01 < result.ci_low < result.ci_high < 0.12
    assert result.mean_weight == pytest.approx(1, abs=0.15)


def test_packaging_history_is_too_entangled_to_tell(shared_data):
    days = pd.read_parquet(shared_data / "choco_unibas" / "package_days.parquet")
    frame = days.rename(columns={"package": UNIT, "day": "occurred_at", "status": "outcome_status"})
    result = replay(
        frame,
        approach=["silent_family", "au_module", "checksum", "url64", "user_agent", "version_source"],
        context=["installer_type", "repo"],
        unit=UNIT,
    )
    assert result.attempts_before + result.attempts_after == len(days)
    assert not result.sufficient or result.ci_low <= 0.02


def test_context_that_is_the_unit_is_left_out():
    frame = packaging_world(224, attempts=600).outcomes
    one = fit_policy(frame, **roles(context=[*CONTEXT, UNIT]))
    assert one.version == fit_policy(frame, **roles()).version
