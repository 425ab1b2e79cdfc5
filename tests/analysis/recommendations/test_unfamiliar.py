"""A described value that never occurred is named, the nearest known one too, and the answer is less sure."""

import pandas as pd
import pytest
from made_worlds import packaging_world, roles

from memory_pipeline.analysis.recommendations import fit_policy


@pytest.fixture(scope="module")
def outcomes():
    return packaging_world(1, attempts=4000, product_code=0.2, logging=0.12).outcomes


@pytest.fixture(scope="module")
def alone(outcomes):
    """The policy of a history with one installer type."""
    return fit_policy(outcomes[outcomes["installer_type"] == "msi"], **roles())


@pytest.fixture(scope="module")
def policy(outcomes):
    return fit_policy(outcomes, **roles())


def width(advice):
    return advice.ci_high - advice.ci_low


def check_less_sure(unknown, known):
    assert unknown.confidence < known.confidence - 0.05
    assert width(unknown) > 1.2 * width(known)
    assert unknown.ci_low <= unknown.success_rate <= unknown.ci_high
    assert "is less sure" in " ".join(unknown.reasons)
    assert "is less sure" not in " ".join(known.reasons)


def test_another_value_of_a_column_with_one_value(alone):
    known = alone.recommend({"installer_type": "msi", "team": "modern"})
    unknown = alone.recommend({"installer_type": "msix", "team": "modern"})
    assert known.confidence > 0.95
    check_less_sure(unknown, known)
    assert (
        "installer_type 'msix' never occurred, or too rarely to learn from; the nearest known: 'msi'."
        in unknown.reasons
    )


def test_an_unknown_value_of_a_column_with_several(policy):
    known = policy.recommend({"installer_type": "exe", "team": "legacy"})
    unknown = policy.recommend({"installer_type": "exe", "team": "legacies"})
    check_less_sure(unknown, known)
    assert any("the nearest known: 'legacy'" in reason for reason in unknown.reasons)


def test_more_unknown_values_make_less_sure(policy):
    one = policy.recommend({"installer_type": "zip", "team": "legacy"})
    two = policy.recommend({"installer_type": "zip", "team": "tigers"})
    assert two.confidence < one.confidence


def test_a_rare_vendor_is_treated_like_an_unknown_one(outcomes):
    vendors = outcomes["application_name"].str.replace("app", "vendor")
    is_rare = vendors.map(vendors.value_counts()) < 60
    assert 0.02 < is_rare.mean() < 0.5
    frame = outcomes.assign(vendor=vendors)
    policy = fit_policy(frame, **roles(context=["installer_type", "vendor"], unit="id"))
    usual = vendors.value_counts().index[0]
    known = policy.recommend({"installer_type": "msi", "vendor": usual})
    unknown = policy.recommend({"installer_type": "msi", "vendor": "Contoso"})
    assert any("vendor 'Contoso' never occurred" in reason for reason in unknown.reasons)
    assert not any("never occurred" in reason for reason in known.reasons)
    assert unknown.confidence < 1 - 1 / 100


def test_every_door_of_the_policy_knows_less(policy):
    contexts = pd.DataFrame([{"installer_type": "exe", "team": team} for team in ("legacy", "tigers")])
    sure = {}
    for (row,), posterior in policy.posteriors(contexts):
        sure[row] = policy.choice(posterior).confidence
    assert sure[1] < sure[0] - 0.05


def test_numbers_and_missing_values_are_never_unknown(outcomes):
    frame = outcomes.assign(size=range(len(outcomes)))
    policy = fit_policy(frame, **roles(context=["installer_type", "size"]))
    advice = policy.recommend({"installer_type": None, "size": 10**6})
    assert not any("never occurred" in reason for reason in advice.reasons)
