"""How many members would a pattern have by chance, and how improbable is their observed number?

The null model shuffles members with the same margins (`members.null_model`). The p-value is the tail of a
distribution with the mean and variance of the shuffled counts: binomial where their variance is below that of
a Poisson distribution, negative binomial where it is above. It is at least that of Student's t of the
standardised count, with one degree of freedom less than there are shuffles, since mean and variance are
estimates.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from memory_pipeline.analysis.members.null_model import shuffled_members
from memory_pipeline.analysis.members.predicates import labels_of, resolve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memory_pipeline.analysis.members.labels import MemberLabels
    from memory_pipeline.analysis.members.null_model import ShuffledMembers
    from memory_pipeline.analysis.members.predicates import Predicate


_SMALL = 1e-9
_AT_ONCE = 20_000_000


@dataclass(frozen=True)
class Chance:
    """The number of members of a pattern against the null model.

    Attributes
    ----------
    member_count
        Members that it holds for.
    expected, deviation
        Mean and standard deviation of that count in shuffled members.
    lift
        `member_count / expected`; infinite where none are expected.
    p_value
        Probability of as many members or more under the null model; 1 where the margins determine the count.
    shuffles
        Number of shuffles.
    """

    member_count: int
    expected: float
    deviation: float
    lift: float
    p_value: float
    shuffles: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON-able values."""
        return asdict(self)


def chance_of(
    labels: MemberLabels, predicate: Predicate, *, shuffled: ShuffledMembers | None = None, seed: int = 0
) -> Chance:
    """Test whether a predicate holds for more members than under the null model.

    Parameters
    ----------
    labels
        The members.
    predicate
        The claim.
    shuffled
        The shuffles to compare with; by default 200, computed once for these members and this `seed`.

    Raises
    ------
    PredicateError
        When the predicate names a field or a label that does not occur.
    """
    shuffled = shuffled or shuffled_members(labels, seed=seed)
    observed = int(predicate.mask(labels).sum())
    places = {key: resolve(labels, *key) for key in labels_of(predicate)}
    numbers = {key: i for i, key in enumerate(places)}
    step = max(_AT_ONCE // max(len(places) * labels.member_count, 1), 1)
    counts = []
    for begin in range(0, shuffled.count, step):
        held = shuffled.part(begin, begin + step).columns(tuple(places.values()))
        counts.append(predicate.holds(lambda own, label, held=held: held[numbers[own, label]]).sum(axis=1))
    return _chance(observed, np.concatenate(counts))


def _chance(observed: int, counts: NDArray[Any]) -> Chance:
    mean, variance = float(counts.mean()), float(counts.var(ddof=1))
    p_value = tail(np.array([observed]), np.array([mean]), np.array([variance]), len(counts))[0]
    lift = observed / mean if mean > 0 else (float("inf") if observed else 1.0)
    return Chance(observed, mean, variance**0.5, lift, float(p_value), len(counts))


def tail(
    observed: NDArray[Any], mean: NDArray[Any], variance: NDArray[Any], shuffles: int
) -> NDArray[np.float64]:
    """Compute the probability of counts as large or larger, from the moments of shuffled counts.

    Parameters
    ----------
    observed, mean, variance
        Counts, and mean and variance of the shuffled ones, each of shape (patterns,).
    shuffles
        Number of shuffles that the moments were estimated from.

    Returns
    -------
    array
        Shape (patterns,), in [0, 1].
    """
    mean, variance = np.asarray(mean, dtype=float), np.asarray(variance, dtype=float)
    observed = np.asarray(observed, dtype=float)
    fixed = variance <= _SMALL
    # A mean of 0 in all shuffles is below about 1/shuffles, not 0.
    mean_low = np.maximum(mean, 1 / shuffles)
    spread = np.maximum(variance, np.where(mean <= 0, mean_low, _SMALL))
    ratio = spread / mean_low
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = np.clip(1 - ratio, _SMALL, 1 - _SMALL)
        trials = np.maximum(mean_low / share, observed)
        narrow = stats.binom.sf(observed - 1, np.round(trials), mean_low / np.round(trials))
        poisson = stats.poisson.sf(observed - 1, mean_low)
        chance = np.clip(1 / ratio, _SMALL, 1 - _SMALL)
        wide = stats.nbinom.sf(observed - 1, mean_low * chance / (1 - chance), chance)
    counted = np.select([ratio < 1 - 1e-3, ratio > 1 + 1e-3], [narrow, wide], poisson)
    estimated = np.sqrt(spread * (1 + 1 / shuffles))
    student = stats.t.sf((observed - 0.5 - mean_low) / estimated, shuffles - 1)
    p_value = np.clip(np.fmax(np.nan_to_num(counted, nan=1.0), student), 0, 1)
    result: NDArray[np.float64] = np.where(fixed & (mean > 0), (observed <= mean + _SMALL) * 1.0, p_value)
    return result
