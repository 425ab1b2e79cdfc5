"""Persons' decisions about factors, and which advice they concern.

How a suppressed factor changes the posterior is in `recommendations.suppression`. A *confirmed* or noted one
changes no figure; advice that it concerns quotes the decision.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.text import name_comparison

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Settings = Mapping[str, str]


SUPPRESS, CONFIRM, NOTE = "suppress", "confirm", "note"


@dataclass(frozen=True)
class FactorDecision:
    """What a person decided about one factor.

    Attributes
    ----------
    finding_id
        Id of the factor.
    decision
        `suppress`, `confirm`, or `note` (something was noted and nothing decided).
    settings, reference
        The two sides of the comparison: encoded setting to value.
    decided_by, decided_at
        Who decided, and when (ISO 8601).
    note
        The reason; None where none was given.
    finding
        The factor's sentence; None where the newest rebuild does not have the factor.
    """

    finding_id: str
    decision: str
    settings: Mapping[str, str]
    reference: Mapping[str, str]
    decided_by: str
    decided_at: str
    note: str | None = None
    finding: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as JSON-able values."""
        return asdict(self)

    @property
    def sides(self) -> tuple[Settings, Settings]:
        """Both sides of the comparison."""
        return self.settings, self.reference

    @property
    def comparison(self) -> str:
        """The comparison in words: `wrapper = psadt instead of none`."""
        return name_comparison(self.settings, self.reference)

    @property
    def reason(self) -> str:
        """The note in the form in which it follows a sentence; empty where there is none."""
        return f' ("{self.note}")' if self.note else ""

    @property
    def sentence(self) -> str:
        """Who decided what, when and why."""
        when, why = self.decided_at[:10], self.reason
        if self.decision == CONFIRM:
            said = f"{self.decided_by} confirmed on {when}{why} what {self.comparison} changes"
            return f"{said}. {self.finding}" if self.finding else f"{said}."
        if self.decision == NOTE:
            return f"{self.decided_by} noted on {when} about {self.comparison}{why}."
        return (
            f"Left to you: {self.decided_by} decided on {when} that {self.comparison} is no reason to choose "
            f"or avoid it{why}; what the history says of it does not count."
        )


def rests_on(conditions: Settings, decisions: Iterable[FactorDecision]) -> bool:
    """Return whether conditions include one side of a comparison that a person suppressed."""
    return any(
        one.decision == SUPPRESS and any(has_side(conditions, side) for side in one.sides)
        for one in decisions
    )


def has_side(settings: Mapping[str, Any], side: Settings) -> bool:
    """Return whether settings have all values of one side of a comparison."""
    return all(settings.get(column) == level for column, level in side.items())
