"""Which condition columns travel together, so that a reader sees when two findings are one.

The strength of association of two columns is Cramér's V with Bergsma's correction for bias (ref. 1).
Where attempts repeat within units, columns that stay the same within a unit look associated by the few
units that there are. So the correction and the test count an *effective* number of attempts: the
number of independent attempts whose chi-square statistic would be as large by chance (Rao and Scott's
design effect, ref. 2). With rows x and y of the centred and scaled indicators of the two columns, X_u
the sum of x y' over the attempts of unit u, X their total and w_u the unit's share of all N attempts,
the phi square that chance alone gives is

    E = c / N^2 * sum over units of || X_u - w_u X ||^2

which is (r - 1)(c - 1) / N for independent attempts. The factor c = S2 / (S2 - 2 S3 + S2^2), with S2 and S3
the sums of w_u^2 and w_u^3, gives back what the scatter around the total misses (it is units / (units -
1) for equal ones), so that one unit with half of all attempts does not look like agreement of many.

References
----------
1. Bergsma (2013), A bias-correction for Cramér's V and Tschuprow's T, Journal of the Korean
   Statistical Society 42.
2. Rao and Scott (1981), The analysis of categorical data from complex sample surveys, JASA 76.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scipy.cluster import hierarchy

from memory_pipeline.analysis.significance import false_discovery_q_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.evidence import Evidence

    Floats = NDArray[np.float64]
    Ints = NDArray[Any]

ASSOCIATION_COLUMNS = (
    "column_a",
    "column_b",
    "cramers_v",
    "p_value",
    "q_value",
    "is_sure",
    "attempts",
    "effective_attempts",
    "units",
    "group",
    "position_a",
    "position_b",
)
OVERLAP_COLUMNS = ("pattern_a", "pattern_b", "attempts_a", "attempts_b", "attempts_both", "jaccard", "inside")
TOGETHER = 0.5
"""Columns whose average association is at least this strong form a group."""
_DENSE_CELLS = 5_000_000


class Association(NamedTuple):
    """How strongly two columns are associated, and on how much that rests."""

    cramers_v: float
    p_value: float
    effective_attempts: float


def association(a: Ints, b: Ints, n: Ints, unit: Ints | None = None) -> Association:
    """Measure the association of two columns.

    Parameters
    ----------
    a, b
        Level codes of each row, shape (rows,), from 0.
    n
        Attempts of each row, shape (rows,).
    unit
        Code of the evidence unit of each row; None where every attempt is its own witness.

    Returns
    -------
    Association
        Bias-corrected V in [0, 1], 0 where a column has one level only; the p-value of independence
        (F with as many denominator degrees of freedom as there are effective units, less one, per cell).
    """
    a, rows = _present_codes(a, n)
    b, columns = _present_codes(b, n)
    total = float(n.sum())
    if rows < 2 or columns < 2:  # noqa: PLR2004 - a constant goes with nothing
        return Association(0.0, 1.0, total)
    joint = np.bincount(a * columns + b, weights=n, minlength=rows * columns).reshape(rows, columns)
    share_a, share_b = joint.sum(axis=1) / total, joint.sum(axis=0) / total
    phi_square = float((joint**2 / (np.outer(share_a, share_b) * total**2)).sum()) - 1
    cells = (rows - 1) * (columns - 1)
    by_chance, witnesses = cells / total, np.inf
    if unit is not None:
        # No fewer than of independent attempts: units that balance a column do not make it surer.
        by_chance = max(_expected_by_chance(a, b, n, unit), by_chance)
        of_unit = np.bincount(unit, weights=n)
        witnesses = max(total**2 / float((of_unit**2).sum()) - 1, 1.0)
    effective = cells / by_chance
    statistic = phi_square / by_chance  # chi square by its degrees of freedom
    p_value = float(
        stats.f.sf(statistic, cells, cells * witnesses)
        if unit is not None
        else stats.chi2.sf(statistic * cells, cells)
    )
    return Association(_bergsma(phi_square, rows, columns, effective), p_value, effective)


def _present_codes(codes: Ints, n: Ints) -> tuple[Ints, int]:
    """Renumber the levels that occur, from 0."""
    levels, numbered = np.unique(codes[n > 0], return_inverse=True)
    if len(numbered) == len(codes):
        return numbered, len(levels)
    whole = np.zeros(len(codes), dtype=np.int64)
    whole[n > 0] = numbered
    return whole, len(levels)


def _bergsma(phi_square: float, rows: int, columns: int, n: float) -> float:
    if n <= 1:
        return 0.0
    corrected = max(0.0, phi_square - (rows - 1) * (columns - 1) / (n - 1))
    size = min(k - (k - 1) ** 2 / (n - 1) for k in (rows, columns)) - 1
    return float(np.clip(np.sqrt(corrected / size), 0, 1)) if size > 0 else 0.0


def _expected_by_chance(a: Ints, b: Ints, n: Ints, unit: Ints) -> float:
    """Find the phi square that chance gives, from counts alone (E of the module's text)."""
    total = float(n.sum())
    share_a, share_b = (np.bincount(codes, weights=n) / total for codes in (a, b))
    rows, columns, units = len(share_a), len(share_b), int(unit.max()) + 1
    wide = unit.astype(np.int64)

    def squares(cell: Ints, size: int, share: Floats) -> float:
        key = wide * size + cell
        if units * size <= _DENSE_CELLS:
            counts = np.bincount(key, weights=n, minlength=units * size).reshape(units, size)
            return float((counts**2).sum(axis=0) @ (1 / share))
        keys, place = np.unique(key, return_inverse=True)
        return float((np.bincount(place, weights=n) ** 2) @ (1 / share[keys % size]))

    both = squares(a * columns + b, rows * columns, np.outer(share_a, share_b).ravel())
    alone = squares(a, rows, share_a) + squares(b, columns, share_b)
    whole = float((np.bincount(wide, weights=n) ** 2).sum())
    # Less what all units share, which is the association itself: the scatter of the units around it.
    joint = np.bincount(a * columns + b, weights=n, minlength=rows * columns)
    independent = total * np.outer(share_a, share_b).ravel()
    excess = np.divide(joint - independent, independent / total)
    of_unit = np.bincount(wide, weights=n) / total
    shared = float((n * of_unit[wide]) @ excess[a * columns + b])
    size = float(((joint - independent) ** 2 / (independent / total)).sum())
    scatter = both - alone + whole - 2 * shared + float((of_unit**2).sum()) * size
    # What the scatter around the mean misses where each unit's part varies with its size (for equal
    # units that is the usual factor of units / (units - 1)).
    square, cube = float((of_unit**2).sum()), float((of_unit**3).sum())
    return scatter / total**2 * square / max(square - 2 * cube + square**2, 1e-12)


def condition_associations(
    evidence: Evidence, *, level: float = 0.05, together: float = TOGETHER, max_columns: int = 60
) -> pd.DataFrame:
    """Measure the association of every pair of condition columns, and group what travels together.

    Parameters
    ----------
    evidence
        The counted history; its unit, where it has one, is what repeats.
    level
        False discovery rate over all pairs (Benjamini-Yekutieli) at which an association is sure.
    together
        Least average association within a group (hierarchical clustering, average linkage, of the sure
        associations).
    max_columns
        Most columns compared: those that differ most between attempts (Shannon entropy). Columns with
        one level are never compared.

    Returns
    -------
    DataFrame
        One row per pair, columns `ASSOCIATION_COLUMNS`, the strongest first: V, p and q, the attempts and
        how many independent ones they are worth, the `group` (from 1) that both columns belong to (0:
        none), and the places of the two columns in an order that puts what goes together side by side.
        `attrs["left_out"]` names the columns that were not compared.
    """
    coded = {column: evidence.codes(column)[0].astype(np.int64) for column in evidence.conditions}
    entropy = (
        {
            column: float(stats.entropy(np.bincount(codes, weights=evidence.n)))
            for column, codes in coded.items()
        }
        if len(evidence)
        else {}
    )
    varied = [column for column in entropy if entropy[column] > 0]
    compared = sorted(sorted(varied, key=lambda column: -entropy[column])[:max_columns])
    unit = None if evidence.unit is None else evidence.codes(evidence.unit)[0]
    pairs = list(combinations(compared, 2))
    found = [association(coded[a], coded[b], evidence.n, unit) for a, b in pairs]
    frame = pd.DataFrame(found, columns=list(Association._fields))
    frame["column_a"], frame["column_b"] = zip(*pairs, strict=True) if pairs else ((), ())
    frame["q_value"] = false_discovery_q_values(frame["p_value"].to_numpy(dtype=float), len(pairs))
    frame["is_sure"] = (frame["q_value"] <= level) & (frame["cramers_v"] > 0)
    frame["attempts"] = int(evidence.n.sum())
    frame["units"] = frame["attempts"] if unit is None else len(np.unique(unit))
    strength = np.where(frame["is_sure"], frame["cramers_v"], 0.0)
    group, position = _travelling_groups(compared, strength, together)
    same = frame["column_a"].map(group) == frame["column_b"].map(group)
    frame["group"] = np.where(same, frame["column_a"].map(group), 0).astype(np.int64)
    for side in ("a", "b"):
        frame[f"position_{side}"] = frame[f"column_{side}"].map(position).astype(np.int64)
    frame = frame[list(ASSOCIATION_COLUMNS)]
    frame = frame.sort_values(["is_sure", "cramers_v"], ascending=False, kind="stable", ignore_index=True)
    frame.attrs["left_out"] = [column for column in evidence.conditions if column not in compared]
    return frame


def _travelling_groups(
    columns: Sequence[str], strength: Floats, together: float
) -> tuple[dict[str, int], dict[str, int]]:
    """Cluster columns by their associations, in the order of `combinations`; groups of one are 0."""
    if len(columns) < 2:  # noqa: PLR2004 - nothing to compare
        return dict.fromkeys(columns, 0), dict.fromkeys(columns, 0)
    distance = 1 - strength
    tree = hierarchy.linkage(distance, method="average")
    labels = hierarchy.fcluster(tree, 1 - together, criterion="distance")
    order = hierarchy.leaves_list(hierarchy.optimal_leaf_ordering(tree, distance))
    large = [label for label in dict.fromkeys(labels[order]) if (labels == label).sum() > 1]
    number = {label: place + 1 for place, label in enumerate(large)}
    group = {column: number.get(label, 0) for column, label in zip(columns, labels, strict=True)}
    return group, {columns[leaf]: place for place, leaf in enumerate(order)}


def travelling_groups(associations: pd.DataFrame) -> list[list[str]]:
    """List the groups of columns that travel together, from `condition_associations`."""
    grouped = associations[associations["group"] > 0]
    return [sorted({*part["column_a"], *part["column_b"]}) for _, part in grouped.groupby("group", sort=True)]


def pattern_overlaps(
    evidence: Evidence,
    patterns: Mapping[str, Mapping[str, str]],
    *,
    min_jaccard: float = 0.1,
    max_patterns: int = 500,
) -> pd.DataFrame:
    """Find which patterns cover the same attempts.

    Parameters
    ----------
    evidence
        The counted history that the patterns were found in.
    patterns
        Conditions by name; the first `max_patterns` are compared. A condition that the history does
        not know covers nothing.
    min_jaccard
        Least overlap that is listed.

    Returns
    -------
    DataFrame
        One row per pair that overlaps, columns `OVERLAP_COLUMNS`, the most alike first: `jaccard` is the
        share of the attempts of either pattern that both cover (1: the two are one), `inside` the share
        of the smaller one's attempts that the larger one covers too (1: a part of it).
    """
    names = list(patterns)[:max_patterns]
    masks = np.array([_covers(evidence, patterns[name]) for name in names], dtype=float)
    masks = masks.reshape(len(names), len(evidence))
    both = (masks * evidence.n) @ masks.T
    size = np.diag(both)
    rows = []
    for i, j in combinations(range(len(names)), 2):
        smaller, either = min(size[i], size[j]), size[i] + size[j] - both[i, j]
        if smaller > 0 and both[i, j] / either >= min_jaccard:
            counts = [int(x) for x in (size[i], size[j], both[i, j])]
            rows.append((names[i], names[j], *counts, both[i, j] / either, both[i, j] / smaller))
    frame = pd.DataFrame(rows, columns=list(OVERLAP_COLUMNS))
    return frame.sort_values(["jaccard", "inside"], ascending=False, kind="stable", ignore_index=True)


def _covers(evidence: Evidence, conditions: Mapping[str, str]) -> NDArray[np.bool_]:
    inside = np.ones(len(evidence), dtype=bool)
    for column, value in conditions.items():
        codes, levels = evidence.codes(column) if column in evidence.conditions else (None, [])
        inside &= codes == levels.index(value) if value in levels else False
    return inside
