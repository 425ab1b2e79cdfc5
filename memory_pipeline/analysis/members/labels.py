"""Which visible member has which label, once spellings and synonyms are merged?

A label is processed in this order: pieces that were broken at a comma are joined, lists in one label are
split and empty answers dropped (`members.label_repair`), and labels that mean the same are merged
(`members.label_merging`). `MemberLabels.merges` lists what was changed and why. Hidden members are left
out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from memory_pipeline.analysis.members.label_merging import merge_labels
from memory_pipeline.analysis.members.label_repair import CHANGE_COLUMNS, repair_labels
from memory_pipeline.analysis.members.strata import strata_of
from memory_pipeline.analysis.members.vocabulary import Vocabulary, label_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


SKILLS, INTERESTS = "skills", "interests"
LABEL_COLUMNS = ("member_id", "field", "label")
FEATURE_COLUMNS = (*LABEL_COLUMNS, "stratum")
CONSENT_FLAGS = ("consent", "has_consent", "has_consented", "opt_in")
"""Attributes whose value must not be false or "no" for a member to be seen."""
OPT_OUT_FLAGS = ("opt_out", "opted_out", "has_opted_out", "is_hidden", "do_not_contact")
"""Attributes whose value must not be true or "yes" for a member to be seen."""
_NO = {"false", "no", "0", "n", "none", ""}


@dataclass(frozen=True, eq=False)
class MemberLabels:
    """Which visible member carries which label.

    Attributes
    ----------
    member_ids
        Shape (members,), ascending; members without any label included.
    names, fields
        Label and its field, each of length (labels,); a label that occurs in two fields is listed twice.
    matrix
        Sparse, shape (members, labels), True where the member carries the label.
    merges
        Labels that were merged or repaired: `field`, `raw_label`, `label` (None where it was dropped), `why`
        and `members`. Unchanged labels are not listed.
    vocabulary
        The vocabulary by which labels were merged.
    strata
        Stratum of members who were asked alike, shape (members,); the null model shuffles within them.
    """

    member_ids: NDArray[np.int64]
    names: tuple[str, ...]
    fields: tuple[str, ...]
    matrix: sparse.csr_array
    merges: pd.DataFrame
    vocabulary: Vocabulary
    strata: NDArray[np.int64]

    @property
    def member_count(self) -> int:
        """Number of visible members."""
        return len(self.member_ids)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Members per label, shape (labels,)."""
        return np.asarray(self.matrix.sum(axis=0)).ravel().astype(np.int64)

    @cached_property
    def _columns(self) -> sparse.csc_array:
        return self.matrix.tocsc()

    @cached_property
    def _places(self) -> dict[tuple[str, str], int]:
        return {
            (own, label_key(name)): i
            for i, (own, name) in enumerate(zip(self.fields, self.names, strict=True))
        }

    def find(self, member_field: str, label: str) -> int | None:
        """Return the column of a label in any spelling or synonym; None where no member has it."""
        place = self._places.get((member_field, label_key(label)))
        name = self.vocabulary.name_of(label)
        return (
            place if place is not None or name is None else self._places.get((member_field, label_key(name)))
        )

    def column(self, place: int) -> NDArray[np.bool_]:
        """Return who carries one label, shape (members,)."""
        held = np.zeros(self.member_count, dtype=bool)
        start, end = self._columns.indptr[place : place + 2]
        held[self._columns.indices[start:end]] = True
        return held

    def answered(self, member_field: str) -> NDArray[np.bool_]:
        """Return who carries any label in a field, shape (members,)."""
        places = [i for i, own in enumerate(self.fields) if own == member_field]
        held: NDArray[np.bool_] = np.asarray(self._columns[:, places].sum(axis=1)).ravel() > 0
        return held

    def to_frame(self) -> pd.DataFrame:
        """List who carries what: one row per member and label, columns `FEATURE_COLUMNS`."""
        rows, columns = self.matrix.nonzero()
        return pd.DataFrame(
            {
                "member_id": self.member_ids[rows],
                "field": pd.Series(np.array(self.fields, dtype=object)[columns], dtype="str"),
                "label": pd.Series(np.array(self.names, dtype=object)[columns], dtype="str"),
                "stratum": self.strata[rows],
            }
        )

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, vocabulary: Vocabulary) -> MemberLabels:
        """Build labels from a frame of `to_frame`, which lacks members without a label and the merges."""
        strata = frame.groupby("member_id")["stratum"].first().sort_index()
        ids = strata.index.to_numpy(dtype=np.int64)
        matrix, names, fields = _matrix(frame, ids)
        merges = pd.DataFrame(columns=list(CHANGE_COLUMNS))
        return cls(ids, names, fields, matrix, merges, vocabulary, strata.to_numpy(dtype=np.int64))


