"""What would members look like if their labels were unrelated (null model with fixed margins)?

Members are shuffled so that each keeps the number of labels in each field, and each label its frequency;
labels that occur together in shuffled members do so by chance. Within each field, and within each stratum of
members who were asked alike, pairs of members trade the labels that only one of the two has (the global
curveball algorithm, refs. 1 and 2), which in the limit leads to every table with these margins with equal
probability. Tests against tables with fixed margins: ref. 3.

References
----------
1. Strona et al. (2014), A fast and unbiased procedure to randomize ecological binary matrices with fixed
   row and column totals, Nature Communications 5.
2. Carstens, Berger and Strona (2018), A unifying framework for fast randomization of ecological networks
   with fixed (node) degrees, MethodsX 5. (Global trades.)
3. Gionis et al. (2007), Assessing data mining results via swap randomization, ACM TKDD 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.compute.threads import on_threads, thread_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memory_pipeline.analysis.members.kernels import Segments
    from memory_pipeline.analysis.members.labels import MemberLabels


SHUFFLES = 200
_MOST_ENTRIES = 150_000_000
_FEWEST_SHUFFLES = 50
_WARM_UP = 25
_BETWEEN = 4
"""Rounds of trades between two shuffles; then counts of pairs are correlated by less than 0.1."""
_CHAINS = 4
"""Independent chains of shuffles, which run at the same time where there are processors."""


@dataclass(frozen=True, eq=False)
class ShuffledMembers:
    """Members shuffled many times.

    Attributes
    ----------
    labels
        Label of each entry, shape (shuffles, entries): entries `start[i]:start[i + 1]` are member i's.
    start
        Shape (members + 1,).
    label_count
        Number of labels.
    """

    labels: NDArray[Any]
    start: NDArray[np.int64]
    label_count: int

    @property
    def count(self) -> int:
        """Number of shuffles."""
        return len(self.labels)

    def part(self, begin: int, end: int) -> ShuffledMembers:
        """Return the shuffles from `begin` to before `end`."""
        return ShuffledMembers(self.labels[begin:end], self.start, self.label_count)

    def columns(self, places: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return who carries each of these labels in each shuffle, shape (places, shuffles, members)."""
        member = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
        held = np.zeros((len(places), self.count, len(self.start) - 1), dtype=bool)
        for number, place in enumerate(places):
            shuffle, entry = np.nonzero(self.labels == place)
            held[number, shuffle, member[entry]] = True
        return held


def shuffled_members(labels: MemberLabels, *, count: int = SHUFFLES, seed: int = 0) -> ShuffledMembers:
    """Shuffle members many times; the shuffles of the last two communities are cached.

    Parameters
    ----------
    labels
        The members.
    count
        Number of shuffles; fewer, but at least 50, where they would need more than about 300 MB.
    seed
        The same seed gives the same shuffles.
    """
    return _shuffled(labels, count, seed)


@lru_cache(maxsize=2)
def _shuffled(labels: MemberLabels, count: int, seed: int) -> ShuffledMembers:
    from memory_pipeline.analysis.members.kernels import Rounds, shuffle_chain  # noqa: PLC0415 - compiles

    start = labels.matrix.indptr.astype(np.int64)
    entries = int(start[-1])
    count = int(np.clip(_MOST_ENTRIES // max(entries, 1), _FEWEST_SHUFFLES, count))
    kind = np.uint16 if len(labels.names) < np.iinfo(np.uint16).max else np.uint32
    result = np.empty((count, entries), dtype=kind)
    if entries:
        segments, rounds = _segments(labels), Rounds(_WARM_UP, _BETWEEN)

        def run(chain: int) -> None:
            current = labels.matrix.indices.astype(kind)
            part = result[count * chain // _CHAINS : count * (chain + 1) // _CHAINS]
            shuffle_chain(current, segments, part, len(labels.names), rounds, _CHAINS * seed + chain)

        on_threads(run, [(chain,) for chain in range(_CHAINS)], threads=thread_count())
    return ShuffledMembers(result, start, len(labels.names))


def _segments(labels: MemberLabels) -> Segments:
    """Return the entries of each member in each field, grouped by which of them trade with each other."""
    from memory_pipeline.analysis.members.kernels import Segments  # noqa: PLC0415 - compiles

    fields = {own: i for i, own in enumerate(dict.fromkeys(labels.fields))}
    field_of_label = np.array([fields[own] for own in labels.fields], dtype=np.int64)
    entry_field = field_of_label[labels.matrix.indices]
    member = np.repeat(np.arange(labels.member_count), np.diff(labels.matrix.indptr))
    segment = member * len(fields) + entry_field  # labels are sorted by field, so this ascends
    first = np.flatnonzero(np.r_[True, np.diff(segment) != 0])
    last = np.r_[first[1:], len(segment)]
    group = labels.strata[member[first]] * len(fields) + entry_field[first]
    order = np.argsort(group, kind="stable")
    group_start = np.r_[np.flatnonzero(np.r_[True, np.diff(group[order]) != 0]), len(order)]
    return Segments(first[order], last[order], group_start)
