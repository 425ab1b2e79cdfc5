"""What is a community like in aggregate: which labels are frequent, and which occur together?

Bounded and paged, for a reader with limited space, such as a language model. No member is named, and no label
of fewer members than a group must have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.members.pairs import pairs_against_chance

if TYPE_CHECKING:
    from memory_pipeline.analysis.members.labels import MemberLabels


PAGE_SIZE = 40
MAX_PAGE_SIZE = 200
MIN_GROUP_SIZE = 8


def profile_analysis(
    labels: MemberLabels,
    *,
    min_group_size: int = MIN_GROUP_SIZE,
    page: int = 1,
    page_size: int = PAGE_SIZE,
    fields: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """Describe a community in aggregate.

    Parameters
    ----------
    labels
        The members.
    min_group_size
        Labels and pairs of fewer members are only counted.
    page, page_size
        Page of each list, from 1, and its length (at most `MAX_PAGE_SIZE`).
    fields
        Only these fields; all where None.

    Returns
    -------
    dict
        `member_count`, `page`, `pages`; `fields`: for each its `role`, `members_answering`,
        `label_count`, `labels_below_group_size` and `labels` (`label`, `members`, `share` of those
        answering), the most frequent first; `co_occurrence`: pairs of labels with `field_a`, `label_a`,
        `field_b`, `label_b`, `members`, `expected`, `lift` and `p_value`, sorted by p-value; `note`: how to
        read it.

    Raises
    ------
    ValueError
        When a field is unknown or a page is out of range; the message states the valid ones.
    """
    known = sorted(set(labels.fields))
    chosen = known if fields is None else list(fields)
    strange = sorted(set(chosen) - set(known))
    if strange:
        raise ValueError(f"no member has the fields {strange}; use some of {known}")
    if not 1 <= page_size <= MAX_PAGE_SIZE:
        raise ValueError(f"page_size is {page_size}; use a whole number from 1 to {MAX_PAGE_SIZE}")
    described = {own: _field(labels, own, min_group_size) for own in chosen}
    pairs = pairs_against_chance(labels, min_members=min_group_size)
    pairs = pairs[pairs["field_a"].isin(chosen) & pairs["field_b"].isin(chosen)]
    pairs = pairs[(pairs["members"] >= min_group_size) & (pairs["lift"] > 1)]
    pairs = pairs.sort_values(["p_value", "lift"], ascending=[True, False], kind="stable")
    longest = max([len(pairs), *(len(one["labels"]) for one in described.values())], default=0)
    pages = max(-(-longest // page_size), 1)
    if not 1 <= page <= pages:
        raise ValueError(f"page is {page}; there are pages 1 to {pages}")
    stretch = slice((page - 1) * page_size, page * page_size)
    columns = ["field_a", "label_a", "field_b", "label_b", "members", "expected", "lift", "p_value"]
    return {
        "member_count": labels.member_count,
        "page": page,
        "pages": pages,
        "fields": {own: one | {"labels": one["labels"][stretch]} for own, one in described.items()},
        "co_occurrence": [
            {key: _short(value) for key, value in row.items()}
            for row in pairs[columns].iloc[stretch].to_dict("records")
        ],
        "co_occurring_pairs": len(pairs),
        "note": (
            "Counts of visible members. `expected` is what shuffled members give, in which everybody keeps "
            "the number of labels per field and every label its frequency; `lift` is members / expected. "
            f"Labels and pairs of fewer than {min_group_size} members are left out."
        ),
    }


def _field(labels: MemberLabels, own: str, min_group_size: int) -> dict[str, Any]:
    places = np.array([i for i, name in enumerate(labels.fields) if name == own])
    counts = labels.counts[places]
    answering = int(labels.answered(own).sum())
    order = sorted(range(len(places)), key=lambda i: (-counts[i], labels.names[places[i]]))
    return {
        "role": labels.vocabulary.role_of(own),
        "members_answering": answering,
        "label_count": len(places),
        "labels_below_group_size": int((counts < min_group_size).sum()),
        "labels": [
            {
                "label": labels.names[places[i]],
                "members": int(counts[i]),
                "share": round(float(counts[i]) / max(answering, 1), 4),
            }
            for i in order
            if counts[i] >= min_group_size
        ],
    }


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
