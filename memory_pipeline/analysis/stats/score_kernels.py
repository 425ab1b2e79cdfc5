"""Compiled inner loops of the scores by unit: what runs once per row of a table, or per cell and unit.

See `evidence.counting.kernels` for how compiled code is cached.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from memory_pipeline.analysis.compute.compiled import compiled

_BLOCK = 1024
"""Rows that are read at a time: what is known of them fits the first-level cache."""


@compiled
def count_inside(place: Any, keys: Any, n: Any, n1: Any, by_stratum: Any) -> None:
    """Add the attempts inside of cells to their counts by unit and by stratum.

    Parameters
    ----------
    place
        Cell of each row, -1 outside of all, shape (rows,).
    keys
        Unit, and stratum, of each row: two arrays of shape (rows,).
    n
        Attempts, shape (rows,).
    n1, by_stratum
        Shape (cells, units) and (cells, strata).
    """
    unit, stratum = keys
    for row in range(len(place)):
        cell = place[row]
        if cell >= 0:
            n1[cell, unit[row]] += n[row]
            by_stratum[cell, stratum[row]] += n[row]


@compiled
def sum_inside(place: Any, keys: Any, values: Any, projection: Any, sums: Any) -> None:
    """Add what `unit_scores.CellSums` has by unit to the sums of several models.

    Parameters
    ----------
    place, keys
        As in `count_inside`.
    values
        Attempts, shape (rows,), and `NullModel.left_out`, shape (models, rows).
    projection
        Of each cell on the strata, shape (models, cells, strata).
    sums
        Sums of `left_out`, and of the projection, shape (models, cells, units) each.
    """
    unit, stratum = keys
    n, left_out = values
    left_out1, projected1 = sums
    models, units, strata = len(projection), left_out1.shape[2], projection.shape[2]
    all_left, all_projected = left_out1.reshape(models, -1), projected1.reshape(models, -1)
    all_onto = projection.reshape(models, -1)
    # Without a sign, look-ups don't check for it.
    own, where, at = np.empty((3, _BLOCK), dtype=np.uint64)
    attempts = np.empty(_BLOCK)
    for low in range(0, len(place), _BLOCK):
        count = 0
        for row in range(low, min(low + _BLOCK, len(place))):
            if place[row] >= 0:
                own[count] = row
                where[count] = place[row] * units + unit[row]
                at[count] = place[row] * strata + stratum[row]
                attempts[count] = n[row]
                count += 1
        for model in range(models):
            left, left1 = left_out[model], all_left[model]
            onto, projected = all_onto[model], all_projected[model]
            for i in range(count):
                left1[where[i]] += left[own[i]]
                projected[where[i]] += attempts[i] * onto[at[i]]


@compiled
def place_rows(codes: Any, columns: Any, steps: Any, place_of_cell: Any, row: Any) -> Any:
    """Return the place of each entry's cell in a joint table, -1 where it has none, shape (entries,).

    Parameters
    ----------
    codes
        Shape (columns, rows).
    columns, steps
        Columns of the table, and what each adds to the cell by level, shape (columns of the table,).
    place_of_cell
        Shape (cells,); cells beyond have no place.
    row
        Row of each entry, shape (entries,).
    """
    place = np.empty(len(row), dtype=np.int32)
    for entry in range(len(row)):
        cell = np.int64(0)
        for i in range(len(columns)):
            cell += codes[columns[i], row[entry]] * steps[i]
        place[entry] = place_of_cell[cell] if cell < len(place_of_cell) else -1
    return place


@compiled
def combine_scores(sums: Any, products: Any, of_unit: Any, precision: float) -> Any:
    """Compute scores and informations of cells by unit, and the moments of the scores without strata.

    Parameters
    ----------
    sums
        `n1`, `left_out1` and `projected1` of `unit_scores.CellSums`, shape (cells, units) each.
    products
        The projection times the attempts, times the left-out residuals, and its square times the attempts,
        of each unit by stratum, shape (cells, units) each.
    of_unit
        By unit, shape (10, units): the weight between units, that weight times the unit's left-out residuals,
        and the factors of the moments.
    precision
        Of an attempt within its unit.

    Returns
    -------
    score, information
        Shape (cells, units).
    total
        Sum of the informations, shape (cells,).
    moments
        Shape (cells, 9): sums over units of n1, and of n1 times each of three factors, of its square times
        each of four, and of its cube times one.
    """
    n1, left_out1, projected1 = sums
    back, left_back, squared = products
    cells, units = n1.shape
    score, information = np.empty((cells, units)), np.empty((cells, units))
    total, moments = np.zeros(cells), np.zeros((cells, 9))
    for cell in range(cells):
        own = moments[cell]
        whole = 0.0
        for unit in range(units):
            n = n1[cell, unit]
            inside = n - back[cell, unit]
            value = precision * (left_out1[cell, unit] - left_back[cell, unit])
            score[cell, unit] = value + inside * of_unit[1, unit]
            value = precision * (n - 2 * projected1[cell, unit] + squared[cell, unit])
            value += of_unit[0, unit] * inside**2
            information[cell, unit] = value
            whole += value
            if n != 0:
                square = n * n
                own[0] += n
                own[1] += n * of_unit[2, unit]
                own[2] += n * of_unit[3, unit]
                own[3] += n * of_unit[4, unit]
                own[4] += square * of_unit[5, unit]
                own[5] += square * of_unit[6, unit]
                own[6] += square * of_unit[7, unit]
                own[7] += square * of_unit[8, unit]
                own[8] += square * n * of_unit[9, unit]
        total[cell] = whole
    return score, information, total, moments


@compiled
def jackknife_sums(score: Any, information: Any, effect: Any, most_leverage: float) -> Any:
    """Compute what the jackknife over units takes, shape (cells, 4).

    Parameters
    ----------
    score, information
        Shape (cells, units).
    effect
        Shape (cells,).
    most_leverage
        Above it a unit is alone.

    Returns
    -------
    array
        With h the leverage of a unit and f = 1 / (1 - h), sums over units of `((s - effect I) f)^2`, `h f`,
        `h^2 (1 - 2 h) f^4` and `h^2 f^2`; the first is infinite where a unit is alone.
    """
    cells, units = score.shape
    sums = np.zeros((cells, 4))
    for cell in range(cells):
        total = 0.0
        for unit in range(units):
            total += information[cell, unit]
        if total <= 0:
            total = 1.0
        left, trace, fourth, second = 0.0, 0.0, 0.0, 0.0
        is_alone = False
        for unit in range(units):
            own = min(max(information[cell, unit] / total, 0.0), most_leverage)
            is_alone |= own == most_leverage
            factor = 1 / (1 - own)
            difference = (score[cell, unit] - effect[cell] * information[cell, unit]) * factor
            left += difference**2
            trace += own * factor
            square = (own * factor) ** 2
            second += square
            fourth += square * (1 - 2 * own) * factor**2
        sums[cell, 0] = np.inf if is_alone else left
        sums[cell, 1], sums[cell, 2], sums[cell, 3] = trace, fourth, second
    return sums


@compiled
def weigh_scores(score: Any, information: Any, total: Any, most_leverage: float) -> Any:
    """Compute what the draws of signs take: the scores of units, weighted as by the jackknife.

    Parameters
    ----------
    score, information
        Shape (cells, units).
    total
        Shape (cells,).
    most_leverage
        Most leverage of a unit.

    Returns
    -------
    cross
        With h the leverage of a unit, `score information / (1 - h)^2`, shape (cells, units).
    squares
        Sums over units of `score^2 / (1 - h)^2` and `information^2 / (1 - h)^2`, shape (2, cells).
    """
    cells, units = score.shape
    cross, squares = np.empty((cells, units)), np.zeros((2, cells))
    for cell in range(cells):
        scores, informations = 0.0, 0.0
        for unit in range(units):
            s, i = score[cell, unit], information[cell, unit]
            own = min(max(i / total[cell], 0.0), most_leverage)
            weight = 1 / (1 - own) ** 2
            cross[cell, unit] = weight * s * i
            scores += weight * s * s
            informations += weight * i * i
        squares[0, cell], squares[1, cell] = scores, informations
    return cross, squares


@compiled
def raise_maxima(drawn: Any, crossed: Any, of_cell: Any, min_effect: float, maxima: Any) -> None:
    """Raise the largest normal score of each draw to that of some cells.

    Parameters
    ----------
    drawn, crossed
        Sums of scores, and of the cross products of `weigh_scores`, in each draw, shape (cells, draws).
    of_cell
        By cell, shape (5, cells): information, both squares of `weigh_scores`, least variance, degrees of
        freedom.
    min_effect
        Least absolute effect of a finding.
    maxima
        The largest so far, shape (draws,).
    """
    for cell in range(len(drawn)):
        total = np.float32(of_cell[0, cell])
        scores, informations, least = of_cell[1, cell], of_cell[2, cell], of_cell[3, cell]
        degrees = of_cell[4, cell]
        shrink = (8 * degrees + 1) / (8 * degrees + 3)
        for draw in range(len(maxima)):
            own = drawn[cell, draw]
            effect = own / total
            if abs(effect) < min_effect:
                continue
            # The jackknife's sum of squares, with the signs of the draw.
            spread = scores - 2 * np.float64(effect * crossed[cell, draw]) + effect * effect * informations
            squared = np.float64(own) * own / max(spread, least)
            # A normal score is below its t: a t below the largest score so far needs no transformation.
            if squared >= maxima[draw] ** 2:
                normal = shrink * np.sqrt(degrees * np.log1p(squared / degrees))
                maxima[draw] = max(maxima[draw], normal)
