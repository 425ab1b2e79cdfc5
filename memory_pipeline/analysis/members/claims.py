"""Is a proposed claim about members true: more than chance, with no superfluous part, and new?

A proposed pattern (by a language model or a person) was chosen after looking at the data, so the p-value of
one test is not valid. The rule here is valid for everything that could have been proposed, in any number of
runs: a predicate over k labels is better than chance where ::

    p <= alpha / 2 / 2^(k - 1) / (C(L, k) * shapes)

`C(L, k)` counts the sets of k labels among the L labels that enough members carry; `shapes` is 1 for "all of
these" and `Bell(k) * 2^k` otherwise, the ways to put k labels into "any of" groups, plain or negated. Half of
alpha is for each of the two sorts, and the shares of k = 2, 3, ... add up to 1, so that the probability of
any false claim among all of them stays below alpha (Bonferroni; ref. 1). In addition, every part has to
contribute (ref. 2): among the members for whom the other parts hold, the part has to hold for more than in
the community (hypergeometric tail, by the same threshold), and the lift has to reach a minimum.

References
----------
1. Dunn (1961), Multiple comparisons among means, JASA 56.
2. Hämäläinen and Webb (2019), A tutorial on statistically sound pattern discovery, Data Mining and
   Knowledge Discovery 33. (Productivity: every part contributes.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from memory_pipeline.analysis.members.predicates import AtLeast, Has, Predicate, labels_of
from memory_pipeline.analysis.members.significance import Chance, chance_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from memory_pipeline.analysis.members.labels import MemberLabels


ALPHA = 0.05
MIN_LIFT = 1.3
SAME_MEMBERS = 0.8
"""Share of common members (Jaccard) from which two patterns are the same."""
MOST_LABELS = 6


class ClaimRefusedError(ValueError):
    """A claim that the members do not support; the message states the reason and the remedy."""


@dataclass(frozen=True)
class VerifiedClaim:
    """A claim that holds.

    Attributes
    ----------
    predicate
        The claim as a predicate of members.
    member_ids
        The members that it holds for, shape (members,), ascending.
    chance
        Their expected number under the null model, and the p-value.
    threshold
        The largest p-value that was accepted.
    weakest_part
        The part with the largest p-value given the others, and that p-value.
    population
        Number of visible members.
    """

    predicate: Predicate
    member_ids: NDArray[np.int64]
    chance: Chance
    threshold: float
    weakest_part: tuple[dict[str, Any], float]
    population: int

    def figures(self) -> dict[str, Any]:
        """Return the verified figures as JSON-able values."""
        part, p_value = self.weakest_part
        return {
            "member_count": self.chance.member_count,
            "members_in_all": self.population,
            "expected": round(self.chance.expected, 2),
            "lift": round(self.chance.lift, 3),
            "p_value": self.chance.p_value,
            "threshold": self.threshold,
            "weakest_part": part,
            "weakest_part_p_value": p_value,
            "shuffles": self.chance.shuffles,
        }


@dataclass(frozen=True)
class KnownPattern:
    """The part of a stored pattern that a new one is compared with."""

    name: str
    member_ids: frozenset[int]
    labels: frozenset[tuple[str, str]]
    is_active: bool


def threshold_of(predicate: Predicate, label_count: int, *, alpha: float = ALPHA) -> float:
    """Compute the largest p-value that is accepted for a predicate (see the module docstring).

    Parameters
    ----------
    predicate
        The claim.
    label_count
        Number L of labels that enough members carry.
    alpha
        Probability of any false claim among all that could be made.
    """
    size = len(labels_of(predicate))
    shapes = 1 if _is_conjunction(predicate) else _partitions(size) * 2**size
    return alpha / 2 / float(2 ** (size - 1)) / max(comb(label_count, size) * shapes, 1)


def verify_claim(
    labels: MemberLabels,
    predicate: Predicate,
    *,
    min_group_size: int,
    threshold: float,
    min_lift: float = MIN_LIFT,
) -> VerifiedClaim:
    """Check that a claim holds for enough members, for more than by chance, and that every part contributes.

    Parameters
    ----------
    labels
        The members.
    predicate
        The claim.
    min_group_size
        Fewest members.
    threshold
        Largest p-value that is accepted.
    min_lift
        Least ratio of the members to those expected by chance.

    Raises
    ------
    ClaimRefusedError
        When one of these does not hold. The message does not state the size of a group below the minimum,
        since a small number would disclose single members.
    PredicateError
        When the predicate names a field or label that does not occur.
    """
    size = len(labels_of(predicate))
    if not 2 <= size <= MOST_LABELS:  # noqa: PLR2004 - an association needs two labels
        raise ClaimRefusedError(f"the predicate names {size} labels; join 2 to {MOST_LABELS}")
    member_ids = predicate.members(labels)
    if len(member_ids) < min_group_size:
        raise ClaimRefusedError(
            f"fewer than {min_group_size} members fulfil the predicate; take out a part, or widen one with "
            '"any", so that a group stands behind it'
        )
    chance = chance_of(labels, predicate)
    if chance.lift < min_lift:
        raise ClaimRefusedError(
            f"{chance.member_count} members fulfil it where chance gives {chance.expected:.1f} "
            f"({chance.lift:.2f} times as many); a pattern needs {min_lift} times as many"
        )
    if chance.p_value > threshold:
        raise ClaimRefusedError(
            f"{chance.member_count} members where chance gives {chance.expected:.1f} is not surely more than "
            f"chance (p = {chance.p_value:.1g}; {threshold:.1g} is needed among all the patterns that could "
            "have been picked); propose one with fewer labels or a stronger link"
        )
    weakest = _weakest_part(labels, predicate)
    if weakest is not None and weakest[1] > threshold:
        raise ClaimRefusedError(
            f"the part {weakest[0]} adds nothing to the others (p = {weakest[1]:.1g}; {threshold:.1g} is "
            "needed); leave it out"
        )
    return VerifiedClaim(
        predicate,
        member_ids,
        chance,
        threshold,
        weakest or (predicate.to_json(), chance.p_value),
        labels.member_count,
    )


def is_same(predicate: Predicate, member_ids: Iterable[int], pattern: KnownPattern) -> bool:
    """Return whether a predicate is the same as a stored pattern, by its labels or by its members.

    True where at least 80% of the members of either are common to both (Jaccard), or where the labels are
    equal and some member is common.
    """
    members = frozenset(member_ids)
    together = len(members & pattern.member_ids)
    share = together / max(len(members | pattern.member_ids), 1)
    return share >= SAME_MEMBERS or (together > 0 and frozenset(labels_of(predicate)) == pattern.labels)


def duplicate_of(claim: VerifiedClaim, known: Iterable[KnownPattern]) -> KnownPattern | None:
    """Return a stored pattern that is the same as a claim; None where there is none."""
    members = claim.member_ids.tolist()
    return next((one for one in known if is_same(claim.predicate, members, one)), None)


def known_pattern(row: Mapping[str, Any]) -> KnownPattern:
    """Read a stored pattern (a row of `patterns`) for comparison; its labels come from its evidence."""
    evidence = row["evidence"] or {}
    labels = [(own, one) for own, names in (evidence.get("labels") or {}).items() for one in names]
    return KnownPattern(
        row["name"], frozenset(row["related_member_ids"]), frozenset(labels), bool(row["is_active"])
    )


def in_figures(text: str, member_count: int, expected: float) -> str:
    """Append the verified figures to a description.

    >>> in_figures("They could teach a course.", 38, 14.47)
    'They could teach a course. (38 members; chance would give 14.5.)'
    """
    return f"{text} ({member_count:,} members; chance would give {expected:,.1f}.)"


def _is_conjunction(predicate: Predicate) -> bool:
    root = predicate.root
    return (
        isinstance(root, AtLeast)
        and root.count == len(root.parts)
        and all(isinstance(one, Has) for one in root.parts)
    )


def _weakest_part(labels: MemberLabels, predicate: Predicate) -> tuple[dict[str, Any], float] | None:
    """Return the part of an "all" with the largest p-value given the others; None for other predicates."""
    root = predicate.root
    if not isinstance(root, AtLeast) or root.count != len(root.parts) or len(root.parts) == 1:
        return None
    held = np.array([Predicate(part).mask(labels) for part in root.parts])
    tails = []
    for place, part in enumerate(held):
        others = np.delete(held, place, axis=0).all(axis=0)
        tails.append(
            stats.hypergeom.sf((part & others).sum() - 1, labels.member_count, part.sum(), others.sum())
        )
    worst = int(np.argmax(tails))
    return Predicate(root.parts[worst]).to_json(), float(tails[worst])


@lru_cache
def _partitions(size: int) -> int:
    """Count the partitions of a set of `size` elements (Bell numbers).

    >>> [_partitions(size) for size in range(6)]
    [1, 1, 2, 5, 15, 52]
    """
    return 1 if size == 0 else sum(comb(size - 1, one) * _partitions(one) for one in range(size))
