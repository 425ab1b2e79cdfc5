"""Which condition columns are associated, and which patterns cover the same attempts?

So a reader sees when two findings are one. The measure of association is in `stats.cramers_v`.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats
from scipy.cluster import hierarchy

from memory_pipeline.analysis.stats.cramers_v import Association, association
from memory_pipeline.analysis.stats.multiplicity import false_discovery_q_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.evidence.evidence import Evidence


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


def condition_associations(
    evidence: Evidence, *, level: float = 0.05, together: float = TOGETHER, max_columns: int = 60
) -> pd.DataFrame:
    """Compute the association of every pair of condition columns, and group associated columns.

    Parameters
    ----------
    evidence
        The counted history; attempts are taken as repeated within its unit, where it has one.
    level
        False discovery rate over all pairs (Benjamini-Yekutieli) at which an association is significant.
    together
        Least average association within a group (hierarchical clustering with average linkage of the
        significant associations).
    max_columns
        Most columns compared: those with the largest Shannon entropy over attempts. Columns with one level
        are never compared.

    Returns
    -------
    DataFrame
        One row per pair, columns `ASSOCIATION_COLUMNS`, the strongest first: V, p and q, the attempts and
        their effective number, the `group` (from 1) that both columns belong to (0: none), and the positions
        of the two columns in an order with associated columns side by side. `is_sure` is whether the
        association is significant. `attrs["left_out"]` lists the columns that were not compared.
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
    group, position = _cluster_columns(compared, strength, together)
    same = frame["column_a"].map(group) == frame["column_b"].map(group)
    frame["group"] = np.where(same, frame["column_a"].map(group), 0).astype(np.int64)
    for side in ("a", "b"):
        frame[f"position_{side}"] = frame[f"column_{side}"].map(position).astype(np.int64)
    frame = frame[list(ASSOCIATION_COLUMNS)]
    frame = frame.sort_values(["is_sure", "cramers_v"], ascending=False, kind="stable", ignore_index=True)
    frame.attrs["left_out"] = [column for column in evidence.conditions if column not in compared]
    return frame


def _cluster_columns(
    columns: Sequence[str], strength: Floats, together: float
) -> tuple[dict[str, int], dict[str, int]]:
    """Cluster columns hierarchically by their associations.

    Parameters
    ----------
    columns
        The columns.
    strength
        Association of each pair, in the order of `itertools.combinations`, shape (pairs,).
    together
        Least average association within a group.

    Returns
    -------
    groups, positions
        By column: its group (0 for a group of one), and its position in the order of the leaves.
    """
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


def associated_groups(associations: pd.DataFrame) -> list[list[str]]:
    """List the groups of associated columns, from `condition_associations`."""
    grouped = associations[associations["group"] > 0]
    return [sorted({*part["column_a"], *part["column_b"]}) for _, part in grouped.groupby("group", sort=True)]


def pattern_overlaps(
    evidence: Evidence,
    patterns: Mapping[str, Mapping[str, str]],
    *,
    min_jaccard: float = 0.1,
    max_patterns: int = 500,
) -> pd.DataFrame:
    """Compute which patterns cover the same attempts.

    Parameters
    ----------
    evidence
        The counted history that the patterns were found in.
    patterns
        Conditions by name; the first `max_patterns` are compared. A condition that does not occur in the
        history covers nothing.
    min_jaccard
        Least Jaccard index of a pair that is returned.

    Returns
    -------
    DataFrame
        One row per pair that overlaps, columns `OVERLAP_COLUMNS`, the most alike first: `jaccard` is the
        share of the attempts of either pattern that both cover (1: the same attempts), `inside` the share
        of the smaller pattern's attempts that the larger one covers too (1: a subset).
    """
    names = list(patterns)[:max_patterns]
    masks = np.array([evidence.rows_with(patterns[name]) for name in names], dtype=float)
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
