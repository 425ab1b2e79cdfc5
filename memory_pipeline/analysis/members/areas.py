"""In which areas is a community deep: more members with several labels of one area than by chance?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.members.finding import Finding, information
from memory_pipeline.analysis.members.null_model import shuffled_members
from memory_pipeline.analysis.members.predicates import MAX_LABELS, AtLeast, Has, Predicate
from memory_pipeline.analysis.members.significance import tail
from memory_pipeline.analysis.members.vocabulary import label_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.analysis.members.finding import MemberSearch
    from memory_pipeline.analysis.members.labels import MemberLabels


DEEP = 3
"""Labels of an area that a member deep in it has; two where fewer than four labels of the area occur."""
_FOUR = 4
_ROLES = ("ability", "interest")


def area_depths(labels: MemberLabels, search: MemberSearch) -> list[Finding]:
    """Test, for every area of the vocabulary, whether more members are deep in it than by chance.

    Only labels that enough members carry count. All areas that could be tested are returned; their `q_value`
    is the p-value, which the caller corrects over everything searched.
    """
    findings = [
        _depth(labels, area, _things(labels, area, search), search) for area in labels.vocabulary.areas
    ]
    return [one for one in findings if one is not None]


def _things(labels: MemberLabels, area: str, search: MemberSearch) -> dict[str, list[int]]:
    """Return the columns of each label of an area, the most frequent first, at most `MAX_LABELS` in all."""
    keys = {label_key(one) for one in labels.vocabulary.areas[area]}
    things: dict[str, list[int]] = {}
    for i in np.argsort(-labels.counts, kind="stable"):
        is_ours = label_key(labels.names[i]) in keys and labels.counts[i] >= search.min_members
        if (
            is_ours
            and labels.vocabulary.role_of(labels.fields[i]) in _ROLES
            and sum(map(len, things.values())) < MAX_LABELS
        ):
            things.setdefault(label_key(labels.names[i]), []).append(int(i))
    return things


def _depth(
    labels: MemberLabels, area: str, things: Mapping[str, list[int]], search: MemberSearch
) -> Finding | None:
    from memory_pipeline.analysis.members.kernels import count_deep  # noqa: PLC0415 - compiles

    if len(things) < DEEP:
        return None
    least = DEEP if len(things) >= _FOUR else DEEP - 1
    thing = np.full(len(labels.names), -1, dtype=np.int64)
    for number, places in enumerate(things.values()):
        thing[places] = number
    shuffled = shuffled_members(labels, seed=search.seed)
    counts = count_deep(shuffled.labels, shuffled.start, thing, len(things), least)
    held = sum(
        np.logical_or.reduce([labels.column(i) for i in places]).astype(np.int64)
        for places in things.values()
    )
    deep = np.asarray(held) >= least
    observed, expected = int(deep.sum()), float(counts.mean())
    p_value = float(
        tail(np.array([observed]), np.array([expected]), np.array([counts.var(ddof=1)]), shuffled.count)[0]
    )
    parts = tuple(
        AtLeast(1, tuple(Has(labels.fields[i], labels.names[i]) for i in places))
        if len(places) > 1
        else Has(labels.fields[places[0]], labels.names[places[0]])
        for places in things.values()
    )
    return Finding(
        kind="area_depth",
        category="community_strength",
        labels=tuple((labels.fields[places[0]], labels.names[places[0]]) for places in things.values()),
        predicate=Predicate(AtLeast(least, parts)),
        member_ids=labels.member_ids[deep],
        expected=expected,
        lift=observed / max(expected, 1 / shuffled.count),
        p_value=p_value,
        q_value=p_value,
        weight=information(observed, expected),
        details={
            "area": area,
            "roles": tuple(labels.vocabulary.role_of(labels.fields[places[0]]) for places in things.values()),
            "least": least,
            "any": int((np.asarray(held) > 0).sum()),
            "deepest": int(np.asarray(held).max()),
        },
    )
