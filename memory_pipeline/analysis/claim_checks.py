"""Stored claims, checked again: members change, opt out and leave, and what was true may no longer be.

What belongs here: what becomes of a stored pattern with a predicate. How a claim is verified is in
`pattern_claims`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.pattern_claims import ALPHA, ClaimRefusedError, in_figures, verify_claim
from memory_pipeline.analysis.predicates import PredicateError, parse_predicate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from memory_pipeline.analysis.member_features import MemberLabels
    from memory_pipeline.analysis.predicates import Predicate

ENDED = "no_longer_holds"
"""Key of `evidence` under which a pattern that stopped holding says why."""


def checks_of(
    labels: MemberLabels, patterns: Iterable[Mapping[str, Any]], *, min_group_size: int
) -> list[dict[str, Any]]:
    """Check stored claims against the members of today.

    A claim was chosen on other data than these, so one test at `ALPHA` decides. What no longer holds becomes
    inactive with the reason, and active again when it holds again; what a person retired stays so. Members
    who are not visible any more are taken off every list.

    Parameters
    ----------
    labels
        The members.
    patterns
        Rows of `patterns`; those whose evidence holds no `verified` figures are left alone.
    min_group_size
        Fewest members of a pattern.

    Returns
    -------
    list of dict
        For each pattern that changes: `id` and the changed columns.
    """
    checks = (
        _check(labels, row, min_group_size) for row in patterns if "verified" in (row["evidence"] or {})
    )
    return [check for check in checks if check is not None]


def _check(labels: MemberLabels, row: Mapping[str, Any], min_group_size: int) -> dict[str, Any] | None:
    evidence = dict(row["evidence"])
    predicate = parse_predicate(evidence["predicate"])
    ended = evidence.pop(ENDED, None)
    try:
        claim = verify_claim(labels, predicate, min_group_size=min_group_size, threshold=ALPHA)
    except (ClaimRefusedError, PredicateError) as error:
        members = _members(labels, predicate, min_group_size)
        if not row["is_active"]:
            changed = members != list(row["related_member_ids"])
            return {"id": row["id"], "related_member_ids": members} if changed else None
        return {
            "id": row["id"],
            "is_active": False,
            "related_member_ids": members,
            "member_count": len(members),
            "evidence": evidence | {ENDED: {"reason": str(error)}},
        }
    members, figures = claim.member_ids.tolist(), claim.figures()
    comes_back = ended is not None and not row["is_active"]
    same = members == list(row["related_member_ids"]) and not comes_back
    if same and figures["members_in_all"] == evidence["verified"]["members_in_all"]:
        return None
    said = evidence.get("claimed", {}).get("description")
    return {
        "id": row["id"],
        "is_active": bool(row["is_active"]) or comes_back,
        "related_member_ids": members,
        "member_count": figures["member_count"],
        "evidence": evidence | {"verified": evidence["verified"] | figures},
        **({"description": f"{said} {in_figures(figures)}"} if said else {}),
    }


def _members(labels: MemberLabels, predicate: Predicate, min_group_size: int) -> list[int]:
    """Name the members of a claim that no longer holds; nobody where they are too few."""
    try:
        members: list[int] = predicate.members(labels).tolist()
    except PredicateError:
        return []
    return members if len(members) >= min_group_size else []
