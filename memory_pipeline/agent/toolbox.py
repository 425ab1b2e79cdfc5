"""What do the tools do that Claude calls?

They read the community in aggregate, and store a pattern only when it was verified.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memory_pipeline.agent.proposals import read_proposal
from memory_pipeline.agent.tools import ANALYSIS, SAVE
from memory_pipeline.agent.untrusted_text import clean
from memory_pipeline.analysis.members.claims import ClaimRefusedError, known_pattern
from memory_pipeline.analysis.members.predicates import PredicateError
from memory_pipeline.analysis.members.profile import profile_analysis
from memory_pipeline.store.discovery import PatternRetiredError, stored_patterns

if TYPE_CHECKING:
    from memory_pipeline.agent.pattern_saver import PatternSaver

MOST_SAVED = 10
"""Most patterns that one discovery may save; a few good ones are worth more than many."""
MOST_PAGES = 10
"""Most pages of the analysis; pairs are sorted by p-value, and each field can be read by itself."""
_STORED_SHOWN = 60
_UNLIKELY = 0.05
"""Largest p-value of the pairs that are shown."""
_REASON = 500


@dataclass
class Toolbox:
    """The tools of one discovery.

    Attributes
    ----------
    saver
        Verifies and stores proposals; it has the members, and their labels that may be shown.
    claims
        The proposals, in order: `name`, `verdict` (created, updated or refused), `reason`, `pattern_id`.
    """

    saver: PatternSaver
    claims: list[dict[str, Any]] = field(default_factory=list)

    def call(self, name: str, arguments: Any) -> tuple[str, bool]:
        """Run a tool; return its result as JSON, and whether it is an error. Invalid input does not raise."""
        try:
            result = {ANALYSIS: self._analysis, SAVE: self._save}.get(name, _no_such_tool)(arguments)
        except (ClaimRefusedError, PredicateError) as error:
            return json.dumps({"refused": str(error)}, ensure_ascii=False), True
        return json.dumps(result, ensure_ascii=False), False

    def counted(self, verdict: str) -> int:
        """Count the claims with a verdict."""
        return sum(claim["verdict"] == verdict for claim in self.claims)

    def _analysis(self, arguments: Any) -> dict[str, Any]:
        if not isinstance(arguments, dict):
            raise ClaimRefusedError("the input is not an object; give fields and page")
        fields, page = arguments.get("fields") or [], arguments.get("page", 1)
        if not isinstance(fields, list) or not all(isinstance(one, str) for one in fields):
            raise ClaimRefusedError("fields is not a list of texts; leave it empty for all fields")
        if not isinstance(page, int) or isinstance(page, bool) or page > MOST_PAGES:
            raise ClaimRefusedError(f"page is not a whole number from 1 to {MOST_PAGES}; start with 1")
        try:
            profile = profile_analysis(
                self.saver.shown.labels,
                min_group_size=self.saver.min_group_size,
                page=page,
                fields=tuple(fields[:20]) or None,
            )
        except ValueError as error:
            raise ClaimRefusedError(clean(str(error), _REASON)) from error
        pairs = profile["co_occurrence"]
        profile["co_occurrence"] = [pair for pair in pairs if pair["p_value"] <= _UNLIKELY]
        profile["pages"] = min(profile["pages"], MOST_PAGES)
        return {"members_data": profile, "stored_patterns": self._stored() if page == 1 else []}

    def _stored(self) -> list[dict[str, Any]]:
        """Return the stored patterns for the model, without those with a label that may not be shown."""
        visible = {original: shown for shown, original in self.saver.shown.original.items()}
        result = []
        for row in stored_patterns(self.saver.store):
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
            saved = self.saver.save(read_proposal(arguments))
        except (ClaimRefusedError, PredicateError, PatternRetiredError) as error:
            note["reason"] = clean(str(error), _REASON)
            raise ClaimRefusedError(note["reason"]) from error
        note.update(verdict="created" if saved.is_new else "updated", pattern_id=saved.identity)
        return {"saved": note["verdict"], "id": saved.identity, "verified": saved.figures}

    def _check_room(self) -> None:
        if self.counted("created") + self.counted("updated") >= MOST_SAVED:
            raise ClaimRefusedError(f"{MOST_SAVED} patterns are saved, which is enough; end with a summary")


def _no_such_tool(_arguments: Any) -> dict[str, Any]:
    raise ClaimRefusedError(f"there is no such tool; the tools are {ANALYSIS} and {SAVE}")
