"""Is a proposal of the model well-formed?

What belongs here: shapes, lengths, wording. Whether it is true of the members is checked in
`analysis.members.claims`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any

from memory_pipeline.agent.untrusted_text import clean
from memory_pipeline.analysis.members.claims import ClaimRefusedError
from memory_pipeline.analysis.members.predicates import AtLeast, Has, Node, Not, Predicate
from memory_pipeline.store.models import MEMBER_PATTERN_CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAME_CHARACTERS = (3, 120)
MOST_NAME = 255
"""Most characters of a stored name; names by the statistics may be longer than those by a model."""
DESCRIPTION_CHARACTERS = (30, 1500)
QUESTION_CHARACTERS = (10, 300)
QUESTIONS = (2, 3)
MOST_PARTS = 16
MOST_IDS = 5000
_NUMBER = re.compile(r"(?<!\w)\d+(?:[.,]\d+)*\s?[x×%]?(?!\w)")  # noqa: RUF001 - a times sign is meant
_ADDRESS = re.compile(r"\w+://|\bwww\.|\bmailto:|\S@\S+\.\w", re.IGNORECASE)


@dataclass(frozen=True)
class LabelCount:
    """The model's figure of how many members carry a label."""

    field: str
    label: str
    members: int


@dataclass(frozen=True)
class Proposal:
    """A well-formed proposal, not yet verified; where `predicate` is None, the stored pattern's is meant."""

    name: str
    improves: str
    description: str
    category: str
    predicate: Predicate | None
    member_count: int
    related_member_ids: tuple[int, ...]
    evidence: tuple[LabelCount, ...]
    question_prompts: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that a person will read."""
        return (self.name, self.description, *self.question_prompts)


def read_proposal(value: Any) -> Proposal:
    """Read the input of `save_pattern`.

    Raises
    ------
    ClaimRefusedError
        When something is missing, of the wrong type, too long or too short; the message names it.
    """
    fields = _fields(value, "save_pattern", tuple(one.name for one in dataclass_fields(Proposal)))
    category = fields["category"]
    if category not in MEMBER_PATTERN_CATEGORIES:
        raise ClaimRefusedError(
            f"category is {_shown(category)}; use one of {list(MEMBER_PATTERN_CATEGORIES)}"
        )
    questions = [
        _text(one, f"question_prompts[{place}]", QUESTION_CHARACTERS)
        for place, one in enumerate(_list(fields["question_prompts"], "question_prompts", QUESTIONS))
    ]
    if not all(one.endswith(("?", "？", "؟")) for one in questions):  # noqa: RUF001 - they end questions elsewhere
        raise ClaimRefusedError(
            "a question in question_prompts does not end in a question mark; ask it as one"
        )
    proposal = Proposal(
        name=_text(fields["name"], "name", NAME_CHARACTERS),
        improves=_text(fields["improves"], "improves", (0, MOST_NAME)),
        description=_text(fields["description"], "description", DESCRIPTION_CHARACTERS),
        category=category,
        predicate=_predicate(fields["predicate"]),
        member_count=_count(fields["member_count"], "member_count"),
        related_member_ids=tuple(
            _count(one, "related_member_ids")
            for one in _list(fields["related_member_ids"], "related_member_ids", (0, MOST_IDS))
        ),
        evidence=tuple(
            _label_count(one, f"evidence[{place}]")
            for place, one in enumerate(_list(fields["evidence"], "evidence", (0, 50)))
        ),
        question_prompts=tuple(questions),
    )
    if proposal.predicate is None and not proposal.improves:
        raise ClaimRefusedError("predicate.all is empty; say whom the new pattern is about")
    if any(_ADDRESS.search(text) for text in proposal.texts):
        raise ClaimRefusedError("name, description or questions hold an address; leave it out")
    return proposal


def check_numbers(texts: Iterable[str], labels: Iterable[str]) -> None:
    """Check that texts have no figures that are not part of a label; verified figures are added by code.

    Raises
    ------
    ClaimRefusedError
        For the first such number.
    """
    numbered = sorted({label for label in labels if _NUMBER.search(label)}, key=len, reverse=True)
    for text in texts:
        rest = text
        for label in numbered:
            rest = re.sub(re.escape(label), " ", rest, flags=re.IGNORECASE)
        found = _NUMBER.search(rest)
        if found is not None:
            raise ClaimRefusedError(
                f"the text holds the number {found[0].strip()}; leave figures out, verified ones are added"
            )


def _predicate(value: Any) -> Predicate | None:
    parts = _list(_fields(value, "predicate", ("all",))["all"], "predicate.all", (0, MOST_PARTS))
    nodes = tuple(_part(one, f"predicate.all[{place}]") for place, one in enumerate(parts))
    return Predicate(AtLeast(len(nodes), nodes)) if nodes else None


def _part(value: Any, place: str) -> Node:
    fields = _fields(value, place, ("any", "negate"))
    if not isinstance(fields["negate"], bool):
        raise ClaimRefusedError(f"{place}.negate is {_shown(fields['negate'])}; write true or false")
    labels = [
        Has(*(_text(pair[key], f"{place}.any.{key}", (1, 200)) for key in ("field", "label")))
        for one in _list(fields["any"], f"{place}.any", (1, MOST_PARTS))
        for pair in [_fields(one, f"{place}.any", ("field", "label"))]
    ]
    node: Node = labels[0] if len(labels) == 1 else AtLeast(1, tuple(labels))
    return Not(node) if fields["negate"] else node


def _label_count(value: Any, place: str) -> LabelCount:
    fields = _fields(value, place, ("field", "label", "members"))
    field, label = (_text(fields[key], f"{place}.{key}", (1, 200)) for key in ("field", "label"))
    return LabelCount(field, label, _count(fields["members"], f"{place}.members"))


def _fields(value: Any, place: str, names: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ClaimRefusedError(f"{place} is {_shown(value)}; write an object with {', '.join(names)}")
    missing = [name for name in names if name not in value]
    strange = sorted(set(map(str, value)) - set(names))
    if missing or strange:
        wrong = f"lacks {', '.join(missing)}" if missing else f"has the unknown {_shown(strange[0])}"
        raise ClaimRefusedError(f"{place} {wrong}; it takes {', '.join(names)}")
    return value


def _list(value: Any, place: str, length: tuple[int, int]) -> list[Any]:
    if not isinstance(value, list) or not length[0] <= len(value) <= length[1]:
        size = f"a list of {len(value)}" if isinstance(value, list) else _shown(value)
        raise ClaimRefusedError(f"{place} is {size}; write a list of {length[0]} to {length[1]}")
    return value


def _text(value: Any, place: str, length: tuple[int, int]) -> str:
    if not isinstance(value, str):
        raise ClaimRefusedError(f"{place} is {_shown(value)}; write a text")
    text = clean(value, length[1] + 1)
    if not length[0] <= len(text) <= length[1]:
        raise ClaimRefusedError(f"{place} has {len(value)} characters; write {length[0]} to {length[1]}")
    return text


def _count(value: Any, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ClaimRefusedError(f"{place} is {_shown(value)}; write a whole number from 0")
    return value


def _shown(value: Any) -> str:
    return clean(repr(value), 80)
