"""What is counted? Coded attempts, each with an outcome and a weight, checked once.

The compiled loops look up cells by code without a bounds check, so nothing unchecked may reach them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Ints

    Codes = NDArray[Any]


_LONGEST_MARK_SHIFT = 32


class JointTable(NamedTuple):
    """The cells of one combination of columns that have attempts.

    Attributes
    ----------
    columns
        Positions of the columns, ascending.
    cells
        Flat indices over the columns' sizes (`numpy.unravel_index`), ascending, shape (cells,).
    n
        Attempts, shape (cells,).
    counts
        Attempts by outcome, shape (cells, outcomes).
    marks
        Fingerprints, shape (cells,), where they were asked for: the sum modulo 2**64 of random marks of
        the entries covered, so that cells which cover the same entries have equal ones.
    """

    columns: tuple[int, ...]
    cells: Ints
    n: Ints
    counts: Ints
    marks: Ints | None


@dataclass(frozen=True)
class Entries:
    """Coded attempts, or groups of equal ones.

    Attributes
    ----------
    codes
        Level of each entry in each column: one array of shape (entries,) per column, or a matrix.
    sizes
        Number of levels of each column.
    outcome
        Outcome of each entry, shape (entries,), from 0.
    outcomes
        Number of outcomes.
    weight
        Attempts of each entry, shape (entries,), positive; None where each is one.
    """

    codes: Sequence[Codes] | Codes
    sizes: tuple[int, ...]
    outcome: Codes
    outcomes: int
    weight: Ints | None
    total: int
    """All attempts."""

    def __len__(self) -> int:
        return len(self.outcome)

    @classmethod
    def checked(
        cls,
        codes: Sequence[Codes] | Codes,
        sizes: Sequence[int],
        outcome: Codes,
        *,
        outcomes: int,
        weight: Ints | None = None,
    ) -> Entries:
        """Check codes, outcomes and weights; the codes are not copied.

        Raises
        ------
        ValueError
            When lengths differ, a code or outcome is out of its range, or a weight is below 1.
        OverflowError
            When the attempts do not fit into 63 bits.
        """
        outcome = np.asarray(outcome)
        if len(codes) != len(sizes):
            raise ValueError(f"there are {len(codes)} columns of codes and {len(sizes)} sizes; give one each")
        for position, (column, size) in enumerate(zip(codes, sizes, strict=True)):
            if len(column) != len(outcome):
                raise ValueError(
                    f"column {position} has {len(column)} codes and there are {len(outcome)} outcomes; "
                    "give one of each per entry"
                )
            _check_range(column, size, f"codes of column {position}")
        _check_range(outcome, outcomes, "outcomes")
        total = len(outcome)
        if weight is not None:
            weight = np.asarray(weight)
            if len(weight) != len(outcome):
                raise ValueError(f"there are {len(weight)} weights for {len(outcome)} entries; give one each")
            if len(weight) and int(weight.min()) < 1:
                raise ValueError(f"a weight is {int(weight.min())}; entries without attempts are left out")
            # In floating point first: a sum of whole numbers would wrap around unseen.
            if float(weight.sum(dtype=np.float64)) >= 2.0**62:
                raise OverflowError("there are more than 2**62 attempts; they cannot be counted in 64 bits")
            total = int(weight.sum(dtype=np.int64))
            weight = None if total == len(outcome) else weight.astype(np.int64, copy=False)
        return cls(
            codes,
            tuple(int(size) for size in sizes),
            outcome.astype(smallest_unsigned(outcomes), copy=False),
            outcomes,
            weight,
            total,
        )

    def marks(self) -> Ints:
        """Draw a random mark for each entry, shape (entries,), from a fixed seed.

        Thirty-two neighbours share one random word r, shifted: r, 2r, 4r, ... So 64 entries of a packed
        column are summed by two multiplications; the sums of two different sets of entries are equal with
        a probability below 2**-32, mostly about 2**-63.
        """
        words = mark_words(len(self))
        shift = np.arange(_LONGEST_MARK_SHIFT, dtype=np.uint64)
        marks: Ints = (words[:, None] << shift).ravel()[: len(self)]
        return marks


def mark_words(entries: int) -> Ints:
    """Draw the random words that the marks are made of: one per 32 entries, and an even number of them."""
    words = 2 * -(-entries // (2 * _LONGEST_MARK_SHIFT))
    return np.random.default_rng(0).integers(0, 2**64, words, dtype=np.uint64)


def split_by_outcome(counts: Ints) -> tuple[Ints, Ints, Ints]:
    """Return counts by row and outcome as entries.

    Parameters
    ----------
    counts
        Attempts, shape (rows, outcomes).

    Returns
    -------
    row, outcome, weight
        Positions of the counts that are not zero, and the counts, shape (entries,).
    """
    row, outcome = np.nonzero(counts)
    return row, outcome, counts[row, outcome]


def _check_range(values: Codes, size: int, what: str) -> None:
    if values.dtype.kind not in "ui":
        raise ValueError(f"the {what} are of type {values.dtype}; give whole numbers")
    if len(values) and (int(values.max()) >= size or int(values.min()) < 0):
        raise ValueError(
            f"the {what} lie between {int(values.min())} and {int(values.max())}; "
            f"with a size of {size} they must lie between 0 and {size - 1}"
        )


def smallest_unsigned(size: int) -> type[np.unsignedinteger[Any]]:
    """Return the smallest unsigned type that holds codes below `size`."""
    kinds: list[type[np.unsignedinteger[Any]]] = [np.uint8, np.uint16, np.uint32]
    return next((kind for kind in kinds if size <= np.iinfo(kind).max + 1), np.uint64)