def is_visible(members: pd.DataFrame) -> pd.Series:
    """Return which members are visible, and have no consent or opt-out flag to the contrary.

    Parameters
    ----------
    members
        `is_visible` and, where there is one, `attributes` (dicts); unknown visibility is not consent.

    Returns
    -------
    Series
        Boolean, index of `members`.
    """
    visible = members["is_visible"].map(lambda value: value is not None and value == True)  # noqa: E712
    if "attributes" in members:
        visible = visible & ~members["attributes"].map(_opted_out).astype(bool)
    return visible.astype(bool)


def normalise_members(
    members: pd.DataFrame, vocabulary: Vocabulary | None = None, *, strata: Sequence[str] = ()
) -> MemberLabels:
    """Build the table of labels of the visible members, repaired and merged.

    Parameters
    ----------
    members
        Members as stored: `id`, `is_visible`, `skills`, `interests` (lists), `other_sets` (dict of field
        to list), optionally `attributes` (dict) and `source`.
    vocabulary
        Reviewed names; None to merge by spelling only.
    strata
        Attributes, or `source`, whose values distinguish groups of members who were asked in different ways.

    Returns
    -------
    MemberLabels
        With a row for each visible member.
    """
    vocabulary = vocabulary or Vocabulary()
    visible = members[is_visible(members)].sort_values("id", ignore_index=True)
    raw = pd.DataFrame(
        [
            (member_id, own, label.strip())
            for member_id, own, labels in _sets(visible)
            for label in labels
            if isinstance(label, str) and label.strip()
        ],
        columns=list(LABEL_COLUMNS),
    )
    repaired, repairs = repair_labels(raw, vocabulary)
    merged, merges = merge_labels(repaired, vocabulary)
    changes = pd.concat([repairs, merges], ignore_index=True)
    ids = visible["id"].to_numpy(dtype=np.int64)
    matrix, names, fields = _matrix(merged, ids)
    return MemberLabels(
        member_ids=ids,
        names=names,
        fields=fields,
        matrix=matrix,
        merges=changes,
        vocabulary=vocabulary,
        strata=strata_of(visible, strata, matrix, fields),
    )


def _matrix(
    frame: pd.DataFrame, member_ids: NDArray[np.int64]
) -> tuple[sparse.csr_array, tuple[str, ...], tuple[str, ...]]:
    """Build the matrix, names and fields from distinct rows `LABEL_COLUMNS`; labels are sorted by field."""
    kinds = frame[["field", "label"]].drop_duplicates().sort_values(["field", "label"], ignore_index=True)
    places = {key: i for i, key in enumerate(kinds.itertuples(index=False, name=None))}
    rows = np.searchsorted(member_ids, frame["member_id"].to_numpy(dtype=np.int64))
    columns = np.array([places[key] for key in zip(frame["field"], frame["label"], strict=True)], dtype=int)
    matrix = sparse.csr_array(
        (np.ones(len(frame), dtype=bool), (rows, columns)), shape=(len(member_ids), len(kinds))
    )
    matrix.sort_indices()
    return matrix, tuple(kinds["label"]), tuple(kinds["field"])


def _sets(members: pd.DataFrame) -> Iterable[tuple[int, str, Iterable[Any]]]:
    for member_id, skills, interests, others in zip(
        members["id"], members[SKILLS], members[INTERESTS], members["other_sets"], strict=True
    ):
        sets = {SKILLS: skills, INTERESTS: interests} | (others if isinstance(others, dict) else {})
        for own, labels in sets.items():
            if isinstance(labels, (list, tuple, np.ndarray)):
                yield member_id, own, labels


def _opted_out(attributes: Any) -> bool:
    if not isinstance(attributes, dict):
        return False
    flags = {str(key).casefold(): str(value).strip().casefold() for key, value in attributes.items()}
    refused = any(flags.get(name, "yes") in _NO for name in CONSENT_FLAGS)
    return refused or any(flags.get(name, "no") not in _NO for name in OPT_OUT_FLAGS)
