"""What must not be kept of a command line: passwords, tokens and keys are replaced by `***`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK = "***"

_STEMS = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "credential", "securestring"),
    *("api_?key", "api-key", "apikey", "access_?key", "private_?key", "auth_?key", "account_?key"),
    *("licen[cs]e_?key", "product_?key", "pid_?key", "cd_?key", "serial", "activation", "connection_?string"),
)
_SECRET = re.compile("|".join(_STEMS), re.IGNORECASE)
_VALUE = r"""(?:"[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s"'])+"""
_WITHIN = re.compile(
    rf"(?<![\w.-])([\w.-]{{0,40}}(?:{'|'.join(_STEMS)})[\w.-]{{0,40}}[ ]{{0,3}}[=:][ ]{{0,3}}"
    rf"|(?<=[\s\"'])[-/]{{1,2}}[\w-]{{0,40}}(?:{'|'.join(_STEMS)})[\w-]{{0,40}}[ ]{{1,3}}(?![-/])){_VALUE}",
    re.IGNORECASE,
)
_USER_OF_URL = re.compile(r"(?<=://)[^/\s@]{1,300}@")
_SIGNED_URL = re.compile(r"(?<=[?&])(sig|key|code)=[^&\s\"']{1,2000}", re.IGNORECASE)
_OPTION = re.compile(r"[-/]{1,2}[\w.-]{1,100}")
_SWITCH = re.compile(r"--?[A-Za-z][\w-]*|/[A-Za-z]{1,30}")


def mask_words(words: Sequence[str], short: frozenset[str] = frozenset()) -> list[str]:
    """Mask the secrets among the words of one command.

    Parameters
    ----------
    words
        Words as the program gets them.
    short
        Short options of this program that take a secret, such as `-p`.
    """
    masked, is_next = [], False
    for word in words:
        if is_next and not (_SWITCH.fullmatch(word) and len(word) < 40):  # noqa: PLR2004 - longer is no switch
            masked.append(MASK)
            is_next = False
            continue
        is_next = False
        name, sign, value = _parts(word)
        is_secret = (_SECRET.search(name) is not None and len(name) <= 120) or name in short  # noqa: PLR2004
        if sign and is_secret and not any(char.isspace() for char in name):
            masked.append(f"{name}{sign}{MASK if value else ''}")
        elif not sign and is_secret and (_OPTION.fullmatch(word) or "-SecureString" in word):
            masked.append(word)
            is_next = True
        else:
            masked.append(mask_text(word))
    return masked


def mask_text(text: str) -> str:
    """Mask the secrets in a text that may hold a command line of its own."""
    text = _USER_OF_URL.sub(f"{MASK}@", text)
    text = _SIGNED_URL.sub(lambda found: f"{found[1]}={MASK}", text)
    return _WITHIN.sub(lambda found: found[1] + MASK, text)


def _parts(word: str) -> tuple[str, str, str]:
    places = [at for at in (word.find("="), word.find(":")) if at >= 0]
    if not places:
        return word, "", ""
    at = min(places)
    return word[:at], word[at], word[at + 1 :]
