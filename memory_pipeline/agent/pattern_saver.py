"""Is a proposal stored: as a new pattern, or as a better wording of a stored one?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memory_pipeline.agent.proposals import check_numbers
from memory_pipeline.agent.untrusted_text import clean
from memory_pipeline.analysis.members.claims import (
    ALPHA,
    ClaimRefusedError,
    duplicate_of,
    in_figures,
    is_same,
    known_pattern,
    threshold_of,
    verify_claim,
)
from memory_pipeline.analysis.members.predicates import Predicate, labels_of, parse_predicate
from memory_pipeline.analysis.members.revalidation import TOLD
from memory_pipeline.store.discovery import FOUND_BY, save_verified_pattern, stored_patterns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from memory_pipeline.agent.proposals import Proposal
    from memory_pipeline.agent.visible_labels import ShownLabels
    from memory_pipeline.analysis.members.claims import VerifiedClaim
    from memory_pipeline.analysis.members.labels import MemberLabels
    from memory_pipeline.store import Store

_NAME = 255


@dataclass(frozen=True)
class Saved:
    """What was stored: the pattern's id, whether it is new, and the verified figures."""

    identity: int
    is_new: bool
    figures: dict[str, Any]


@dataclass(frozen=True)
class PatternSaver:
    """Stores proposals about these members.

    Attributes
    ----------
    labels, shown
        The members, and their labels as shown to the model.
    store
        The store of the patterns.
    min_group_size
        Fewest members of a pattern.
    origin
        Origin that is stored with each pattern: `run_id` and `model`.
    """

    labels: MemberLabels
    shown: ShownLabels
    store: Store
    min_group_size: int
    origin: Mapping[str, str]

    def save(self, proposal: Proposal) -> Saved:
        """Verify a proposal and store it.

        Raises
        ------
        ClaimRefusedError, PredicateError
            When it does not hold, or is stored already; the message states the remedy.
        """
        named = [] if proposal.predicate is None else [label for _, label in labels_of(proposal.predicate)]
        check_numbers(proposal.texts, [*named, *self.shown.labels.names])
        unknown = set(proposal.related_member_ids) - set(self.labels.member_ids.tolist())
        if unknown:
            raise ClaimRefusedError(
                f"related_member_ids names {min(unknown)}, which is not a member; leave the list empty"
            )
        rows = {clean(row["name"], _NAME): row for row in stored_patterns(self.store)}
        improved = self._improved(proposal, rows)
        if improved is None:
            return self._save_new(proposal, rows.values())
        if "verified" in (improved["evidence"] or {}):
            return self._save_again(proposal, improved)
        return self._save_words(proposal, improved)

    def _improved(self, proposal: Proposal, rows: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
        """Return the stored pattern that a proposal describes better; None for a new one."""
        name = proposal.improves or (proposal.name if proposal.name in rows else "")
        if name and name not in rows:
            raise ClaimRefusedError(f"improves names {name!r}, which is not stored; leave it empty")
        taken = next((one for one in rows if one.casefold() == proposal.name.casefold()), name)
        if taken != name:
            raise ClaimRefusedError(f"the name {taken!r} is taken; choose another")
        if not name:
            return None
        if not rows[name]["is_active"]:
            raise ClaimRefusedError(f"{name!r} was retired and stays so; look elsewhere")
        return rows[name]

    def _save_new(self, proposal: Proposal, rows: Collection[Mapping[str, Any]]) -> Saved:
        assert proposal.predicate is not None  # noqa: S101 - read_proposal asks for one where nothing is improved
        predicate = self.shown.as_stored(proposal.predicate)
        threshold = threshold_of(predicate, self.shown.count)
        claim = self._verified(proposal, predicate, threshold)
        twin = duplicate_of(claim, map(known_pattern, rows))
        if twin is not None and not twin.is_active:
            raise ClaimRefusedError(f"this is {twin.name!r} again, which was retired; look elsewhere")
        if twin is not None:
            raise ClaimRefusedError(
                f"these are the members of the stored pattern {twin.name!r}; name it in improves to tell it "
                "better, or look elsewhere"
            )
        return self._stored(proposal, claim)

    def _save_again(self, proposal: Proposal, row: Mapping[str, Any]) -> Saved:
        """Verify and store a stored claim again; it was chosen earlier, so one test at `ALPHA` decides."""
        self._check_same(proposal, row)
        claim = self._verified(proposal, parse_predicate(row["evidence"]["predicate"]), ALPHA)
        return self._stored(proposal, claim, improves=row["name"])

    def _save_words(self, proposal: Proposal, row: Mapping[str, Any]) -> Saved:
        """Store a better wording of a pattern that statistics found, with its figures unchanged."""
        self._check_same(proposal, row)
        self._check_counts(proposal, row["related_member_ids"], row["member_count"])
        evidence = row["evidence"]
        words = {
            "found_as": evidence.get(TOLD, {}).get("found_as", row["name"]),
            "by": FOUND_BY,
            "description": proposal.description,
            "category": proposal.category,
            "question_prompts": list(proposal.question_prompts),
            **self.origin,
        }
        figures = {"member_count": row["member_count"], "expected": evidence["expected"]}
        changed = {
            "name": proposal.name,
            "description": in_figures(proposal.description, **figures),
            "category": proposal.category,
            "question_prompts": words["question_prompts"],
            "evidence": evidence | {TOLD: words},
        }
        return Saved(*save_verified_pattern(self.store, changed, improves=row["name"]), figures)

    def _check_same(self, proposal: Proposal, row: Mapping[str, Any]) -> None:
        """Raise where a predicate is given that differs in members and labels from the stored one."""
        if proposal.predicate is not None:
            proposed = self.shown.as_stored(proposal.predicate)
            if not is_same(proposed, proposed.members(self.labels).tolist(), known_pattern(row)):
                raise ClaimRefusedError(
                    f"{row['name']!r} is stored for other members and labels; keep to those, or choose "
                    "another name"
                )

    def _verified(self, proposal: Proposal, predicate: Predicate, threshold: float) -> VerifiedClaim:
        claim = verify_claim(self.labels, predicate, min_group_size=self.min_group_size, threshold=threshold)
        self._check_counts(proposal, claim.member_ids.tolist(), claim.chance.member_count)
        return claim

    def _check_counts(self, proposal: Proposal, member_ids: Collection[int], count: int) -> None:
        outside = set(proposal.related_member_ids) - set(member_ids)
        if outside:
            raise ClaimRefusedError(
                f"the predicate does not hold for member {min(outside)} of related_member_ids; leave it empty"
            )
        if proposal.member_count not in {0, count}:
            raise ClaimRefusedError(
                f"member_count is {proposal.member_count}, but the predicate holds for {count} members; see "
                "whether the description still fits, and correct it"
            )
        for one in proposal.evidence:
            carriers = int(self.shown.labels.counts[self.shown.find(one.field, one.label)])
            if one.members != carriers:
                raise ClaimRefusedError(
                    f"evidence says that {one.members} members carry {one.label!r}; it is {carriers}; "
                    "correct it"
                )

    def _stored(self, proposal: Proposal, claim: VerifiedClaim, *, improves: str | None = None) -> Saved:
        figures = claim.figures()
        returned = {key: figures[key] for key in ("member_count", "expected", "lift", "p_value")}
        by_field: dict[str, list[str]] = {}
        for own, label in labels_of(claim.predicate):
            by_field.setdefault(own, []).append(label)
        row = {
            "name": proposal.name,
            "description": in_figures(proposal.description, figures["member_count"], figures["expected"]),
            "category": proposal.category,
            "member_count": figures["member_count"],
            "related_member_ids": claim.member_ids.tolist(),
            "evidence": {
                "predicate": claim.predicate.to_json(),
                "labels": by_field,
                "claimed": {
                    "description": proposal.description,
                    "member_count": proposal.member_count or None,
                    "related_member_ids": list(proposal.related_member_ids),
                    "evidence": [vars(one) for one in proposal.evidence],
                },
                "verified": figures | {"at": datetime.now(UTC).isoformat(timespec="seconds")},
                **self.origin,
            },
            "question_prompts": list(proposal.question_prompts),
            "found_by": FOUND_BY,
        }
        return Saved(*save_verified_pattern(self.store, row, improves=improves), returned)
