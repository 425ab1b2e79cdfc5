"""Which interval holds at every look, however often and whenever one looks (confidence sequences)?

A 95% interval holds the truth in 95 of 100 looks at different data. Whoever looks again after every batch and
stops when 0 is outside is wrong far more often. A confidence sequence is wide enough for that: the
probability that it ever leaves out the truth is 5%.

References
----------
1. Robbins (1970), Statistical methods related to the law of the iterated logarithm, Annals of Mathematical
   Statistics 41 (the normal mixture).
2. Howard, Ramdas, McAuliffe and Sekhon (2021), Time-uniform, nonparametric, nonasymptotic confidence
   sequences, Annals of Statistics 49.
3. Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Time-uniform central limit theory and asymptotic
   confidence sequences, Annals of Statistics 52.
"""

from __future__ import annotations

import math

from scipy import stats


def sequence_margin(
    standard_error: float, *, scale: float, degrees: float = math.inf, level: float = 0.95
) -> float:
    """Compute the margin of a confidence sequence of an estimate with a known or estimated standard error.

    The normal mixture (ref. 1; asymptotic for any estimate that is a mean of independent units, ref. 3)::

        standard error * sqrt((1 + s^2 / scale^2) * (2 log(1 / alpha) + log(1 + scale^2 / s^2)))

    for a standard error s. It asks of estimates to gain information over time, such as by more units or more
    attempts of the same ones; increments that go together within a unit only make it safer, since then there
    are fewer independent looks. With few units the normal deviate is replaced by the t deviate of the same
    probability.

    Parameters
    ----------
    standard_error
        Of the estimate at this look, allowing for repetition within units.
    scale
        Size of the effects for which it is narrowest, in the units of the estimate; fixed before looking.
    degrees
        Degrees of freedom of the standard error.
    level
        Probability that it holds at all looks.

    Returns
    -------
    float
        Half of the width; infinite where the standard error is.

    Raises
    ------
    ValueError
        When `scale` is not above 0 or `level` not between 0 and 1.
    """
    if scale <= 0 or not 0 < level < 1:
        msg = f"scale is {scale} and level is {level}; give a scale above 0 and a level between 0 and 1"
        raise ValueError(msg)
    if not math.isfinite(standard_error):
        return math.inf
    if standard_error == 0:
        return 0.0
    ratio = (scale / standard_error) ** 2
    deviate = math.sqrt((1 + 1 / ratio) * (-2 * math.log(1 - level) + math.log1p(ratio)))
    if math.isfinite(degrees):
        deviate = float(stats.t.isf(stats.norm.sf(deviate), degrees))
    return deviate * standard_error
