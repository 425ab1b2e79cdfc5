"""Which two labels do more members carry than by chance?"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.members.null_model import shuffled_members
from memory_pipeline.analysis.members.significance import tail
from memory_pipeline.analysis.members.vocabulary import label_key
from memory_pipeline.analysis.stats.multiplicity import false_discovery_q_values

if TYPE_CHECKING:
    from memory_pipeline.analysis.members.labels import MemberLabels


PAIR_COLUMNS = (
    *("place_a", "place_b", "field_a", "label_a", "field_b", "label_b"),
    *("members", "expected", "variance", "lift", "p_value"),
)
CANDIDATE_COLUMNS = (
    *("field_a", "label_a", "field_b", "label_b", "members", "expected", "lift", "p_value", "q_value"),
    *("place_a", "place_b", "variance"),
)


def pairs_against_chance(labels: MemberLabels, *, min_members: int, seed: int = 0) -> pd.DataFrame:
    """Test all pairs of labels that at least `min_members` members carry each.

    A label is not paired with itself in another field.

    Parameters
    ----------
    labels
        The members.
    min_members
        Fewest members of a label.
    seed
        Seed of the shuffles.

    Returns
    -------
    DataFrame
        One row per pair, columns `PAIR_COLUMNS`; `place_a` and `place_b` are columns of the matrix, and
        `p_value` is the probability of as many members or more under the null model.
    """
    return _tested(labels, min_members, seed).copy()


def candidate_pairs(labels: MemberLabels, *, min_members: int, seed: int = 0) -> pd.DataFrame:
    """Test all pairs as `pairs_against_chance`, with `q_value` over all of them.

    Returns
    -------
    DataFrame
        Columns `CANDIDATE_COLUMNS`, sorted by p-value; all of `PAIR_COLUMNS` are among them, so that
        `find_member_patterns` can start from it.
    """
    pairs = pairs_against_chance(labels, min_members=min_members, seed=seed)
    p_values = pairs["p_value"].to_numpy(dtype=float)
    pairs["q_value"] = false_discovery_q_values(p_values, len(pairs)) if len(pairs) else p_values
    texts = dict.fromkeys(["field_a", "label_a", "field_b", "label_b"], "str")
    return pairs.sort_values("p_value", kind="stable", ignore_index=True)[list(CANDIDATE_COLUMNS)].astype(
        texts
    )


def pairs_by_place(candidates: pd.DataFrame) -> pd.DataFrame:
    """Return pairs that `candidate_pairs` tested as `pairs_against_chance` gives them.

    Parameters
    ----------
    candidates
        Columns `CANDIDATE_COLUMNS`, in any order, also read back from a file.

    Raises
    ------
    KeyError
        When a column is not there.
    """
    return candidates.sort_values(["place_a", "place_b"], ignore_index=True)[list(PAIR_COLUMNS)]


@lru_cache(maxsize=2)
def _tested(labels: MemberLabels, min_members: int, seed: int) -> pd.DataFrame:
    from memory_pipeline.analysis.members.kernels import count_pairs  # noqa: PLC0415 - compiles

    chosen = np.flatnonzero(labels.counts >= min_members)
    rank = np.full(len(labels.names), -1, dtype=np.int64)
    rank[chosen] = np.arange(len(chosen))
    shuffled = shuffled_members(labels, seed=seed)
    shape = (len(chosen), len(chosen))
    total, squares = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    seen, unused = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    count_pairs(shuffled.labels, shuffled.start, rank, len(chosen), total, squares)
    own = labels.matrix.indices.astype(shuffled.labels.dtype)[None, :]
    count_pairs(own, shuffled.start, rank, len(chosen), seen, unused)
    keys = np.array([label_key(labels.names[i]) for i in chosen], dtype=object)
    one, two = np.triu_indices(len(chosen), k=1)
    different = keys[one] != keys[two]
    one, two = one[different], two[different]
    observed, count = seen[one, two], shuffled.count
    mean = total[one, two] / count
    variance = (squares[one, two] - count * mean**2) / (count - 1)
    names, fields = np.array(labels.names, dtype=object), np.array(labels.fields, dtype=object)
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = np.where(mean > 0, observed / mean, np.where(observed > 0, np.inf, 1.0))
    return pd.DataFrame(
        {
            "place_a": chosen[one],
            "place_b": chosen[two],
            "field_a": fields[chosen[one]],
            "label_a": names[chosen[one]],
            "field_b": fields[chosen[two]],
            "label_b": names[chosen[two]],
            "members": observed,
            "expected": mean,
            "variance": np.maximum(variance, 0),
            "lift": lift,
            "p_value": tail(observed, mean, variance, count),
        }
    )
