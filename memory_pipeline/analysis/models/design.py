"""Which terms does a regression have, and what are their values for each cell?

A term is a set of conditions that all hold (none for the intercept, two for an interaction), so main
effects and interactions share one implementation. In addition a model may have *unit shares*: the share of a
unit's attempts that meet a condition. With them in the model, a setting's coefficient is its effect within
units (see `varying_terms`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.models.indicators import CompactTerms, build_indicators, count_by_group

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
    from memory_pipeline.analysis.models.terms import Condition, Term


_WITHIN_SHARE = 0.1
_NO_TERMS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Design:
    """The columns of a model, in the order of its coefficients.

    Attributes
    ----------
    terms
        Conditions of an attempt.
    unit_terms
        Conditions whose share among a unit's attempts is a column.
    """

    terms: tuple[Term, ...]
    unit_terms: tuple[Term, ...] = ()

    def __len__(self) -> int:
        return len(self.terms) + len(self.unit_terms)

    def matrix(self, cells: GroupedCounts, *, centre_on: Sequence[str] | None = None) -> DesignMatrix:
        """Build the design matrix of cells.

        Parameters
        ----------
        cells
            The attempts.
        centre_on
            Columns; from each unit share the share that the unit's levels of these columns lead to expect is
            subtracted, so that the other coefficients are those of a unit with the expected shares. Without
            columns that is the share of all attempts. None: nothing is subtracted.
        """
        shares = _unit_shares(cells, self.unit_terms)
        if centre_on is not None:
            shares = shares - _expected_shares(cells, self.unit_terms, centre_on)
        return DesignMatrix(*build_indicators(cells, self.terms), shares, cells.unit)

    def contrast(self, column: str, value: str, reference: str) -> Floats:
        """Return the contrast between two levels of a column: a weight per coefficient, shape (columns,)."""
        found = np.zeros(len(self))
        for sign, level in ((1, value), (-1, reference)):
            if ((column, level),) in self.terms:
                found[self.terms.index(((column, level),))] += sign
        return found

    def involving(self, column: str) -> NDArray[np.int64]:
        """Return the positions of the terms with a condition on a column."""
        return self._by_column.get(column, _NO_TERMS)

    def with_condition(self, column: str, level: str) -> NDArray[np.int64]:
        """Return the positions of the terms with the condition `column = level`."""
        return self._by_condition.get((column, level), _NO_TERMS)

    def held(self, values: Mapping[str, str]) -> NDArray[np.bool_]:
        """Return which terms are met by the levels of some columns, shape (terms,).

        A condition on any other column counts as met.

        Parameters
        ----------
        values
            Encoded columns and their levels.
        """
        return np.asarray(self.unmet(values) == 0)

    def unmet(self, values: Mapping[str, str]) -> NDArray[np.int64]:
        """Count the conditions of each term that the levels of some columns do not meet, shape (terms,)."""
        is_unmet = np.zeros(len(self._numbers) + 1, dtype=np.int64)
        for column, level in values.items():
            own = self._numbers_of.get(column)
            if own is not None:
                is_unmet[own] = 1
                number = self._numbers.get((column, level))
                if number is not None:
                    is_unmet[number] = 0
        return np.asarray(is_unmet[self._conditions].sum(axis=0))

    def without(self, columns: Collection[str]) -> NDArray[np.bool_]:
        """Return which terms have no condition on these columns, shape (terms,)."""
        return np.array([all(column not in columns for column, _ in term) for term in self.terms], dtype=bool)

    @cached_property
    def _numbers(self) -> dict[Condition, int]:
        """Number the conditions."""
        return {one: number for number, one in enumerate(dict.fromkeys(c for t in self.terms for c in t))}

    @cached_property
    def _numbers_of(self) -> dict[str, NDArray[np.int64]]:
        """The numbers of the conditions on each column."""
        found: dict[str, list[int]] = {}
        for (column, _), number in self._numbers.items():
            found.setdefault(column, []).append(number)
        return {column: np.array(numbers) for column, numbers in found.items()}

    @cached_property
    def _conditions(self) -> NDArray[np.int64]:
        """Numbers of the conditions of each term, shape (most conditions, terms); an unused one pads."""
        found = np.full((max(map(len, self.terms), default=0), len(self.terms)), len(self._numbers))
        for at, term in enumerate(self.terms):
            found[: len(term), at] = [self._numbers[condition] for condition in term]
        return found

    @cached_property
    def _by_condition(self) -> dict[Condition, NDArray[np.int64]]:
        found: dict[Condition, list[int]] = {}
        for number, term in enumerate(self.terms):
            for condition in term:
                found.setdefault(condition, []).append(number)
        return {condition: np.array(numbers) for condition, numbers in found.items()}

    @cached_property
    def _by_column(self) -> dict[str, NDArray[np.int64]]:
        found: dict[str, list[int]] = {}
        for number, term in enumerate(self.terms):
            for column in dict.fromkeys(name for name, _ in term):
                found.setdefault(column, []).append(number)
        return {column: np.array(numbers) for column, numbers in found.items()}


@dataclass(frozen=True)
class DesignMatrix:
    """A design matrix in two parts, so that values that are the same for a whole unit are stored once.

    Attributes
    ----------
    own
        Values of the terms, entries 0 and 1, shape (cells, terms), sparse by rows.
    compact
        The same in fewer ones, from which `gram` is computed.
    shares
        Values of the unit shares, shape (units, unit terms).
    unit
        Unit of each cell, shape (cells,).
    """

    own: Any
    compact: CompactTerms
    shares: Floats
    unit: NDArray[np.int64]

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.own.shape[1]) + int(self.shares.shape[1])

    def dot(self, coefficients: Floats) -> Floats:
        """Compute the product with coefficients of shape (columns,), shape (cells,)."""
        terms = self.own.shape[1]
        together = self.own @ coefficients[:terms] + (self.shares @ coefficients[terms:])[self.unit]
        return np.asarray(together)

    def dot_by_unit(self, coefficients: Floats) -> Floats:
        """Compute the product of each cell with its unit's coefficients, of shape (units, columns)."""
        terms = self.own.shape[1]
        row = np.repeat(np.arange(len(self.unit)), np.diff(self.own.indptr))
        values = coefficients[self.unit[row], self.own.indices]
        shared = np.einsum("ij,ij->i", self.shares, coefficients[:, terms:])
        return np.asarray(np.bincount(row, values, len(self.unit)) + shared[self.unit])

    def sums(self, values: Floats) -> Floats:
        """Sum each column weighted by values of the cells, shape (columns,)."""
        per_unit = np.bincount(self.unit, weights=values, minlength=len(self.shares))
        return np.concatenate([np.asarray(self.own.T @ values), self.shares.T @ per_unit])

    def dot_over(self, cells: NDArray[np.int64], coefficients: Floats) -> Floats:
        """Compute the product of some cells with coefficients of shape (columns,), shape (some cells,)."""
        from memory_pipeline.analysis.models.kernels import dots_of_rows  # noqa: PLC0415 - takes time

        terms = self.own.shape[1]
        own = dots_of_rows(self.own.indptr, self.own.indices, cells, coefficients)
        return np.asarray(own + (self.shares @ coefficients[terms:])[self.unit[cells]])

    def sums_over(self, cells: NDArray[np.int64], values: Floats) -> Floats:
        """Sum each column over some cells, weighted by a value of each of them, shape (columns,)."""
        from memory_pipeline.analysis.models.kernels import sums_of_rows  # noqa: PLC0415 - takes time

        own = sums_of_rows(self.own.indptr, self.own.indices, cells, values, self.own.shape[1])
        per_unit = np.bincount(self.unit[cells], weights=values, minlength=len(self.shares))
        return np.concatenate([own, self.shares.T @ per_unit])

    def sums_by_unit(self, values: Floats) -> Floats:
        """Sum each column weighted by values of the cells within each unit, shape (units, columns)."""
        own = self.sums_by(self.unit, values, len(self.shares))
        if not self.shares.shape[1]:
            return own
        per_unit = np.bincount(self.unit, weights=values, minlength=len(self.shares))
        return np.hstack([own, per_unit[:, None] * self.shares])

    def sums_by(self, group: NDArray[np.int64], values: Floats, groups: int) -> Floats:
        """Sum each term weighted by values of the cells within each group, shape (groups, terms)."""
        from memory_pipeline.analysis.models.kernels import grouped_sums  # noqa: PLC0415 - takes time

        shape = groups, self.own.shape[1]
        return np.asarray(grouped_sums(self.own.indptr, self.own.indices, values, group, shape))

    def gram(self, weights: Floats, by_unit: Floats | None = None) -> Floats:
        """Compute `X' W X` with weights of the cells, shape (columns, columns).

        Parameters
        ----------
        weights
            Shape (cells,).
        by_unit
            `sums_by_unit(weights)`, where it is known already.
        """
        own = self.compact.gram(weights)
        if not self.shares.shape[1]:
            return own
        by_unit = self.sums_by_unit(weights) if by_unit is None else by_unit
        across = by_unit[:, : self.own.shape[1]].T @ self.shares
        per_unit = np.bincount(self.unit, weights=weights, minlength=len(self.shares))
        shares = (self.shares * per_unit[:, None]).T @ self.shares
        return np.block([[own, across], [across.T, shares]])

    def rows(self, rows: NDArray[np.int64]) -> DesignMatrix:
        """Return the matrix of some of the cells, with the shares of their units only."""
        units, unit = np.unique(self.unit[rows], return_inverse=True)
        own = self.own[rows]
        return DesignMatrix(own, CompactTerms(own, own.shape[1]), self.shares[units], unit)

    def columns(self, keep: NDArray[np.bool_]) -> DesignMatrix:
        """Return the matrix of the columns in a mask of shape (columns,)."""
        terms = self.own.shape[1]
        if keep.all():
            return self
        own = self.own[:, np.flatnonzero(keep[:terms])]
        compact = self.compact.columns(keep[:terms]) or CompactTerms(own, own.shape[1])
        return DesignMatrix(own, compact, self.shares[:, keep[terms:]], self.unit)

    def toarray(self) -> Floats:
        """Return the matrix as one dense array, shape (cells, columns)."""
        return np.hstack([self.own.toarray(), self.shares[self.unit]])


