"""How is a pattern among members described in words, and which questions does it suggest?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.text import cut, list_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.analysis.members.finding import Finding


NAME_LENGTH = 255
_A_PATH = 3
"""Least abilities in an area for the question about a learning path."""


@dataclass(frozen=True)
class Question:
    """A question to members, its audience, and what its answers are used for."""

    question: str
    audience: str
    why: str


@dataclass(frozen=True)
class Wording:
    """A pattern in words."""

    name: str
    description: str
    questions: tuple[Question, ...]


def wording_of(finding: Finding, names: Sequence[str], rule: Mapping[str, Any] | None = None) -> Wording:
    """Write the name, description and questions of a finding, by its kind.

    Parameters
    ----------
    finding
        The finding.
    names
        Its labels as shown to readers, in the same order.
    rule
        The association rule to one label from the others, as `members.sets.rule_of` returns it.
    """
    return _WRITERS[finding.kind](finding, list(names), rule or {})


def _beyond(finding: Finding) -> str:
    return f"chance would give {_number(finding.expected)}, so this is {_times(finding.lift)} as many"


def _number(expected: float) -> str:
    return f"about {expected:.0f}" if expected >= 1 else "fewer than one"


def _times(lift: float) -> str:
    return f"{lift:.1f} times" if lift < 100 else "over 100 times"  # noqa: PLR2004 - false precision


def _follows(rule: Mapping[str, Any]) -> str:
    if not rule:
        return ""
    return (
        f" Of those with {list_labels(rule['if'])}, {rule['confidence']:.0%} have "
        f"{list_labels(rule['then'])} too; "
        f"of all who answered {rule['base_rate']:.0%} do."
    )


def _ability_set(finding: Finding, names: list[str], rule: Mapping[str, Any]) -> Wording:
    size = finding.member_count
    known, missing = rule.get("if") or names[:-1], rule.get("then") or names[-1:]
    return Wording(
        f"Toolkit: {list_labels(names)}",
        f"{size} members work with {list_labels(names)}; {_beyond(finding)}.{_follows(rule)} "
        "They could review "
        "each other's work, or write the guide that others with the same combination are missing.",
        (
            Question(
                f"What do you do with {list_labels(names)} together that none of them does alone?",
                f"the {size} members who have all of them",
                "names the use that a workshop or a guide would be about",
            ),
            Question(
                f"Which step between {cut(names[0])} and {cut(names[-1])} costs you most, and who solved it?",
                f"the {size} members who have all of them",
                "finds the shared problem, and somebody to present a solution",
            ),
            Question(
                f"You know {list_labels(known)}: what keeps you from {list_labels(missing)}?",
                f"members with {list_labels(known)} but not {list_labels(missing)}",
                "finds who would join in, and what to teach first",
            ),
        ),
    )


def _interest_set(finding: Finding, names: list[str], rule: Mapping[str, Any]) -> Wording:
    size = finding.member_count
    return Wording(
        f"Theme: {list_labels(names)}",
        f"{size} members share {list_labels(names)}; {_beyond(finding)}.{_follows(rule)} "
        "Large enough for a "
        "working group or a series of meetings of its own.",
        (
            Question(
                f"Where do {list_labels(names)} meet in what you do?",
                f"the {size} members who share all of them",
                "gives the working group its first topic",
            ),
            Question(
                f"Which example from {cut(names[0])} would help somebody who comes from {cut(names[-1])}?",
                f"the {size} members who share all of them",
                "collects material for a first meeting",
            ),
        ),
    )


def _habit_set(finding: Finding, names: list[str], rule: Mapping[str, Any]) -> Wording:
    size = finding.member_count
    return Wording(
        f"Ways to reach members: {list_labels(names)}",
        f"{size} members name {list_labels(names)} side by side; {_beyond(finding)}.{_follows(rule)} Who "
        "wants to invite these members finds them in any of these places.",
        (
            Question(
                f"What do you get from {cut(names[0])} that {cut(names[-1])} does not give you?",
                f"the {size} members who name all of them",
                "says what to announce where",
            ),
            Question(
                f"Would you tell us about something you found through {cut(names[0])}?",
                f"the {size} members who name all of them",
                "finds members who pass things on",
            ),
        ),
    )


def _wish_set(finding: Finding, names: list[str], rule: Mapping[str, Any]) -> Wording:
    size = finding.member_count
    return Wording(
        f"Learning circle: {list_labels(names)}",
        f"{size} members would like {list_labels(names)} together; {_beyond(finding)}.{_follows(rule)} "
        "One course "
        "or study circle would serve all of them.",
        (
            Question(
                f"What would you do first with {list_labels(names)}?",
                f"the {size} members who would like all of them",
                "gives the circle its first exercise",
            ),
            Question(
                f"How many hours a month could you give to {list_labels(names)}?",
                f"the {size} members who would like all of them",
                "says whether a course or a study circle fits",
            ),
        ),
    )


def _cross_set(finding: Finding, names: list[str], rule: Mapping[str, Any]) -> Wording:
    by_role: dict[str, list[str]] = {}
    for name, role in zip(names, finding.details["roles"], strict=True):
        by_role.setdefault(role, []).append(name)
    if "habit" in by_role and len(by_role) > 1:
        rest = [name for role in ("ability", "interest") for name in by_role.get(role, [])]
        return _reach(finding, rest, by_role["habit"], rule)
    if len(by_role) > 1:
        return _skilled_interest(finding, by_role["interest"], by_role["ability"], rule)
    return _bridge(finding, names, rule)


def _reach(finding: Finding, who: list[str], where: list[str], rule: Mapping[str, Any]) -> Wording:
    size, people, place = finding.member_count, list_labels(who), list_labels(where)
    return Wording(
        f"Where to meet members with {people}: {place}",
        f"{size} members name both {people} and {place}; {_beyond(finding)}.{_follows(rule)} Whoever looks "
        f"for members with {people} does well to look there.",
        (
            Question(
                f"Which news or meeting on {people} would you want to hear of through {place}?",
                f"the {size} members who name all of them",
                "says what to announce there",
            ),
            Question(
                f"Who else with {people} do you know through {place}, and would introduce?",
                f"the {size} members who name all of them",
                "finds members who are not connected yet",
            ),
        ),
    )


def _skilled_interest(
    finding: Finding, interests: list[str], abilities: list[str], rule: Mapping[str, Any]
) -> Wording:
    size, cares, brings = finding.member_count, list_labels(interests), list_labels(abilities)
    return Wording(
        f"Bridge: {brings} for {cares}",
        f"{size} members who care about {cares} bring {brings}, which does not belong to it by itself; "
        f"{_beyond(finding)}.{_follows(rule)} They can show either side what the other is good for.",
        (
            Question(
                f"What does {brings} let you do for {cares} that others there do by hand or not at all?",
                f"the {size} members who have both",
                "gives the topic of a talk or an example to share",
            ),
            Question(
                f"Which problem in {cares} would you hand to somebody who only knows {brings}?",
                f"the {size} members who have both",
                "gives newcomers from the other side a first task",
            ),
        ),
    )


def _bridge(finding: Finding, names: list[str], rule: Mapping[str, Any]) -> Wording:
    size, one, other = finding.member_count, cut(names[0]), cut(names[-1])
    return Wording(
        f"Bridge: {list_labels(names)}",
        f"{size} members combine {list_labels(names)}, which belong to different fields; "
        f"{_beyond(finding)}."
        f"{_follows(rule)} They can translate between them.",
        (
            Question(
                f"How did you come from {one} to {other}, or the other way?",
                f"the {size} members who have both",
                "tells others who stand on one side how to cross",
            ),
            Question(
                f"What do people in {other} not know about {one} that would save them work?",
                f"the {size} members who have both",
                "gives the topic of a talk to the other side",
            ),
        ),
    )


def _area_depth(finding: Finding, names: list[str], rule: Mapping[str, Any]) -> Wording:  # noqa: ARG001 - as the others
    area, least = finding.details["area"], finding.details["least"]
    size, some = finding.member_count, finding.details["any"]
    roles = finding.details["roles"]
    skills = [name for name, role in zip(names, roles, strict=True) if role == "ability"]
    path = Question(
        f"To somebody who knows {cut(skills[0])} only: which of {list_labels(skills[1:4])} comes next?"
        if len(skills) >= _A_PATH
        else f"What do you do in {area} that nobody here has asked you about yet?",
        f"the {size} members with at least {least} labels in {area}",
        "makes a learning path out of what the community knows"
        if len(skills) >= _A_PATH
        else "finds what the community knows and does not use",
    )
    return Wording(
        f"Strength: depth in {area}",
        f"{size} members have at least {least} of {list_labels(names[:8])}; {_beyond(finding)}. They are "
        f"{size / max(some, 1):.0%} of the {some} who have anything in {area}: people to ask, to let teach, "
        "and to have review.",
        (
            Question(
                f"Which question about {area} do you answer again and again?",
                f"the {size} members with at least {least} labels in {area}",
                "gives the topic of a course that the community can hold itself",
            ),
            path,
            Question(
                f"Would you take two hours a month for members who start in {area}?",
                f"the {size} members with at least {least} labels in {area}",
                "finds mentors",
            ),
        ),
    )


def _complement(finding: Finding, names: list[str], rule: Mapping[str, Any]) -> Wording:  # noqa: ARG001 - as the others
    interest, one, other = map(cut, names)
    (first, second), both = finding.details["sides"], finding.details["both"]
    some = f"{both} have both" if both >= finding.details["fewest"] else "hardly anybody has both"
    return Wording(
        f"Together on {interest}: {one} with {other}",
        f"{interest} goes with {one} and with {other} beyond chance, but mostly in different people: "
        f"{first} members have only {one}, {second} only {other}, {some}. "
        f"That makes {finding.member_count} possible partners, {_times(finding.lift)} as many as chance "
        "would give. Bring one of each together.",
        (
            Question(
                f"In {interest}, which task do you leave undone because you would need {other}?",
                f"the {first} members who care about {interest} and have {one} but not {other}",
                f"gives a project to take to somebody with {other}",
            ),
            Question(
                f"In {interest}, which task do you leave undone because you would need {one}?",
                f"the {second} members who care about {interest} and have {other} but not {one}",
                f"gives a project to take to somebody with {one}",
            ),
            Question(
                f"When is {one} the right choice for {interest}, and when {other}?",
                "the members who have both" if both else f"members on either side of {interest}",
                "makes a guide for both sides",
            ),
        ),
    )


def _learn_from(finding: Finding, names: list[str], rule: Mapping[str, Any]) -> Wording:  # noqa: ARG001 - as the others
    shared, wish = map(cut, [names[0], finding.labels[1][1]])
    learn, know = finding.details["sides"]
    return Wording(
        f"Learn {wish} among those with {shared}",
        f"{learn} members with {shared} would like to learn {wish}, and {know} others with {shared} know it. "
        f"That makes {finding.member_count} whom it concerns, {_times(finding.lift)} as many as chance would "
        f"give. They start from something in common.",
        (
            Question(
                f"What would you like to do with {wish} in {shared}?",
                f"the {learn} members with {shared} who would like to learn {wish}",
                "gives those who know it something definite to show",
            ),
            Question(
                f"Would you show {wish} to somebody who shares {shared} with you?",
                f"the {know} members with {shared} who know {wish}",
                "finds mentors who are near",
            ),
        ),
    )


_WRITERS = {
    "ability_set": _ability_set,
    "interest_set": _interest_set,
    "habit_set": _habit_set,
    "wish_set": _wish_set,
    "cross_set": _cross_set,
    "area_depth": _area_depth,
    "complement": _complement,
    "learn_from": _learn_from,
}
