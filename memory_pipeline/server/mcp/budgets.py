"""How long an answer may be: shortened texts, and lists cut from their end until an answer fits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

CHARACTERS_OF_A_TOKEN = 4
"""A rough bound for English and JSON."""
ADVICE_TOKENS = 1_500
"""Most tokens of an advice, text and structured content together."""
LIST_TOKENS = 3_000
"""Most tokens of a list."""
LONGEST_SENTENCE = 400
LONGEST_SETTING = 120


def tokens_of(*parts: Any) -> int:
    """Return about how many tokens texts and JSON values take."""
    texts = (one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in parts)
    return sum(-(-len(one) // CHARACTERS_OF_A_TOKEN) for one in texts)


def shorten(text: str, most: int = LONGEST_SENTENCE) -> str:
    """Return a text with at most so many characters, cut at the end of a word.

    >>> shorten("one two three", 9)
    'one two …'
    """
    if len(text) <= most:
        return text
    head = text[: most - 1]
    return f"{head.rsplit(' ', 1)[0] if ' ' in head else head[:-1]} …"


def shorten_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings of a past attempt with long texts shortened."""
    return {name: _shorten_value(value) for name, value in settings.items()}


def _shorten_value(value: Any) -> Any:
    if isinstance(value, str):
        return shorten(value, LONGEST_SETTING)
    if isinstance(value, list):
        return [_shorten_value(one) for one in value[:10]]
    return value


def rounded(value: Any) -> Any:
    """Return a value with its numbers rounded to four significant digits, in dicts and lists too."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def fit(answer: dict[str, Any], lists: Sequence[str], most: int) -> dict[str, Any]:
    """Return an answer of at most so many tokens, where cutting its lists is enough for that.

    Parameters
    ----------
    answer
        As it is sent.
    lists
        Names of its lists that may be cut; the first is cut first, from its end, down to nothing.
    most
        Tokens.
    """
    kept = {**answer, **{name: list(answer[name]) for name in lists}}
    for name in lists:
        while kept[name] and tokens_of(kept) > most:
            kept[name].pop()
    return kept
