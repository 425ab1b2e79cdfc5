"""What the tools do: they read the community in aggregate, and store a pattern only when it was verified."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memory_pipeline.agent.proposals import check_numbers, read_proposal
from memory_pipeline.agent.text import clean
from memory_pipeline.agent.tools import ANALYSIS, SAVE
from memory_pipeline.analysis.community_profile import profile_analysis
from memory_pipeline.analysis.pattern_claims import (
    ClaimRefusedError,
    duplicate_of,
    in_figures,
    known_pattern,
    threshold_of,
    verify_claim,
)
from memory_pipeline.analysis.predicates import PredicateError, labels_of
from memory_pipeline.store.discovery import (
    FOUND_BY,
    PatternRetiredError,
    save_verified_pattern,
    stored_patterns,
)

if TYPE_CHECKING:
    from memory_pipeline.agent.proposals import Proposal
    from memory_pipeline.agent.shown import ShownLabels
    from memory_pipeline.analysis.member_features import MemberLabels
    from memory_pipeline.analysis.pattern_claims import VerifiedClaim
    from memory_pipeline.store import Store

MOST_SAVED = 10
"""Patterns that one discovery may save; a few good ones are worth more than many."""
_STORED_SHOWN = 60
_UNLIKELY = 0.05
"""Pairs that are likelier than this among shuffled members are not worth a reader's time."""
_REASON = 500


