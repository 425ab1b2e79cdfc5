"""What does a label mean: its synonyms, its areas, and the role of its field?

The vocabulary is written and reviewed by people (`data_contracts/vocabulary.yaml`); this module reads it and
answers questions about single labels. It is applied to members in `members.labels`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

ROLES = ("ability", "interest", "wish", "habit")
"""Roles of a set-valued field: what members can do, care about, would like to learn, or usually do."""
_USUAL_ROLES = {"skills": "ability", "interests": "interest"}
_SECTIONS = {"version", "labels", "areas", "never_merge", "ignored", "words", "small_words", "field_roles"}
_WORD = re.compile(r"[^\W_][\w+#]*|[+#]+")
_REMARK = re.compile(r"\s*\([^()]*\)$")
_FEW_LETTERS = 3


@lru_cache(maxsize=100_000)
def label_key(label: str) -> str:
    """Return the key of a label's spellings: without case, accents, spaces and punctuation but `+` and `#`.

    >>> label_key("React.js"), label_key("Power Shell"), label_key("Genómica"), label_key("C++")
    ('reactjs', 'powershell', 'genomica', 'c++')
    """
    plain = without_accents(label.casefold())
    return re.sub(r"[^\w+#]|_", "", plain) or plain.strip()


def without_accents(text: str) -> str:
    """Remove accents and other combining marks from letters.

    >>> without_accents("Análisis")
    'Analisis'
    """
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))


class VocabularyError(ValueError):
    """A vocabulary that cannot be used as it is written."""


@dataclass(frozen=True)
class Vocabulary:
    """A reviewed vocabulary.

    Parameters
    ----------
    version
        Number of the reviewed version; stored with the patterns found under it.
    canonical
        The canonical label by the `label_key` of each of its names.
    areas
        Area (a field of work, such as "web development") to the canonical labels in it; a label may be
        in several.
    never_merge
        Pairs of `label_key`s that are different things, however similar.
    ignored
        `label_key`s without a meaning ("none", "n/a").
    words
        Canonical word by word or phrase, in any form or language; `small_words` are skipped. With them, a
        longer label that means the same in other words or another language is recognised.
    field_roles
        Role by field, one of `ROLES`; by default `skills` are abilities, and other fields interests.
    """

    version: int = 0
    canonical: Mapping[str, str] = field(default_factory=dict)
    areas: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    never_merge: frozenset[frozenset[str]] = frozenset()
    ignored: frozenset[str] = frozenset()
    words: Mapping[str, str] = field(default_factory=dict)
    small_words: frozenset[str] = frozenset()
    field_roles: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, content: Any) -> Vocabulary:
        """Read a vocabulary from plain values, as in the file.

        Parameters
        ----------
        content
            `version` (int), `labels` (label to its other names), `areas` (area to labels), `never_merge`
            (pairs), `ignored`, `small_words` (lists), `words` (word to the other forms of it) and
            `field_roles` (role to fields); all but `version` may be missing.

        Raises
        ------
        VocabularyError
            When a section or a value is not valid; the message names it and the remedy.
        """
        if not isinstance(content, Mapping) or not isinstance(content.get("version"), int):
            raise VocabularyError("the vocabulary has no `version`; write `version: 1` at its top")
        unknown = sorted(set(content) - _SECTIONS)
        if unknown:
            raise VocabularyError(f"the vocabulary has unknown sections {unknown}; use {sorted(_SECTIONS)}")
        canonical = _names(_lists(content, "labels"), "labels", label_key)
        areas = {
            area: tuple(canonical.get(label_key(one), one) for one in labels)
            for area, labels in _lists(content, "areas").items()
        }
        listed = {one for labels in areas.values() for one in labels}
        roles = _lists(content, "field_roles")
        strange = sorted(set(roles) - set(ROLES))
        if strange:
            raise VocabularyError(
                f"field_roles names {strange} in the vocabulary; a role is one of {list(ROLES)}"
            )
        return cls(
            version=content["version"],
            canonical={label_key(one): one for one in listed} | canonical,
            areas=areas,
            never_merge=frozenset(_pair(one) for one in content.get("never_merge") or ()),
            ignored=frozenset(map(label_key, _texts(content.get("ignored") or [], "ignored"))),
            words=_names(_lists(content, "words"), "words", _word_key),
            small_words=frozenset(map(_word_key, _texts(content.get("small_words") or [], "small_words"))),
            field_roles={name: role for role, names in roles.items() for name in names},
        )

    def role_of(self, member_field: str) -> str:
        """Return the role of a field of members, one of `ROLES`."""
        return self.field_roles.get(member_field) or _USUAL_ROLES.get(member_field, "interest")

    def areas_of(self, label: str) -> frozenset[str]:
        """Return the areas that a label is in."""
        return self._areas_by_key.get(label_key(label), frozenset())

    @cached_property
    def _areas_by_key(self) -> dict[str, frozenset[str]]:
        keys = {area: set(map(label_key, labels)) for area, labels in self.areas.items()}
        return {
            key: frozenset(area for area, own in keys.items() if key in own)
            for key in set().union(*keys.values())
        }

    def may_merge(self, one: str, other: str) -> bool:
        """Return whether two labels are not declared to be different things."""
        return frozenset((label_key(one), label_key(other))) not in self.never_merge

    def meaning(self, label: str) -> str:
        """Return the words of a longer label, translated and in alphabetic order; empty without words.

        >>> words = {"analisis": "analysis", "datos": "data"}
        >>> spanish = Vocabulary(words=words, small_words=frozenset({"de"}))
        >>> spanish.meaning("Análisis de datos") == spanish.meaning("Data analysis") != ""
        True
        """
        text = _word_key(label)
        for phrase, word in self._phrases:
            text = text.replace(phrase, f" {word} ")
        found = [one for one in _WORD.findall(text) if one not in self.small_words]
        read = {self.words.get(one) or self.words.get(_singular(one)) or _singular(one) for one in found}
        return " ".join(sorted({_word_key(one) for one in read} - self.small_words))

    @cached_property
    def _phrases(self) -> list[tuple[str, str]]:
        """Phrases among the words, the longest first."""
        phrases = [(one, word) for one, word in self.words.items() if not one.isalnum()]
        return sorted(phrases, key=lambda entry: -len(entry[0]))

    def name_of(self, label: str) -> str | None:
        """Return the canonical name of a label, without a remark in brackets; None where it is not known."""
        name = self.canonical.get(label_key(label))
        if name is None and label.endswith(")"):
            name = self.canonical.get(label_key(_REMARK.sub("", label)))
        return name


def _word_key(word: str) -> str:
    return without_accents(word.casefold())


def _singular(word: str) -> str:
    is_plural = len(word) > _FEW_LETTERS and word.endswith("s") and not word.endswith(("ss", "is", "us"))
    return word[:-1] if is_plural else word


def _names(entries: Mapping[str, list[str]], section: str, key_of: Any) -> dict[str, str]:
    """Return the name by the key of each of its other names; raise where a key belongs to two names."""
    result: dict[str, str] = {}
    for name, others in entries.items():
        for one in (name, *others):
            key = key_of(one)
            if result.setdefault(key, name) != name:
                raise VocabularyError(
                    f"{section} in the vocabulary gives {one!r} to {result[key]!r} and to {name!r}; "
                    "take it out of one of them"
                )
    return result


def _lists(content: Mapping[str, Any], section: str) -> dict[str, list[str]]:
    entries = content.get(section) or {}
    if not isinstance(entries, Mapping):
        raise VocabularyError(f"{section} in the vocabulary is {entries!r}; write `name: [text, ...]` lines")
    return {str(name): _texts(texts or [], f"{section}.{name}") for name, texts in entries.items()}


def _texts(value: Any, place: str) -> list[str]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise VocabularyError(f"{place} in the vocabulary is {value!r}; write a list of texts")
    wrong = [one for one in value if not isinstance(one, str) or not one.strip()]
    if wrong:
        raise VocabularyError(f"{place} in the vocabulary holds {wrong[0]!r}; write each text in quotes")
    return list(value)


def _pair(value: Any) -> frozenset[str]:
    pair = frozenset(map(label_key, _texts(value, "never_merge")))
    if len(pair) != 2:  # noqa: PLR2004 - a pair
        raise VocabularyError(f"never_merge in the vocabulary holds {value!r}; write two different labels")
    return pair
