"""The declared truth holds in the data: seen by strata, in the drawn outcomes, apart from the mechanism."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.worlds import Contrast, Hazards, sample_organisation
from memory_pipeline.worlds.mechanism import is_right_switch

LEARNED = {
    "close_processes": "yes",
    "prerequisites: vcredist": "yes",
    "detection_method": "script",
    "install_context": "system",
    "transform": "yes",
    "repackaged": "no",
}
NAMES = ("closing processes", "Visual C++ runtime first", "detection by file", "transform")
NO_EFFECT = ("PSADT wrapper", "forced restart", "user context elsewhere", "repackaging after the drift")


def stratified_difference(organisation, contrast):
    """Difference in observed success within strata, averaged by the strata's sizes, and its standard error.

    Given application, team, and how far that has taken up what was learned, settings are chosen
    independently: these are the true strata. Which side of the drift an attempt is on is added, as hazards
    change there. All right switches of an installer type are alike, and so are all wrong ones.
    """
    columns = organisation.potential.columns
    frame = organisation.attempts_frame().assign(
        success=lambda all_of: (all_of["outcome_status"] == "success").astype(float),
        progress=np.round(columns["following"] * 8),
        is_late=lambda all_of: all_of["occurred_at"] >= organisation.truth.drift.date,
    )
    if contrast.column == "silent_switch":
        frame["silent_switch"] = np.where(is_right_switch(columns), contrast.value, contrast.reference)
    frame = frame[contrast.scope(columns)]
    strata = ["application_name", "team", "progress", "is_late"]
    size = frame.groupby(strata).size()
    sides = []
    for value in (contrast.value, contrast.reference):
        side = frame[frame[contrast.column] == value].groupby(strata)["success"].agg(["mean", "count"])
        sides.append(side.reindex(size.index))
    usable = (sides[0]["count"] >= 3) & (sides[1]["count"] >= 3)
    assert size[usable].sum() > 0.85 * size.sum(), "too few attempts are in strata with both values"
    weight = (size / size[usable].sum())[usable]
    difference = float(((sides[0]["mean"] - sides[1]["mean"])[usable] * weight).sum())
    # The rate's variance at (k + 1) / (n + 2), so that a stratum without failures is not taken for certain.
    variance = 0.0
    for side in sides:
        rate = (side["mean"] * side["count"] + 1) / (side["count"] + 2)
        variance += float((weight**2 * rate * (1 - rate) / side["count"])[usable].sum())
    return difference, variance**0.5


@pytest.mark.parametrize(
    "name",
    [*NAMES, "silent switch of msi", "user context for CAD", "repackaging before the drift", *NO_EFFECT],
)
def test_the_stratified_difference_is_near_the_declared_one(large, name):
    effect = large.truth.effect(name)
    difference, error = stratified_difference(large, effect.contrast)
    assert error < 0.03
    assert abs(difference - effect.risk_difference) < 3.5 * error + 0.005


@pytest.mark.parametrize("seed", [1, 7, 23])
def test_planted_effects_have_the_sizes_that_were_promised(seed):
    truth = sample_organisation(seed).truth
    for name in NAMES:
        assert 0.09 < abs(truth.effect(name).risk_difference) < 0.27, name
    assert sum(effect.risk_difference < 0 for effect in truth.effects) == 1
    assert truth.interaction.inside.risk_difference < -0.15
    assert truth.drift.before.risk_difference > 0.09
    assert 0.13 < truth.intraclass_correlation < 0.4


def test_what_has_no_effect_has_exactly_none(sample):
    for name in NO_EFFECT:
        assert sample.truth.effect(name).risk_difference == 0
    frame = sample.attempts_frame()
    as_it_was = sample.success_probability()
    for column in sample.truth.null_columns:
        for value in frame[column].unique():
            assert np.array_equal(sample.success_probability({column: value}), as_it_was)


def test_confounders_look_like_effects(large, sample):
    for organisation in (large, sample):
        wrapper, restart = organisation.truth.confounders
        assert wrapper.crude_difference > 0.06
        assert restart.crude_difference < -0.05
        frame = organisation.attempts_frame()
        success = (frame["outcome_status"] == "success").groupby(frame["wrapper"]).mean()
        assert success["psadt"] - success["none"] == pytest.approx(wrapper.crude_difference, abs=0.03)


def test_noise_goes_with_nothing(large):
    frame = large.attempts_frame()
    success = frame["outcome_status"] == "success"
    for column in large.truth.noise_columns:
        within = success - success.groupby(frame["application_name"]).transform("mean")
        rates = within.groupby(frame[column]).mean()
        assert rates.abs().max() < 0.015, column


def test_the_risk_difference_agrees_with_its_closed_form(sample):
    """Closing processes takes one hazard away: p(yes) - p(no) = p(yes) (1 - exp(-hazard x factors))."""
    columns, hazard = sample.potential.columns, sample.potential.hazards.process_running
    factors = columns["difficulty"] * columns["team_factor"]
    factors = factors * pd.Series(columns["architecture"]).map({"x64": 1.0, "x86": 1.1, "arm64": 1.4})
    with_yes = sample.success_probability({"close_processes": "yes"})
    expected = np.mean(with_yes * (1 - np.exp(-hazard * factors)))
    assert sample.truth.effect("closing processes").risk_difference == pytest.approx(expected)


def test_observed_success_has_the_declared_rate(large):
    success = (large.attempts_frame()["outcome_status"] == "success").to_numpy()
    probability = large.success_probability()
    error = np.sqrt((probability * (1 - probability)).sum()) / len(success)
    assert abs(success.mean() - large.truth.success_rate) < 3.5 * error
    # Calibrated throughout, not only on average.
    tenths = pd.qcut(probability, 10)
    observed = pd.Series(success).groupby(tenths, observed=True).mean()
    expected = pd.Series(probability).groupby(tenths, observed=True).mean()
    assert (observed - expected).abs().max() < 0.025


def test_declared_monthly_rates_are_those_of_the_attempts(large):
    frame = large.attempts_frame()
    month = frame["occurred_at"].dt.strftime("%Y-%m")
    observed = (frame["outcome_status"] == "success").groupby(month).mean()
    assert list(large.truth.monthly_success_rate) == list(observed.index)
    assert (observed - pd.Series(large.truth.monthly_success_rate)).abs().max() < 0.035
    by_team = large.truth.monthly_success_rate_by_team
    assert set(by_team) == set(frame["team"])


def _early_and_late(organisation, values, of_team):
    """Mean of some values in the first and in the last three months, for the learning team or the others."""
    frame = organisation.attempts_frame()
    chosen = (frame["team"] == organisation.truth.learning_team) == of_team
    month = frame["occurred_at"].dt.strftime("%Y-%m")
    months = sorted(month.unique())
    return tuple(float(values[chosen & month.isin(part)].mean()) for part in (months[:3], months[-3:]))


def test_one_team_gets_better_and_the_others_hardly_change(large, sample):
    for organisation in (large, sample):
        success = organisation.attempts_frame()["outcome_status"] == "success"
        early, late = _early_and_late(organisation, success, of_team=True)
        assert late - early > 0.08
        early, late = _early_and_late(organisation, success, of_team=False)
        assert abs(late - early) < 0.07


def test_the_team_gets_better_by_what_it_chooses(large):
    frame = large.attempts_frame()
    for column, value in (("close_processes", "yes"), ("prerequisites: vcredist", "yes")):
        early, late = _early_and_late(large, frame[column] == value, of_team=True)
        assert late - early > 0.2
        early, late = _early_and_late(large, frame[column] == value, of_team=False)
        assert abs(late - early) < 0.05
    early, late = _early_and_late(large, frame["detection_method"] == "file", of_team=True)
    assert late < early / 2
    # With choices held fixed the same attempts go no better late than early.
    fixed = pd.Series(large.success_probability(LEARNED)).where(is_right_switch(large.potential.columns))
    within = fixed - fixed.groupby(frame["application_name"]).transform("mean")
    early, late = _early_and_late(large, within, of_team=True)
    assert abs(late - early) < 0.01


def test_settings_vary_within_applications(sample):
    frame = sample.attempts_frame()
    often = frame.groupby("application_name").filter(lambda part: len(part) >= 30)
    for column in ("close_processes", "prerequisites: vcredist", "wrapper", "install_context", "repackaged"):
        values = often.groupby("application_name")[column].agg(set)
        assert (values.map(len) >= 2).mean() > 0.95, column


def test_the_drift_shows_in_the_outcomes(large):
    before, error_before = stratified_difference(large, large.truth.drift.before.contrast)
    after, error_after = stratified_difference(large, large.truth.drift.after.contrast)
    assert large.truth.drift.date == pd.Timestamp("2025-12-01", tz="UTC")
    assert before - after > 3.5 * np.hypot(error_before, error_after)


def test_a_world_without_effects():
    empty = sample_organisation(4, attempts=3000, hazards=Hazards.without_effects())
    truth = empty.truth
    everything = (*truth.effects, truth.interaction.inside, truth.drift.before)
    assert {effect.risk_difference for effect in everything} == {0.0}
    assert 0.55 < truth.success_rate < 0.8
    assert truth.confounders[0].crude_difference > 0.05
    reasons = set(empty.attempts_frame()["failure_reason"].dropna())
    assert reasons == {"installer_defect", "package_unreadable", "other_version_present", "disk_full"}


def test_contrasts_of_ones_own(sample):
    contrast = Contrast("closing for CAD", "close_processes", "yes", "no", {"application_type": ("cad",)})
    effect = sample.potential.effect(contrast)
    cad = {"application_type": ("cad",)}
    by_hand = [sample.success_probability({"close_processes": value}, where=cad) for value in ("yes", "no")]
    assert effect.risk_difference == pytest.approx(by_hand[0].mean() - by_hand[1].mean())
    assert effect.attempts == len(by_hand[0]) == (sample.attempts_frame()["application_type"] == "cad").sum()


def test_unknown_names_and_empty_scopes_are_refused(sample):
    with pytest.raises(KeyError, match=r"'silent'.*silent_switch"):
        sample.success_probability({"silent": "/S"})
    with pytest.raises(KeyError, match=r"'wrapper'.*PSADT wrapper"):
        sample.truth.effect("wrapper")
    nowhere = Contrast("nowhere", "wrapper", "psadt", "none", {"team": ("nobody",)})
    with pytest.raises(ValueError, match=r"no attempt .*nobody.*widen"):
        sample.potential.effect(nowhere)


def test_a_side_that_did_not_occur_has_no_crude_difference(sample):
    unknown = Contrast("another wrapper", "wrapper", "other", "none")
    effect = sample.potential.effect(unknown)
    assert np.isnan(effect.crude_difference)
    assert effect.risk_difference == 0
