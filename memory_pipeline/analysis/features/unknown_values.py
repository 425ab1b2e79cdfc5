"""What is said of a value that the history does not know, and which known one is nearest?"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from memory_pipeline.analysis.spellings import spelling_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_SIMILAR = 0.6
_SHOWN = 3


def nearest_known(name: str, known: Iterable[str], *, most: int = 1) -> list[str]:
    """Return the known names that are most like a name, in any spelling, the nearest first.

    >>> nearest_known("MSI", ["exe", "msi"]), nearest_known("colour", ["exe", "msi"])
    (['msi'], [])
    """
    folded = {spelling_key(one): one for one in sorted(known, reverse=True)}
    close = difflib.get_close_matches(spelling_key(name), folded, n=most, cutoff=_SIMILAR)
    return [folded[one] for one in close]


def describe_unknown_value(column: str, value: str, known: Collection[str]) -> str:
    """Return the sentence about a described value that the history does not know.

    >>> describe_unknown_value("team", "redd", ["blue", "red"])
    "team 'redd' never occurred, or too rarely to learn from; the nearest known: 'red'."
    """
    return f"{column} {value!r} never occurred, or too rarely to learn from{_known(value, known)}."


def describe_missing_value(column: str, value: str, known: Collection[str]) -> str:
    """Return the sentence about a value that something is filtered by and no attempt has.

    >>> describe_missing_value("vendor", "Contosso", ["Contoso", "Fabrikam"])
    "vendor 'Contosso' never occurred; the nearest known: 'Contoso'."
    """
    return f"{column} {value!r} never occurred{_known(value, known)}."


def _known(value: str, known: Collection[str]) -> str:
    """Return the part of a sentence that names the nearest known values, or some where none is near."""
    close = nearest_known(value, known, most=_SHOWN)
    shown = ", ".join(map(repr, close or list(known)[:_SHOWN]))
    return f"; {'the nearest known' if close else 'known'}: {shown}" if shown else ""
