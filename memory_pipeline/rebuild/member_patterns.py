"""Stored member patterns: read as they may be shown, replaced by what statistics found, checked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory_pipeline.analysis.members.labels import is_visible
from memory_pipeline.analysis.members.revalidation import checks_of, with_stored_wording
from memory_pipeline.store.decisions import with_decisions
from memory_pipeline.store.discovery import save_checks, stored_patterns
from memory_pipeline.store.findings import save_member_patterns
from memory_pipeline.store.members import forget_members, read_visibility, without_members
from memory_pipeline.store.models import MemberPattern
from memory_pipeline.store.reads import read_table

if TYPE_CHECKING:
    import pandas as pd

    from memory_pipeline.analysis.members.labels import MemberLabels
    from memory_pipeline.store.session import Session


def read_member_patterns(
    session: Session, *, category: str | None = None, include_retired: bool = False
) -> pd.DataFrame:
    """Read member patterns, by default the active ones, the largest first; nobody hidden is named.

    Members who opted out since the last rebuild are taken out as they are read, and a pattern that
    thereby falls below the group size is left out.
    """
    frame = with_decisions(session.store, "member_pattern", read_table(session.store, MemberPattern))
    if not include_retired:
        frame = frame[frame["is_active"].astype(bool)]
    if category is not None:
        frame = frame[frame["category"] == category]
    members = read_visibility(session.store)
    visible = set(members.loc[is_visible(members), "id"])
    left = frame["related_member_ids"].map(lambda ids: [one for one in ids if one in visible])
    gone = frame["related_member_ids"].map(len) - left.map(len)
    frame = frame.assign(
        related_member_ids=left,
        member_count=frame["member_count"] - gone,
        evidence=frame["evidence"].map(lambda one: without_members(one, visible)),
    )
    frame = frame[(gone == 0) | (frame["member_count"] >= session.settings.min_group_size)]
    return frame.sort_values(["member_count", "name"], ascending=[False, True], ignore_index=True)


def store_member_patterns(session: Session, found: pd.DataFrame, labels: MemberLabels) -> int:
    """Store what statistics found among members, and check again what others claimed.

    What was told better keeps its words; verified claims are checked again; who may not be seen any
    more is taken out of all patterns.

    Returns
    -------
    int
        How many verified claims changed.
    """
    save_member_patterns(session.store, with_stored_wording(found, stored_patterns(session.store)))
    changed = check_claims(session, labels)
    fewest = session.settings.min_group_size
    forget_members(session.store, labels.member_ids.tolist(), min_group_size=fewest)
    return changed


def check_claims(session: Session, labels: MemberLabels) -> int:
    """Check stored patterns that carry verified claims against the members of today.

    Returns
    -------
    int
        How many changed: other members or figures, no longer holding, or holding again.
    """
    stored = [row for row in stored_patterns(session.store) if "verified" in (row["evidence"] or {})]
    if not stored:
        return 0
    checks = checks_of(labels, stored, min_group_size=session.settings.min_group_size)
    save_checks(session.store, checks)
    return len(checks)
