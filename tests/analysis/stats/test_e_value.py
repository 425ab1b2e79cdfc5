"""E-values against the published examples."""

import pytest

from memory_pipeline.analysis.stats.e_value import e_value, e_values


def test_the_published_examples():
    # VanderWeele and Ding (2017): risk ratio 3.9 (1.8 to 8.7), E-values 7.26 and 3.0; and 0.80, E-value 1.81.
    assert e_value(3.9) == pytest.approx(7.26, abs=0.005)
    assert e_value(1.8) == pytest.approx(3.0, abs=0.005)
    assert e_value(0.80) == pytest.approx(1.81, abs=0.005)
    assert e_value(1.0) == 1.0


def test_a_difference_is_read_as_the_ratio_of_two_rates():
    assert e_values(0.1, 0.05, 0.15, rate=0.5) == pytest.approx((e_value(1.2), e_value(1.1)))
    assert e_values(-0.1, -0.15, -0.05, rate=0.5) == pytest.approx((e_value(0.8), e_value(0.9)))
    assert e_values(0.1, -0.05, 0.25, rate=0.5)[1] == 1.0
    assert e_values(-0.5, -0.9, -0.1, rate=0.3)[0] == pytest.approx(e_value(30))
