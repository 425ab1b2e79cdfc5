"""The products of a design matrix, counted from half of its ones, are those of the dense matrix."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.evidence.grouped_counts import group_attempts
from memory_pipeline.analysis.models.design import Design, main_effects, varying_terms
from memory_pipeline.analysis.models.terms import INTERCEPT


@pytest.fixture(scope="module")
def cells():
    random = np.random.default_rng(4)
    frame = pd.DataFrame({name: random.choice(list("pqrs"), 400, p=[0.6, 0.2, 0.15, 0.05]) for name in "abc"})
    units = pd.Series(random.integers(0, 25, 400).astype(str))
    return group_attempts(frame.astype("category"), units, random.random(400) < 0.4)


def designs(cells):
    every = [((column, level),) for column in "abc" for level in cells.levels_of(column)]
    pairs = [
        (("a", one), ("b", other)) for one in "pqr" for other in "pq"
    ]  # not every cell meets one of them
    shares = tuple(varying_terms(cells, main_effects(cells, "ab")))
    mixed = [every[0], pairs[0], every[1], pairs[1], INTERCEPT, *every[2:]]  # in no order
    return {
        "levels and pairs": Design((INTERCEPT, *every, *pairs), shares),
        "without an intercept": Design((*every, *pairs)),
        "terms of several columns taking turns": Design(tuple(mixed), shares),
        "a level that does not occur": Design((INTERCEPT, (("a", "z"),), *every)),
        "the intercept alone": Design((INTERCEPT,)),
    }


@pytest.mark.parametrize(
    "kind",
    [
        "levels and pairs",
        "without an intercept",
        "terms of several columns taking turns",
        "a level that does not occur",
        "the intercept alone",
    ],
)
def test_products_are_those_of_the_dense_matrix(cells, kind) -> None:
    matrix = designs(cells)[kind].matrix(cells)
    dense, weights = matrix.toarray(), np.random.default_rng(1).random(len(cells))
    np.testing.assert_allclose(matrix.gram(weights), (dense * weights[:, None]).T @ dense, atol=1e-10)
    np.testing.assert_allclose(matrix.sums(weights), weights @ dense, atol=1e-10)
    by_unit = np.array(
        [weights[cells.unit == unit] @ dense[cells.unit == unit] for unit in range(cells.n_units)]
    )
    np.testing.assert_allclose(matrix.sums_by_unit(weights), by_unit, atol=1e-10)


def test_an_indicator_says_which_cells_meet_all_conditions(cells) -> None:
    design = designs(cells)["levels and pairs"]
    expected = np.column_stack([cells.where(term) for term in design.terms])
    assert (design.matrix(cells).own.toarray() == expected).all()


@pytest.mark.parametrize("left_out", [("a",), ("c",), ("a", "b"), ()])
def test_products_hold_after_columns_were_taken_out(cells, left_out) -> None:
    design = designs(cells)["levels and pairs"]
    keep = np.array(
        [not {column for column, _ in term} & set(left_out) for term in design.terms + design.unit_terms]
    )
    matrix = design.matrix(cells).columns(keep)
    dense, weights = matrix.toarray(), np.random.default_rng(2).random(len(cells))
    assert matrix.width == keep.sum()
    np.testing.assert_allclose(matrix.gram(weights), (dense * weights[:, None]).T @ dense, atol=1e-10)


def test_products_hold_where_a_part_of_a_columns_levels_goes(cells) -> None:
    design = designs(cells)["levels and pairs"]
    keep = np.ones(len(design), dtype=bool)
    keep[2] = False  # one level of several
    matrix = design.matrix(cells).columns(keep)
    dense, weights = matrix.toarray(), np.random.default_rng(3).random(len(cells))
    np.testing.assert_allclose(matrix.gram(weights), (dense * weights[:, None]).T @ dense, atol=1e-10)


def test_shares_of_units_are_of_attempts(cells) -> None:
    terms = tuple(main_effects(cells, "a"))
    shares = Design((INTERCEPT,), terms).matrix(cells).shares
    for unit in range(cells.n_units):
        own = cells.unit == unit
        expected = [cells.n[own & cells.where(term)].sum() / cells.n[own].sum() for term in terms]
        np.testing.assert_allclose(shares[unit], expected)


def test_terms_of_very_many_columns_are_told_apart() -> None:
    """All combinations of 40 columns of four levels would not fit into any memory."""
    random = np.random.default_rng(5)
    names = [f"column {i}" for i in range(40)]
    frame = pd.DataFrame({name: random.choice(list("pqrs"), 300) for name in names})
    frame.iloc[1] = frame.iloc[0]
    cells = group_attempts(
        frame.astype("category"), pd.Series([f"unit {i}" for i in range(300)]), np.zeros(300, dtype=bool)
    )
    rows = [frame.iloc[0], frame.iloc[7], frame.iloc[0].replace({"p": "absent"})]
    terms = [INTERCEPT, *(tuple(zip(names, row, strict=True)) for row in rows)]
    matrix = Design(tuple(terms)).matrix(cells).toarray()
    assert matrix.sum(axis=0).tolist() == [300, 2, 1, 0]
