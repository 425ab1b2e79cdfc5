"""Whether a rate over few worlds agrees with the stated one, with few enough worlds and yet not too few."""

from __future__ import annotations

from scipy.stats import binom

BY_CHANCE = 0.005
"""How often a right implementation may fail a test, for seeds that nobody has chosen."""
LEAST_POWER = 0.95
"""How often a test has to catch the broken implementation that it names."""


def check_rate(errors: int, trials: int, *, stated: float, broken: float) -> None:
    """Check that no more of the trials went wrong than the stated rate explains.

    Parameters
    ----------
    errors, trials
        How many of how many went wrong.
    stated
        The rate of errors that is promised.
    broken
        The rate of a broken implementation that the test is there to catch; the check fails where the trials
        are too few to catch it 95 times in 100.
    """
    most = int(binom.isf(BY_CHANCE, trials, stated))
    power = binom.sf(most, trials, broken)
    assert power >= LEAST_POWER, (
        f"{trials} trials catch a rate of {broken} with a probability of {power:.2f} only"
    )
    assert errors <= most, f"{errors} of {trials} went wrong; at a rate of {stated} at most {most} do"
