r"""Which names are spellings of one, and what is a version at the end of a name?

Two texts are one spelling where they differ in nothing but upper and lower case, the form of letters (Unicode
NFKC: full-width letters, ligatures), the kind of dash, white space and characters that nobody sees. Accents
tell names apart: whether `Muller` and `Müller` are one, a person decides (`features.look_alikes`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")

_ARCHITECTURE = (
    r"(?:x64|x86(?:[_-]64)?|amd64|arm64|aarch64|armhf|armv7l?|i[36]86|ia64|ppc64(?:le|el)?|s390x|riscv64|noarch|"
    r"win(?:32|64)|(?:32|64)[- ]?bit)"
)
_NUMBERS = r"(?:version |ver\.? |v\.? ?)?\d{1,9}(?:\.\d{1,9}){1,5}"
_STAGE = r"(?:[-._~+ ]?(?:alpha|beta|preview|rc|dev|b|a|r|p)[-. ]?\d{0,9}|[-+~]\d{1,9}(?:\.\d{1,9})*){0,2}"
_VERSION = f"(?:{_NUMBERS}{_STAGE}|v\\d{{1,9}})"
_LANGUAGE = r"(?:[a-z]{2}-[a-z]{2})"
_MARK = f"(?:{_ARCHITECTURE}|{_VERSION})(?: edition)?"
_MARKS = f"{_MARK}(?:[ ,/;-]{{1,3}}(?:{_MARK}|{_LANGUAGE})){{0,4}}"
_AT_END = re.compile(
    rf"(?:[ _,-]{{1,3}}{_MARKS}|[ _-]{{0,3}}\({_MARKS}\)|[ _-]{{0,3}}\[{_MARKS}\])[ _,-]{{0,3}}$",
    re.IGNORECASE,
)
_LEGAL_FORMS = frozenset(
    (
        *(
            "inc",
            "incorporated",
            "corp",
            "corporation",
            "co",
            "company",
            "ltd",
            "limited",
            "llc",
            "llp",
            "plc",
        ),
        *("gmbh", "mbh", "ag", "kg", "ohg", "ev", "sa", "sas", "sarl", "srl", "spa", "bv", "nv", "ab", "as"),
        *(
            "asa",
            "oy",
            "oyj",
            "aps",
            "pty",
            "sro",
            "spol",
            "kft",
            "zrt",
            "sl",
            "slu",
            "lda",
            "pte",
            "kk",
            "the",
        ),
    )
)
"""Words that say what kind of company it is, without their dots, and the article."""
_SAYS_SOMETHING = re.compile(r"[^\W\d_]")


@lru_cache(maxsize=200_000)
def spelling_key(text: str) -> str:
    r"""Return what all spellings of a name have in common.

    >>> spelling_key("\uff23ontoso\u00a0 VIEWER\u200b"), spelling_key("Stra\u00dfe \u2013 Nord")
    ('contoso viewer', 'strasse - nord')
    """
    if text.isascii():
        return " ".join(text.casefold().split())
    seen = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    shown = "".join(one for one in seen if unicodedata.category(one) != "Cf")
    return " ".join(_DASHES.sub("-", shown).split()) or " ".join(text.split())


def without_version(name: str) -> str:
    """Return the name of an application without the version and the architecture at its end.

    A version has at least two numbers with a dot between (`1.8`), or a `v` before it. A number alone is part
    of a name (`Office 365`, `Java 8`, `Windows 11`, `SQL Server 2019`), and so is what stands before other
    words (`USB 3.0 Driver`) or is written together with a word (`libssl1.1`). A name of which no letter would
    be left stays whole.

    >>> [without_version(one) for one in ("Viewer 1.8 (x64)", "Foo_1.2.3_amd64", "Java 8")]
    ['Viewer', 'Foo', 'Java 8']
    """
    left = name
    for _ in range(4):
        found = _AT_END.search(left)
        if found is None or not _SAYS_SOMETHING.search(left[: found.start()]):
            break
        left = left[: found.start()]
    return left


def compared_text(name: str) -> str:
    """Return a name without accents, punctuation and the legal form of a company, to find what looks alike.

    >>> compared_text("Contoso, Inc."), compared_text("Müller-Tools GmbH"), compared_text("C++")
    ('contoso', 'muller tools', 'c ++')
    """
    plain = name if name.isascii() else unicodedata.normalize("NFKD", spelling_key(name))
    letters = "".join(one for one in plain if not unicodedata.combining(one)).casefold().replace(".", "")
    words = re.findall(r"[^\W_]+|[+#]+", letters)
    return " ".join([one for one in words if one not in _LEGAL_FORMS] or words)
