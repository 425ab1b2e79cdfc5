"""Which members were asked the same questions, so that differences between forms are not findings (strata)?

Two exports with different lists of skills would make every two skills of one list associated. And a field
that only some are asked ("what do you use Python for?") would be associated with the labels of those: such a
field is recognised by its gate, a label that practically all who answer it have, and members who answer it
form a stratum of their own. The null model shuffles within strata.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse


GATE = 0.9
"""Least share of those who answer a field who have its gate."""
_AHEAD = 0.1
"""Least difference to the share of the gate among the others."""
_SMALLEST = 10
"""Strata of fewer members are merged."""


def strata_of(
    members: pd.DataFrame, names: Sequence[str], matrix: sparse.csr_array, fields: Sequence[str]
) -> NDArray[np.int64]:
    """Return the stratum of each member.

    Parameters
    ----------
    members
        The visible members, in the order of the matrix; `attributes` and `source` where `names` has them.
    names
        Attributes, or `source`, whose values distinguish strata.
    matrix, fields
        Who carries which label, shape (members, labels), and the field of each label.

    Returns
    -------
    array
        Codes from 0, shape (members,).
    """
    keys: list[Sequence[object]] = [_values(members, name) for name in names]
    keys += gated_fields(matrix, fields).values()
    if not keys or members.empty:
        return np.zeros(len(members), dtype=np.int64)
    codes, _ = pd.factorize(pd.Series(list(zip(*keys, strict=True))))
    small = np.bincount(codes)[codes] < _SMALLEST
    codes, _ = pd.factorize(np.where(small, -1, codes))
    return codes.astype(np.int64)


def gated_fields(matrix: sparse.csr_array, fields: Sequence[str]) -> dict[str, list[bool]]:
    """Return the fields that have a gate, and for each which members answer it, of length (members)."""
    columns = matrix.tocsc().astype(np.int64)
    own = np.array(fields, dtype=object)
    counts = np.asarray(columns.sum(axis=0)).ravel()
    result = {}
    for name in dict.fromkeys(fields):
        answers = np.asarray(columns[:, np.flatnonzero(own == name)].sum(axis=1)).ravel() > 0
        inside = np.asarray(columns.T @ answers.astype(np.int64)).ravel()
        share = inside / max(int(answers.sum()), 1)
        outside = (counts - inside) / max(int((~answers).sum()), 1)
        if ((own != name) & (share >= GATE) & (outside <= share - _AHEAD)).any():
            result[name] = answers.tolist()
    return result


def _values(members: pd.DataFrame, name: str) -> list[str]:
    if name == "source":
        return [str(one) for one in members[name]] if name in members else [""] * len(members)
    if "attributes" not in members:
        return [""] * len(members)
    return [str(own.get(name)) if isinstance(own, dict) else "" for own in members["attributes"]]
