"""Maximise a concave log-likelihood by Newton steps that are halved where they overshoot."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.analysis.arrays import Floats

_MAX_STEPS = 60
_SHORTEST = 1e-9


def maximise(
    objective: Callable[[Floats], float],
    newton_step: Callable[[Floats], tuple[Floats, float]],
    start: Floats,
    *,
    tolerance: float,
    what: str,
) -> Floats:
    """Find where a concave function is largest.

    A step is halved until it does not lower the function. The last one, which promises next to nothing, is
    taken as it is: there rounding decides which of two values is larger, and Newton's step is right.

    Parameters
    ----------
    objective
        The function.
    newton_step
        Newton's step at a point, and what it promises: its product with the gradient, twice the gain.
    start
        Where to start, shape (parameters,).
    tolerance
        What the last step may promise.
    what
        Names the fit in the error, such as `logistic fit on 12 cells`.

    Raises
    ------
    ArithmeticError
        When it does not converge.
    """
    point, value = start, objective(start)
    for _ in range(_MAX_STEPS):
        step, promised = newton_step(point)
        if promised < tolerance:
            return point + step
        size = 1.0
        while (new := objective(point + size * step)) < value and size >= _SHORTEST:
            size /= 2
        point, value = point + size * step, new
    raise ArithmeticError(f"the {what} did not converge in {_MAX_STEPS} steps")
