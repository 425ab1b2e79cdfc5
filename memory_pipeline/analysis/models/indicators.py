"""Which cell of counts meets which term: sparse matrices of 0 and 1, and counts by group.

Terms on the same columns are read together: a cell meets one of them at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from memory_pipeline.analysis.evidence.grouped_counts import combined_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
    from memory_pipeline.analysis.models.terms import Term


_MOST_CODES = 2**22
"""Combinations of levels that get a place each in a table."""


@dataclass(frozen=True)
class CompactTerms:
    """The terms of a design matrix with half as many ones, for products that take time.

    A cell meets one term at most of those on the same columns. So the most frequent of them can be left out,
    and a column be added for the cells that meet none: what a left-out term has in common with any other is
    what the intercept has, less what those others have.

    Attributes
    ----------
    ones
        Entries 0 and 1, shape (cells, terms and added columns), sparse by rows; left-out terms are all zero.
    terms
        Number of terms.
    left_out
        The left-out terms, each with the columns that add up to the intercept with it.
    intercept
        The term that every cell meets.
    """

    ones: Any
    terms: int
    left_out: tuple[tuple[int, list[int]], ...] = ()
    intercept: int = 0

    def gram(self, weights: Floats) -> Floats:
        """Compute `X' W X` of the terms with weights of the cells, shape (terms, terms)."""
        from memory_pipeline.analysis.models.kernels import weighted_gram  # noqa: PLC0415 - takes time

        ones = self.ones
        gram = np.asarray(weighted_gram(ones.indptr, ones.indices, weights, ones.shape[1]))
        for one, others in self.left_out:
            gram[:, one] = gram[:, self.intercept] - gram[:, others].sum(axis=1)
        for one, others in self.left_out:
            gram[one] = gram[self.intercept] - gram[others].sum(axis=0)
        return gram[: self.terms, : self.terms]

    def columns(self, keep: NDArray[np.bool_]) -> CompactTerms | None:
        """Return the terms in a mask of shape (terms,); None where of some columns only a part stays."""
        stays = np.append(keep, np.zeros(self.ones.shape[1] - self.terms, dtype=bool))
        whole = [(one, others) for one, others in self.left_out if keep[one]]
        for _, others in whole:
            is_added = np.array(others) >= self.terms
            if not keep[np.array(others)[~is_added]].all():
                return None
            stays[np.array(others)[is_added]] = True
        if not keep[self.intercept] or any(
            keep[[term for term in others if term < self.terms]].any()
            for one, others in self.left_out
            if not keep[one]
        ):
            return None
        number = np.cumsum(stays) - 1
        return CompactTerms(
            self.ones[:, np.flatnonzero(stays)],
            int(keep.sum()),
            tuple((int(number[one]), number[others].tolist()) for one, others in whole),
            int(number[self.intercept]),
        )


def build_indicators(cells: GroupedCounts, terms: Sequence[Term]) -> tuple[Any, CompactTerms]:
    """Build the matrix of 0 and 1 by rows: which cell meets which term, shape (cells, terms), sparse."""
    blocks = sorted(_by_columns(terms), key=lambda block: block.numbers[0])
    met = np.full((len(cells), len(blocks)), -1, dtype=np.int32)
    for i, block in enumerate(blocks):
        met[:, i] = np.append(block.numbers, -1)[block.met(cells)]
    takes_turns = any(one.numbers[-1] > after.numbers[0] for one, after in pairwise(blocks))
    own = _sparse(np.sort(met, axis=1) if takes_turns else met, len(terms))
    intercept = next((block.numbers[0] for block in blocks if block.columns == ()), None)
    if intercept is None:
        return own, CompactTerms(own, len(terms))
    left_out, width = [], len(terms)
    for i, block in enumerate(blocks):
        ones = np.bincount(met[:, i] + 1, minlength=len(terms) + 1)
        most = int(ones[1:].argmax())
        if block.columns == () or ones[1 + most] <= ones[0]:
            continue
        others = [number for number in block.numbers if number != most]
        meets_none, is_most = met[:, i] < 0, met[:, i] == most
        if ones[0]:
            met[meets_none, i] = width
            others.append(width)
            width += 1
        met[is_most, i] = -1
        left_out.append((most, others))
    return own, CompactTerms(_sparse(np.sort(met, axis=1), width), len(terms), tuple(left_out), intercept)


def _sparse(met: NDArray[np.int32], width: int) -> Any:
    """Return the matrix with ones at the numbers of each row, ascending; -1 stands for none."""
    is_met = met >= 0
    starts = np.concatenate([[0], np.cumsum(is_met.sum(axis=1))]).astype(np.int32)
    return sparse.csr_array((np.ones(int(starts[-1])), met[is_met], starts), shape=(len(met), width))


@dataclass(frozen=True)
class _Block:
    """The terms with conditions on the same columns; a cell meets one of them at most.

    Attributes
    ----------
    columns
        The columns.
    numbers, levels
        Number of each term among all terms, ascending, and its levels of the columns.
    """

    columns: tuple[str, ...]
    numbers: list[int]
    levels: list[tuple[str, ...]]

    def met(self, cells: GroupedCounts) -> NDArray[np.int32]:
        """Return which of the terms each cell meets, from 0; as many as there are where it meets none."""
        codes = []
        for column, levels in zip(self.columns, zip(*self.levels, strict=True), strict=True):
            place = {level: i for i, level in enumerate(cells.levels_of(column))}
            own = np.array([place.get(level, len(place)) for level in levels], dtype=np.int64)
            codes.append(np.concatenate([cells.codes_of(column), own]))
        key = combined_key(codes or [np.zeros(len(cells) + len(self.levels), dtype=np.int64)])
        if key.max(initial=0) >= _MOST_CODES:
            # Of many columns together only what occurs gets a place: all combinations would not fit.
            key = np.unique(key, return_inverse=True)[1]
        found = np.full(int(key.max(initial=0)) + 1, len(self.levels), dtype=np.int32)
        found[key[len(cells) :]] = np.arange(len(self.levels))
        return np.asarray(found[key[: len(cells)]])

    def sums(self, cells: GroupedCounts, group: NDArray[np.int64], groups: int) -> Floats:
        """Count the attempts of each group that meet each term, shape (groups, terms)."""
        width = len(self.levels) + 1
        key = group * width + self.met(cells)
        counts = np.bincount(key, weights=cells.n, minlength=groups * width).astype(float)
        return counts.reshape(groups, width)[:, :-1]


def _by_columns(terms: Sequence[Term]) -> list[_Block]:
    """Sort terms by the columns of their conditions."""
    found: dict[tuple[str, ...], _Block] = {}
    for number, term in enumerate(terms):
        columns = tuple(column for column, _ in term)
        block = found.setdefault(columns, _Block(columns, [], []))
        block.numbers.append(number)
        block.levels.append(tuple(level for _, level in term))
    return list(found.values())


def count_by_group(
    cells: GroupedCounts, terms: Sequence[Term], group: NDArray[np.int64], groups: int
) -> Floats:
    """Count the attempts of each group of cells that meet each term, shape (groups, terms)."""
    counts = np.zeros((groups, len(terms)))
    for block in _by_columns(terms):
        counts[:, block.numbers] = block.sums(cells, group, groups)
    return counts