def main_effects(cells: GroupedCounts, columns: Iterable[str]) -> list[Term]:
    """List one term per column and level, without the most frequent level of each column (the baseline)."""
    return [
        ((column, level),)
        for column in columns
        for level in cells.levels_of(column)
        if level != cells.usual_level(column)
    ]


def varying_terms(cells: GroupedCounts, terms: Iterable[Term]) -> list[Term]:
    """Return the terms of whose variance more than a tenth lies within units.

    With the unit share of each of them in the model, its coefficient compares attempts of the same unit,
    free of whatever makes a unit difficult, recorded or not (Mundlak 1978, "On the pooling of time series
    and cross section data"; for unequal sizes Wooldridge 2019). A term that hardly varies within units can
    only be compared between them.
    """
    terms = list(terms)
    shares, sizes = _unit_shares(cells, terms), _unit_sizes(cells)
    rates = sizes @ shares / cells.n.sum()
    within = sizes @ (shares * (1 - shares)) / cells.n.sum()
    is_varying = within > _WITHIN_SHARE * rates * (1 - rates)
    return [term for term, varies in zip(terms, is_varying, strict=True) if varies]


def _unit_shares(cells: GroupedCounts, terms: Sequence[Term]) -> Floats:
    """Compute the share of each unit's attempts that meet each term, shape (units, terms); 0 of none."""
    return count_by_group(cells, terms, cells.unit, cells.n_units) / _unit_sizes(cells)[:, None]


def _unit_sizes(cells: GroupedCounts) -> Floats:
    """Count the attempts of each unit, at least one, shape (units,)."""
    size = np.bincount(cells.unit, weights=cells.n, minlength=cells.n_units).astype(float)
    size[size == 0] = 1.0
    return size


def _expected_shares(cells: GroupedCounts, terms: Sequence[Term], columns: Sequence[str]) -> Floats:
    """Compute the share that a unit's levels of some columns lead to expect, shape (units, terms)."""
    first, place = cells.combinations(columns)
    places = len(first)
    tried = np.bincount(place, weights=cells.n, minlength=places)
    shares = count_by_group(cells, terms, place, places) / tried[:, None]
    where = np.bincount(cells.unit * places + place, weights=cells.n, minlength=cells.n_units * places)
    return np.asarray(where.reshape(cells.n_units, places) @ shares / _unit_sizes(cells)[:, None])
