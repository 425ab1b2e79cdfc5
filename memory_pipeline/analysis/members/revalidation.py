"""Is a stored pattern still true, now that members have changed?

What belongs here: the status and the wording of stored patterns. How a claim is verified is in
`members.claims`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.members.claims import ALPHA, ClaimRefusedError, in_figures, verify_claim
from memory_pipeline.analysis.members.predicates import PredicateError, parse_predicate

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from memory_pipeline.analysis.members.labels import MemberLabels
    from memory_pipeline.analysis.members.predicates import Predicate


ENDED = "no_longer_holds"
"""Key of `evidence` for the reason why a pattern no longer holds."""
TOLD = "told"
"""Key of `evidence` for a better wording of a pattern that statistics found."""


def checks_of(
    labels: MemberLabels, patterns: Iterable[Mapping[str, Any]], *, min_group_size: int
) -> list[dict[str, Any]]:
    """Check stored claims against the current members.

    A claim was chosen before these data, so one test at `ALPHA` decides. A pattern that no longer holds
    becomes inactive, with the reason, and active again when it holds again; what a person retired stays
    inactive. Members who are no longer visible are removed from every list.

    Parameters
    ----------
    labels
        The members.
    patterns
        Rows of `patterns`; those whose evidence has no `verified` figures are not checked.
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


def with_stored_wording(found: pd.DataFrame, patterns: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return patterns that statistics found with the better wording that is stored for them.

    Figures and members stay those of the statistics.

    Parameters
    ----------
    found
        Rows of `patterns` as statistics found them.
    patterns
        Stored rows; `evidence.told` has `found_as` (the name by the statistics), `description`, `category`
        and `question_prompts`.
    """
    reworded = {
        row["evidence"][TOLD]["found_as"]: row
        for row in patterns
        if row["found_by"] == "statistics" and TOLD in (row["evidence"] or {})
    }
    if not reworded:
        return found
    rows = [_with_wording(row, reworded.get(row["name"])) for row in found.to_dict("records")]
    return pd.DataFrame(rows, columns=found.columns).drop_duplicates("name", ignore_index=True)


def _with_wording(row: Mapping[Hashable, Any], stored: Mapping[str, Any] | None) -> dict[Hashable, Any]:
    if stored is None:
        return dict(row)
    words = stored["evidence"][TOLD]
    kept = {key: stored["evidence"][key] for key in (TOLD, "history") if key in stored["evidence"]}
    return {
        **row,
        "name": stored["name"],
        "description": in_figures(words["description"], row["member_count"], row["evidence"]["expected"]),
        "category": words["category"],
        "question_prompts": list(words["question_prompts"]),
        "evidence": row["evidence"] | kept,
    }


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
    text = evidence.get("claimed", {}).get("description")
    return {
        "id": row["id"],
        "is_active": bool(row["is_active"]) or comes_back,
        "related_member_ids": members,
        "member_count": figures["member_count"],
        "evidence": evidence | {"verified": evidence["verified"] | figures},
        **({"description": in_figures(text, figures["member_count"], figures["expected"])} if text else {}),
    }


def _members(labels: MemberLabels, predicate: Predicate, min_group_size: int) -> list[int]:
    """Return the members of a claim that no longer holds; empty where they are too few."""
    try:
        members: list[int] = predicate.members(labels).tolist()
    except PredicateError:
        return []
    return members if len(members) >= min_group_size else []
