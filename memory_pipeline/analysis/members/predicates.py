"""For which members does a statement about their labels hold?

A statement (predicate) combines labels of fields by all, any, not and at least. A pattern among members is
stored with its predicate, so that its members can be recomputed. As JSON::

    {"all": [{"field": "skills", "label": "R"},
             {"any": [{"field": "skills", "label": "SQL"}, {"field": "tools", "label": "Git"}]},
             {"not": {"field": "skills", "label": "SAS"}},
             {"at_least": 2, "of": [{...}, {...}, {...}]}]}
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from memory_pipeline.analysis.members.vocabulary import label_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from memory_pipeline.analysis.members.labels import MemberLabels


MAX_DEPTH = 4
MAX_LABELS = 32
_SHOWN = 120


class PredicateError(ValueError):
    """A predicate that cannot be read, or that names a field or a label that no member has."""


@dataclass(frozen=True)
class Has:
    """The member carries a label in a field."""

    field: str
    label: str


@dataclass(frozen=True)
class AtLeast:
    """At least `count` of the parts hold: all of them for "all", one for "any"."""

    count: int
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Node


Node = Has | AtLeast | Not


class _Columns(Protocol):
    def __call__(self, member_field: str, label: str) -> NDArray[np.bool_]: ...


@dataclass(frozen=True)
class Predicate:
    """A statement that holds for a member or does not."""

    root: Node

    def holds(self, column: _Columns) -> NDArray[np.bool_]:
        """Evaluate the predicate; `column(field, label)` returns who carries a label, all of one shape."""
        return _evaluate(self.root, column)

    def mask(self, labels: MemberLabels) -> NDArray[np.bool_]:
        """Return for which members it holds, shape (members,).

        Raises
        ------
        PredicateError
            When a field or a label does not occur; the message suggests similar ones that do.
        """
        return self.holds(lambda member_field, label: labels.column(resolve(labels, member_field, label)))

    def members(self, labels: MemberLabels) -> NDArray[np.int64]:
        """Return the ids of the members that it holds for, ascending, shape (matching members,).

        Raises
        ------
        PredicateError
            As `mask`.
        """
        return np.sort(labels.member_ids[self.mask(labels)])

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as plain values, as `parse_predicate` reads it."""
        return _to_json(self.root)


def parse_predicate(value: Any) -> Predicate:
    """Read a predicate from plain values.

    Raises
    ------
    PredicateError
        When the value is not a predicate, is nested deeper than `MAX_DEPTH` or names more than `MAX_LABELS`
        labels; the message states the place, the value and the remedy.
    """
    predicate = Predicate(_parse(value, "predicate", 1))
    count = len(labels_of(predicate))
    if count > MAX_LABELS:
        raise PredicateError(f"the predicate names {count} labels; use at most {MAX_LABELS}")
    return predicate


def every(*labels: tuple[str, str]) -> Predicate:
    """Build the predicate that a member carries all of these (field, label)."""
    return Predicate(AtLeast(len(labels), tuple(Has(*one) for one in labels)))


def labels_of(predicate: Predicate) -> tuple[tuple[str, str], ...]:
    """Return the (field, label) that occur in a predicate, each once, in their order."""
    found: dict[tuple[str, str], None] = {}

    def walk(node: Node) -> None:
        if isinstance(node, Has):
            found[node.field, node.label] = None
        for part in (node.part,) if isinstance(node, Not) else getattr(node, "parts", ()):
            walk(part)

    walk(predicate.root)
    return tuple(found)


def resolve(labels: MemberLabels, member_field: str, label: str) -> int:
    """Return the column of a label, in any of its spellings.

    Raises
    ------
    PredicateError
        When the field or the label does not occur.
    """
    place = labels.find(member_field, label)
    if place is not None:
        return place
    fields = sorted(set(labels.fields))
    if member_field not in fields:
        raise PredicateError(f"no member has a field {member_field!r}; use one of {fields}")
    known = {
        label_key(name): name
        for name, own in zip(labels.names, labels.fields, strict=True)
        if own == member_field
    }
    near = [known[key] for key in difflib.get_close_matches(label_key(label), known, n=3)]
    elsewhere = sorted(
        {
            own
            for name, own in zip(labels.names, labels.fields, strict=True)
            if label_key(name) == label_key(label)
        }
    )
    hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
    hint += f"; it occurs in {', '.join(elsewhere)}" if elsewhere else ""
    raise PredicateError(f"no member has {label!r} in {member_field}{hint or '; use a label that occurs'}")


def _evaluate(node: Node, column: _Columns) -> NDArray[np.bool_]:
    if isinstance(node, Has):
        return column(node.field, node.label)
    if isinstance(node, Not):
        return ~_evaluate(node.part, column)
    held = sum(_evaluate(part, column).astype(np.int16) for part in node.parts)
    result: NDArray[np.bool_] = np.asarray(held) >= node.count
    return result


def _parse(value: Any, place: str, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise PredicateError(f"{place} is nested deeper than {MAX_DEPTH}; write it flatter")
    if not isinstance(value, Mapping):
        raise PredicateError(
            f"{place} is {_shown(value)}; write an object such as "
            '{"field": "skills", "label": "R"} or {"all": [...]}'
        )
    readers: dict[frozenset[str], Callable[[], Node]] = {
        frozenset({"field", "label"}): lambda: _parse_has(value, place),
        frozenset({"not"}): lambda: Not(_parse(value["not"], f"{place}.not", depth + 1)),
        frozenset({"all"}): lambda: _parse_list(value["all"], f"{place}.all", depth, count=None),
        frozenset({"any"}): lambda: _parse_list(value["any"], f"{place}.any", depth, count=1),
        frozenset({"at_least", "of"}): lambda: _parse_at_least(value, place, depth),
    }
    reader = readers.get(frozenset(value))
    if reader is None:
        raise PredicateError(
            f"{place} has the keys {sorted(map(str, value))}; "
            "use field and label, all, any, not, or at_least and of"
        )
    return reader()


def _parse_has(value: Mapping[str, Any], place: str) -> Has:
    for key in ("field", "label"):
        if not isinstance(value[key], str) or not value[key].strip():
            raise PredicateError(f"{place}.{key} is {_shown(value[key])}; write a text")
    return Has(value["field"].strip(), value["label"].strip())


def _parse_list(value: Any, place: str, depth: int, *, count: int | None) -> AtLeast:
    if not isinstance(value, (list, tuple)) or not value:
        raise PredicateError(f"{place} is {_shown(value)}; write a list with at least one part")
    parts = tuple(_parse(one, f"{place}[{number}]", depth + 1) for number, one in enumerate(value))
    return AtLeast(len(parts) if count is None else count, parts)


def _parse_at_least(value: Mapping[str, Any], place: str, depth: int) -> AtLeast:
    found, count = _parse_list(value["of"], f"{place}.of", depth, count=1), value["at_least"]
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= len(found.parts):
        raise PredicateError(
            f"{place}.at_least is {_shown(count)}; "
            f"write a whole number from 1 to {len(found.parts)}, the length of `of`"
        )
    return AtLeast(count, found.parts)


def _to_json(node: Node) -> dict[str, Any]:
    if isinstance(node, Has):
        return {"field": node.field, "label": node.label}
    if isinstance(node, Not):
        return {"not": _to_json(node.part)}
    parts = [_to_json(part) for part in node.parts]
    if node.count == len(parts):
        return {"all": parts}
    return {"any": parts} if node.count == 1 else {"at_least": node.count, "of": parts}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
