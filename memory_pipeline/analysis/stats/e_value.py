"""How strong would something unrecorded have to be to explain a difference away (the E-value)?"""

from __future__ import annotations

import math

_LEAST_RATE = 0.01


def e_value(ratio: float) -> float:
    """Compute the E-value of a risk ratio: at least 1, and 1 where there is nothing to explain.

    A confounder that goes with both sides and with the outcome by risk ratios of this size each, beyond what
    was adjusted for, can explain the whole ratio; a weaker one cannot: `R + sqrt(R (R - 1))` (VanderWeele and
    Ding 2017, Sensitivity analysis in observational research: introducing the E-value, Annals of Internal
    Medicine 167).

    Parameters
    ----------
    ratio
        Above 0; its inverse has the same E-value.

    Examples
    --------
    >>> round(e_value(3.9), 2)
    7.26
    """
    size = max(ratio, 1 / ratio)
    return size + math.sqrt(size * (size - 1))


def e_values(difference: float, low: float, high: float, *, rate: float) -> tuple[float, float]:
    """Compute the E-values of a difference between two rates, and of the bound of its interval nearer to 0.

    Parameters
    ----------
    difference, low, high
        Estimate and interval.
    rate
        The rate on the side that the other one is compared with; it is taken to be known.

    Returns
    -------
    estimate, bound
        The bound's is 1 where the interval includes 0: nothing is needed to explain that.
    """
    nearer = low if low > 0 else high if high < 0 else 0.0
    base = min(max(rate, _LEAST_RATE), 1 - _LEAST_RATE)
    of_estimate, of_bound = (e_value(max(base + one, _LEAST_RATE) / base) for one in (difference, nearer))
    return of_estimate, of_bound
