"""How is untrusted text made safe to show: short, on one line, without hidden characters?"""

from __future__ import annotations

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_BREAKS = {"Zl", "Zp", "Zs"}


def clean(text: str, limit: int) -> str:
    r"""Remove invisible characters (control, direction, tag and private ones), join spaces, and shorten.

    >>> clean("React\u202e\n.js ", 20), clean("a long label", 7)
    ('React .js', 'a long…')
    """
    seen = (_shown(character) for character in text[: limit * 4])
    line = " ".join("".join(seen).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category in _BREAKS or character in "\n\r\t":
        return " "
    return "" if category in _HIDDEN else character