@dataclass
class Toolbox:
    """The tools of one discovery.

    Attributes
    ----------
    labels, shown
        The members, and what of their labels may be shown.
    store
        Where verified patterns go.
    min_group_size
        Fewest members of a pattern.
    origin
        What is kept with each pattern of where it comes from: `run_id` and `model`.
    claims
        What was proposed, in order: `name`, `verdict` (created, updated or refused), `reason`, `pattern_id`.
    """

    labels: MemberLabels
    shown: ShownLabels
    store: Store
    min_group_size: int
    origin: dict[str, str]
    claims: list[dict[str, Any]] = field(default_factory=list)

    def call(self, name: str, arguments: Any) -> tuple[str, bool]:
        """Run a tool; return what it says as JSON, and whether it is an error. Bad input raises nothing."""
        try:
            said = {ANALYSIS: self._analysis, SAVE: self._save}.get(name, _no_such_tool)(arguments)
        except (ClaimRefusedError, PredicateError) as error:
            return json.dumps({"refused": str(error)}, ensure_ascii=False), True
        return json.dumps(said, ensure_ascii=False), False

    def counted(self, verdict: str) -> int:
        """Count the claims with a verdict."""
        return sum(claim["verdict"] == verdict for claim in self.claims)

    def _analysis(self, arguments: Any) -> dict[str, Any]:
        if not isinstance(arguments, dict):
            raise ClaimRefusedError("the input is no object; give fields and page")
        fields, page = arguments.get("fields") or [], arguments.get("page", 1)
        if not isinstance(fields, list) or not all(isinstance(one, str) for one in fields):
            raise ClaimRefusedError("fields is no list of texts; leave it empty for all fields")
        if not isinstance(page, int) or isinstance(page, bool):
            raise ClaimRefusedError("page is no whole number; start with 1")
        try:
            profile = profile_analysis(
                self.shown.labels,
                min_group_size=self.min_group_size,
                page=page,
                fields=tuple(fields[:20]) or None,
            )
        except ValueError as error:
            raise ClaimRefusedError(clean(str(error), _REASON)) from error
        pairs = profile["co_occurrence"]
        profile["co_occurrence"] = [pair for pair in pairs if pair["p_value"] <= _UNLIKELY]
        return {"members_data": profile, "stored_patterns": self._stored() if page == 1 else []}

    def _stored(self) -> list[dict[str, Any]]:
        """Give the stored patterns as far as the model needs them; labels that may not be shown stay away."""
        visible = {original: shown for shown, original in self.shown.original.items()}
        result = []
        for row in stored_patterns(self.store):
            labels = [visible.get(one) for one in sorted(known_pattern(row).labels)]
            if labels and None not in labels:
                result.append(
                    {
                        "name": clean(row["name"], 255),
                        "category": row["category"],
                        "labels": [{"field": own, "label": label} for own, label in filter(None, labels)],
                        "members": row["member_count"],
                        "is_retired": not row["is_active"],
                        "found_by": row["found_by"],
                    }
                )
        return result[-_STORED_SHOWN:]

    def _save(self, arguments: Any) -> dict[str, Any]:
        name = arguments.get("name") if isinstance(arguments, dict) else None
        note: dict[str, Any] = {"name": clean(str(name or ""), 120), "verdict": "refused", "reason": None}
        self.claims.append(note)
        try:
            self._check_room()
            proposal = read_proposal(arguments)
            claim = self._verified(proposal)
            improved = self._check_new(proposal, claim)
            identity, is_new = save_verified_pattern(
                self.store, self._row(proposal, claim), improves=improved or None
            )
        except (ClaimRefusedError, PredicateError, PatternRetiredError) as error:
            note["reason"] = clean(str(error), _REASON)
            raise ClaimRefusedError(note["reason"]) from error
        note.update(verdict="created" if is_new else "updated", pattern_id=identity)
        figures = claim.figures()
        told = {key: figures[key] for key in ("member_count", "expected", "lift", "p_value")}
        return {"saved": note["verdict"], "id": identity, "verified": told}

    def _check_room(self) -> None:
        if self.counted("created") + self.counted("updated") >= MOST_SAVED:
            raise ClaimRefusedError(f"{MOST_SAVED} patterns are saved, which is enough; end with a summary")

    def _verified(self, proposal: Proposal) -> VerifiedClaim:
        predicate = self.shown.as_stored(proposal.predicate)
        labels = [label for _, label in labels_of(proposal.predicate)] + list(self.shown.labels.names)
        check_numbers(proposal.texts, labels)
        self._check_ids(proposal)
        claim = verify_claim(
            self.labels,
            predicate,
            min_group_size=self.min_group_size,
            threshold=threshold_of(predicate, self.shown.count),
        )
        self._check_counts(proposal, claim)
        return claim

    def _check_ids(self, proposal: Proposal) -> None:
        unknown = set(proposal.related_member_ids) - set(self.labels.member_ids.tolist())
        if unknown:
            raise ClaimRefusedError(
                f"related_member_ids names {min(unknown)}, which is no member; leave the list empty"
            )

    def _check_counts(self, proposal: Proposal, claim: VerifiedClaim) -> None:
        outside = set(proposal.related_member_ids) - set(claim.member_ids.tolist())
        if outside:
            raise ClaimRefusedError(
                f"the predicate does not hold for member {min(outside)} of related_member_ids; leave it empty"
            )
        if proposal.member_count not in {0, claim.chance.member_count}:
            raise ClaimRefusedError(
                f"member_count is {proposal.member_count}, but the predicate holds for "
                f"{claim.chance.member_count} members; see whether the description still fits, and correct it"
            )
        for one in proposal.evidence:
            place = self.shown.find(one.field, one.label)
            count = int(self.shown.labels.counts[place])
            if one.members != count:
                raise ClaimRefusedError(
                    f"evidence says that {one.members} members carry {one.label!r}; it is {count}; correct it"
                )

    def _check_new(self, proposal: Proposal, claim: VerifiedClaim) -> str:
        """Return the name of the stored pattern that is told better; empty for a new one."""
        known = {one.name: one for one in map(known_pattern, stored_patterns(self.store))}
        improved = proposal.improves or (proposal.name if proposal.name in known else "")
        if proposal.improves and improved not in known:
            raise ClaimRefusedError(f"improves names {improved!r}, which is not stored; leave it empty")
        taken = next((one for one in known if one.casefold() == proposal.name.casefold()), improved)
        if taken != improved:
            raise ClaimRefusedError(f"the name {taken!r} is taken; choose another")
        if improved and duplicate_of(claim, [known[improved]]) is None:
            raise ClaimRefusedError(
                f"{improved!r} is stored for other members and labels; keep to those, or choose another name"
            )
        twin = known[improved] if improved else duplicate_of(claim, known.values())
        if twin is not None and not twin.is_active:
            raise ClaimRefusedError(f"this is {twin.name!r} again, which was retired; look elsewhere")
        if twin is not None and not improved:
            raise ClaimRefusedError(
                f"these are the members of the stored pattern {twin.name!r}; name it in improves to tell it "
                "better, or look elsewhere"
            )
        return improved

    def _row(self, proposal: Proposal, claim: VerifiedClaim) -> dict[str, Any]:
        figures = claim.figures()
        by_field: dict[str, list[str]] = {}
        for own, label in labels_of(claim.predicate):
            by_field.setdefault(own, []).append(label)
        claimed = {
            "description": proposal.description,
            "member_count": proposal.member_count or None,
            "related_member_ids": list(proposal.related_member_ids),
            "evidence": [vars(one) for one in proposal.evidence],
        }
        return {
            "name": proposal.name,
            "description": f"{proposal.description} {in_figures(figures)}",
            "category": proposal.category,
            "member_count": figures["member_count"],
            "related_member_ids": claim.member_ids.tolist(),
            "evidence": {
                "predicate": claim.predicate.to_json(),
                "labels": by_field,
                "claimed": claimed,
                "verified": figures | {"at": datetime.now(UTC).isoformat(timespec="seconds")},
                **self.origin,
            },
            "question_prompts": list(proposal.question_prompts),
            "found_by": FOUND_BY,
        }


def _no_such_tool(_arguments: Any) -> dict[str, Any]:
    raise ClaimRefusedError(f"there is no such tool; the tools are {ANALYSIS} and {SAVE}")
