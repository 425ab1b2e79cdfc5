"""Write questions and merged labels, and remove members who no longer want to be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import delete, func, insert, select, update

from memory_pipeline.store.models import LabelMerge, Member, MemberPattern, QuestionPrompt
from memory_pipeline.store.plain_values import plain_value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from memory_pipeline.store.database import Store
    from memory_pipeline.store.models import Base


def save_questions(store: Store, questions: pd.DataFrame) -> None:
    """Replace the questions by those of the active patterns (columns of `question_prompts`)."""
    _replace(store, QuestionPrompt, questions)


def save_label_merges(store: Store, merges: pd.DataFrame) -> None:
    """Replace the list of merged and of similar labels (columns of `label_merges`)."""
    _replace(store, LabelMerge, merges)


def forget_members(store: Store, visible: Collection[int], *, min_group_size: int) -> int:
    """Remove members who may not be seen from all stored patterns, active or not.

    A pattern that falls below the group size becomes inactive.

    Parameters
    ----------
    visible
        Ids of the members who may be seen.
    min_group_size
        Fewest members of an active pattern.

    Returns
    -------
    int
        How many patterns changed.
    """
    table, seen = MemberPattern, set(visible)
    columns = select(table.id, table.member_count, table.related_member_ids, table.evidence, table.is_active)
    changed = 0
    with store.transaction() as connection:
        for identity, count, ids, evidence, is_active in connection.execute(columns).all():
            left = [one for one in ids if one in seen]
            told = without_members(evidence, seen)
            if len(left) == len(ids) and told == evidence:
                continue
            members = count - (len(ids) - len(left))
            values = {
                "related_member_ids": left,
                "evidence": told,
                "member_count": members,
                "is_active": is_active and members >= min_group_size,
                "updated_at": func.now(),
            }
            connection.execute(update(table).where(table.id == identity).values(values))
            changed += 1
    return changed


def read_visibility(store: Store) -> pd.DataFrame:
    """Read `id`, `is_visible` and `attributes` of all members, which decide who may be seen."""
    columns = (Member.id, Member.is_visible, Member.attributes)
    with store.transaction() as connection:
        rows = connection.execute(select(*columns)).all()
    return pd.DataFrame(rows, columns=[column.key for column in columns])


def without_members(evidence: Mapping[str, Any] | None, visible: Collection[int]) -> dict[str, Any] | None:
    """Return evidence without the pairs that name a member who may not be seen."""
    if not evidence or "pairs" not in evidence:
        return None if evidence is None else dict(evidence)
    pairs = [pair for pair in evidence["pairs"] if all(one in visible for one in pair["members"])]
    return {**evidence, "pairs": pairs}


def _replace(store: Store, model: type[Base], frame: pd.DataFrame) -> None:
    rows = [plain_value(row) for row in frame.to_dict("records")]
    with store.transaction() as connection:
        connection.execute(delete(model))
        if rows:
            connection.execute(insert(model), rows)
