"""What counts as success, failure, a failure reason or an intervention (the targets of findings)?

The outcome of an attempt is written as one label, so that counts by label serve every target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray


_UNNAMED = "(unnamed)"


def outcome_labels(outcomes: pd.DataFrame, target: str | None = None) -> pd.Series:
    """Return the outcome of each attempt as one label, `status;reason;intervention`, shape (attempts,).

    Counts by these labels serve every target. With `target`, the parts of the label that the target does
    not depend on are empty, and their columns need not be in the frame.

    Raises
    ------
    ValueError
        When the target is not known; the message lists those that are.
    """
    needs = "all" if target is None else _target_part(target)
    # Few attempts differ in these columns, so that a label is made once per combination.
    number = np.zeros(len(outcomes), dtype=np.int64)
    for column in _READ[needs]:
        codes, distinct = pd.factorize(outcomes[column])
        number = number * (len(distinct) + 1) + codes + 1
    _, first, row = np.unique(number, return_index=True, return_inverse=True)
    labels = _labels_of(outcomes.iloc[first], needs)
    return labels.iloc[row].set_axis(outcomes.index)


_READ = {
    "all": ("outcome_status", "failure_reason", "intervention_kind", "needed_intervention"),
    "status": ("outcome_status",),
    "failure_reason": ("failure_reason",),
    "intervention": ("needed_intervention",),
    "intervention_kind": ("intervention_kind",),
}
"""Columns that a label is made of, by what is needed of it."""


def _labels_of(outcomes: pd.DataFrame, needs: str) -> pd.Series:
    empty = pd.Series("", index=outcomes.index, dtype=object)

    def part(name: str, column: str) -> pd.Series:
        if needs not in {"all", name}:
            return empty
        return outcomes[column].astype(object).where(outcomes[column].notna(), "").astype(str)

    status = outcomes["outcome_status"].astype(str) if needs in {"all", "status"} else empty
    reason = part("failure_reason", "failure_reason")
    kind = part("intervention_kind", "intervention_kind")
    if needs in {"all", "intervention"}:
        needed = outcomes["needed_intervention"].astype(bool)
        kind = kind.where(~needed | (kind != ""), _UNNAMED)
    labels = pd.DataFrame({"status": status, "reason": reason, "kind": kind})
    for column in list(labels):
        labels[column] = labels[column].str.replace(";", ",", regex=False)
    return labels["status"] + ";" + labels["reason"] + ";" + labels["kind"]


def is_hit(label: str, target: str) -> bool:
    """Return whether an outcome label meets the target.

    Raises
    ------
    ValueError
        When the target is not known; the message lists those that are.
    """
    status, reason, kind = label.split(";")
    part = _target_part(target)
    if part == "status":
        return status == target
    if part == "intervention":
        return kind != ""
    wanted = target.partition("=")[2].replace(";", ",")
    return (reason if part == "failure_reason" else kind) == wanted


def _target_part(target: str) -> str:
    column, _, value = target.partition("=")
    if target in {"success", "failure", "partial"}:
        return "status"
    if target == "intervention" or (column in {"failure_reason", "intervention_kind"} and value):
        return column
    msg = (
        f"target is {target!r}; use success, failure, partial, intervention, "
        "failure_reason=<reason> or intervention_kind=<kind>"
    )
    raise ValueError(msg)


def pattern_type(target: str, difference: float) -> str:
    """Return the type of a finding, `success`, `failure` or `intervention`.

    Parameters
    ----------
    target
        What the finding is about.
    difference
        Rate of the target inside less the rate outside; where it is positive for success, or negative for
        any other target, the finding is of type `success`.
    """
    if target.startswith("intervention"):
        return "intervention"
    good = (target == "success") == (difference > 0)
    return "success" if good else "failure"


def is_success(outcomes: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which attempts succeeded, shape (attempts,); a partial success does not count."""
    return np.asarray(outcomes["outcome_status"] == "success", dtype=bool)
