"""Compiled inner loops over sparse indicator matrices, stored as the columns in which each row is 1.

A row of a design has some twenty ones among hundreds of columns, so that a loop over pairs of ones takes a
fraction of the time of a dense product. See `evidence.counting.kernels` for how compiled code is cached.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from memory_pipeline.analysis.compute.compiled import compiled


@compiled
def weighted_gram(starts: Any, columns: Any, weights: Any, width: int) -> Any:
    """Compute `X' W X`, shape (width, width).

    Parameters
    ----------
    starts, columns
        Row i is 1 at `columns[starts[i]:starts[i + 1]]`, each of them once.
    weights
        Shape (rows,).
    width
        Number of columns.
    """
    sums = np.zeros((width, width))
    for row in range(len(weights)):
        weight = weights[row]
        for i in range(starts[row], starts[row + 1]):
            for j in range(i + 1, starts[row + 1]):
                sums[columns[i], columns[j]] += weight
    gram = sums + sums.T
    for row in range(len(weights)):
        for i in range(starts[row], starts[row + 1]):
            gram[columns[i], columns[i]] += weights[row]
    return gram


@compiled
def sums_of_rows(starts: Any, columns: Any, rows: Any, weights: Any, width: int) -> Any:
    """Sum some weighted rows, shape (width,).

    Parameters
    ----------
    starts, columns, width
        As in `weighted_gram`.
    rows, weights
        The rows, and the weight of each of them, shape (rows,).
    """
    sums = np.zeros(width)
    for i in range(len(rows)):
        for j in range(starts[rows[i]], starts[rows[i] + 1]):
            sums[columns[j]] += weights[i]
    return sums


@compiled
def dots_of_rows(starts: Any, columns: Any, rows: Any, coefficients: Any) -> Any:
    """Compute the product of some rows with coefficients of the columns, shape (rows,).

    Parameters
    ----------
    starts, columns, rows, coefficients
        As in `sums_of_rows`; the coefficients have shape (width,) or more.
    """
    dots = np.zeros(len(rows))
    for i in range(len(rows)):
        for j in range(starts[rows[i]], starts[rows[i] + 1]):
            dots[i] += coefficients[columns[j]]
    return dots


@compiled
def grouped_sums(starts: Any, columns: Any, weights: Any, group: Any, shape: Any) -> Any:
    """Sum the weighted rows of each group, shape (groups, width).

    Parameters
    ----------
    starts, columns, weights
        As in `weighted_gram`.
    group
        Number of each row's group, shape (rows,).
    shape
        Groups and width.
    """
    sums = np.zeros(shape)
    for row in range(len(weights)):
        for i in range(starts[row], starts[row + 1]):
            sums[group[row], columns[i]] += weights[row]
    return sums


@compiled
def _shift_by_rows(design: Any, share: Any, rows: Any, weights: Any, bread: Any) -> Any:
    """Compute `(H - U'U)^-1 s = B s + B U' (I - U B U')^-1 U B s`, cheaper where a unit has few rows."""
    first, columns = design
    own, residual = weights
    count, width = len(rows), len(bread)
    terms = width - len(share)
    back, step, root = np.empty((count, width)), np.zeros(width), np.empty(count)
    shared = share @ np.ascontiguousarray(bread[terms:])
    for i in range(count):
        row = rows[i]
        root[i] = np.sqrt(own[row])
        back[i] = shared
        for j in range(first[row], first[row + 1]):
            back[i] += bread[columns[j]]
        step += residual[row] * back[i]
        back[i] *= root[i]
    inner, onto = np.empty((count, count)), np.empty(count)
    shared_step = (share * step[terms:]).sum()
    for i in range(count):
        onto[i] = shared_step
        for j in range(first[rows[i]], first[rows[i] + 1]):
            onto[i] += step[columns[j]]
        onto[i] *= root[i]
        shared_back = (share * back[i, terms:]).sum()
        for j in range(count):
            value = shared_back
            for c in range(first[rows[j]], first[rows[j] + 1]):
                value += back[i, columns[c]]
            inner[i, j] = -root[j] * value
        inner[i, i] += 1.0
    found = np.linalg.solve(inner, onto)
    for i in range(count):
        step += found[i] * back[i]
    return -step


@compiled
def _shift_by_columns(design: Any, share: Any, rows: Any, weights: Any, information: Any) -> Any:
    """Compute `(H - U'U)^-1 s`, where a unit has more rows than there are columns."""
    first, columns = design
    own, residual = weights
    width = len(information)
    terms = width - len(share)
    rest, score, across = information.copy(), np.zeros(width), np.zeros(terms)
    gram = np.zeros((terms, terms))
    total, scored = 0.0, 0.0
    for row in rows:
        weight = own[row]
        total += weight
        scored += residual[row]
        for i in range(first[row], first[row + 1]):
            score[columns[i]] += residual[row]
            across[columns[i]] += weight
            for j in range(i + 1, first[row + 1]):
                gram[columns[i], columns[j]] += weight
    rest[:terms, :terms] -= gram + gram.T
    for i in range(terms):
        rest[i, i] -= across[i]
    for i in range(terms, width):
        score[i] = scored * share[i - terms]
        for j in range(terms):
            rest[i, j] -= across[j] * share[i - terms]
            rest[j, i] -= across[j] * share[i - terms]
        for j in range(terms, width):
            rest[i, j] -= total * share[i - terms] * share[j - terms]
    return -np.linalg.solve(rest, score)


@compiled
def leave_out_shifts(design: Any, order: Any, starts: Any, weights: Any, fitted: Any) -> Any:
    """Compute how the coefficients change, to first order, when one unit is left out, shape (units, columns).

    Parameters
    ----------
    design
        The design matrix: `starts` and `columns` of its indicators as in `weighted_gram`, and the values of
        its unit shares, shape (units, unit terms).
    order, starts
        Rows in the order of their units; unit u has `order[starts[u]:starts[u + 1]]`.
    weights
        Of each row: its weight in the information, and its score, shape (rows,) each.
    fitted
        Inverse of the penalised information, and the information, shape (columns, columns) each.
    """
    first, columns, shares = design
    bread, information = fitted
    shifts = np.zeros((len(starts) - 1, len(bread)))
    for unit in range(len(starts) - 1):
        rows = order[starts[unit] : starts[unit + 1]]
        if 0 < len(rows) < len(bread):
            shifts[unit] = _shift_by_rows((first, columns), shares[unit], rows, weights, bread)
        elif len(rows) > 0:
            shifts[unit] = _shift_by_columns((first, columns), shares[unit], rows, weights, information)
    return shifts
