"""Read numbers, durations and exit codes from texts, as people and programs of many countries write them."""

from __future__ import annotations

import math
import re
from functools import lru_cache

_COMMA = "bg ca cs da de el es et fi fr hr hu id it lt lv nb nl nn no pl pt ro ru sk sl sr sv tr uk vi"
COMMA_LANGUAGES = frozenset(_COMMA.split())
"""Languages that write a comma before the decimals (Unicode CLDR 46, `numbers.json`)."""
POINT_LANGUAGES = frozenset(["en", "he", "hi", "ja", "ko", "ms", "th", "zh"])
_POINT_COUNTRIES = frozenset(
    {"de_CH", "it_CH", "de_LI", "es_MX", "es_US", "es_GT", "es_PE", "es_DO", "es_PR"}
)
"""Countries that differ from their language in that."""

_SPACES = str.maketrans({"\xa0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'", "\u2212": "-"})
_NUMBER = {
    mark: re.compile(
        rf"[+-]?(?:[1-9]\d{{0,2}}(?P<mark>[{other}' ])\d{{3}}(?:(?P=mark)\d{{3}})*|\d*)"
        rf"(?:{re.escape(mark)}\d+)?"
    )
    for mark, other in ((".", ","), (",", "."))
}
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_LARGEST_EXIT_CODE = 0xFFFF
_SIGNED_ENOUGH = -(2**31)
_HIGH_BITS = 0xFFFFFFFF
_CODE = re.compile(
    r"\(?\s*(?P<code>0x[0-9a-f]+|[+-]?\d{1,3}(?:,\d{3})+|[+-]?[\d_]+(?:\.0+)?|[0-9a-f]{8})\s*\)?"
    r"(?:\s*[:(\u2013-].*|\s+-\s.*)?",
    re.IGNORECASE | re.DOTALL,
)
_NOT_A_CODE = "is not an exit code; write a whole number, or hex digits such as 0x87D1041C"
_LOOKS_LIKE_HEX = re.compile(r"8\d{7}")
"""Eight digits that begin as the code of a failed call does (HRESULT: the first bit is set)."""

SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}
_CLOCK = re.compile(
    r"(?:(?P<d>\d+)(?:\.| ?d(?:ays?)?,? ))?(?P<h>\d+):(?P<m>[0-5]?\d):(?P<s>[0-5]?\d(?:[.,]\d+)?)"
)
_ISO = re.compile(
    r"P(?:(?P<d>\d+(?:[.,]\d+)?)D)?(?:T(?:(?P<h>\d+(?:[.,]\d+)?)H)?(?:(?P<m>\d+(?:[.,]\d+)?)M)?"
    r"(?:(?P<s>\d+(?:[.,]\d+)?)S)?)?",
    re.IGNORECASE,
)
_PART = re.compile(r"(\d+(?:[.,]\d+)?)\s*([a-z]+)\.?[\s,]*(?:and\s+|und\s+)?", re.IGNORECASE)
_UNITS = {
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sek", "sekunde", "sekunden"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "minuten"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "std", "stunde", "stunden"), 3600),
    **dict.fromkeys(("d", "day", "days", "tag", "tage"), 86_400),
}


def decimal_mark_of(locale: str) -> str:
    """Return the decimal mark of a locale such as `de_DE`: a point or a comma.

    Raises
    ------
    ValueError
        When the locale is unknown.
    """
    tag = locale.replace("-", "_").partition(".")[0]
    language = tag.partition("_")[0].lower()
    if language not in COMMA_LANGUAGES | POINT_LANGUAGES:
        raise ValueError(
            f"locale {locale!r} is unknown; write a language and a country, such as de_DE or en_US"
        )
    return "." if language in POINT_LANGUAGES or tag in _POINT_COUNTRIES else ","


def parse_number(text: str, mark: str | None = None) -> int | float | None:
    """Return the number that a text is; None where it is not one.

    Parameters
    ----------
    text
        Digits with a decimal mark and separators between thousands (comma, point, space, apostrophe).
    mark
        The decimal mark where both readings are possible (`1,234`); None for the point.

    Examples
    --------
    >>> parse_number("1,234"), parse_number("1,234", ","), parse_number("2,5"), parse_number("1.234,5")
    (1234, 1.234, 2.5, 1234.5)
    """
    preferred = mark or "."
    if preferred == ".":
        try:
            number = float(text)
        except ValueError:
            pass
        else:
            if not math.isfinite(number) or "_" in text:
                return None
            return int(text) if number.is_integer() and text.lstrip("+- ").isdecimal() else number
    plain = text.translate(_SPACES).strip()
    if not any(character.isdecimal() for character in plain):
        return None
    for decimal in (preferred, "," if preferred == "." else "."):
        found = _NUMBER[decimal].fullmatch(plain)
        if found is not None:
            separator = found["mark"]
            digits = (plain.replace(separator, "") if separator else plain).replace(decimal, ".")
            return float(digits) if "." in digits else int(digits)
    return None


def is_ambiguous_number(text: str) -> bool:
    """Return whether a comma may be a decimal mark as well as a separator of thousands: `1,234`."""
    return _AMBIGUOUS.fullmatch(text.strip()) is not None


def parse_duration(text: str, mark: str | None = None) -> float | None:
    """Return the seconds of a duration with units; None for a plain number and for what is not one.

    Read are `0:02:31`, `1.02:03:04` (days first), `3m 25s`, `2 hours 5 minutes`, `850 ms` and ISO 8601
    (`PT3M25S`). Two parts with a colon (`3:25`) are not read: they may be hours or minutes.

    Examples
    --------
    >>> parse_duration("0:02:31"), parse_duration("3m 25s"), parse_duration("PT3M25S"), parse_duration("3:25")
    (151.0, 205.0, 205.0, None)
    """
    text = text.translate(_SPACES).strip()
    for pattern in (_CLOCK, _ISO):
        found = pattern.fullmatch(text)
        if found is not None and any(found.groups()):
            parts = zip((86_400, 3600, 60, 1), (found[name] for name in "dhms"), strict=True)
            return float(sum(size * float((part or "0").replace(",", ".")) for size, part in parts))
    seconds, end = 0.0, 0
    for part in _PART.finditer(text):
        size = _UNITS.get(part[2].lower())
        number = parse_number(part[1], mark)
        if part.start() != end or size is None or number is None:
            return None
        seconds, end = seconds + size * number, part.end()
    return seconds if end == len(text) and end else None


@lru_cache(maxsize=4096)
def parse_code(text: str, *, is_hex: bool = False) -> str:
    """Return an exit code in its one form: `1603`, or eight hex digits if signed or large (`0x87D1041C`).

    Parameters
    ----------
    text
        A whole number, signed or not, of 32 or 64 bits, or hex digits; a description may stand behind it.
    is_hex
        Whether digits without `0x` are hex digits.

    Raises
    ------
    ValueError
        With what is wrong and the remedy.
    """
    found = _CODE.fullmatch(text.strip())
    if found is None:
        raise ValueError(_NOT_A_CODE)
    code = found["code"].lower().replace(",", "").replace("_", "").partition(".")[0]
    has_prefix = code.startswith("0x")
    if not has_prefix and not is_hex and _LOOKS_LIKE_HEX.fullmatch(code):
        raise ValueError(
            f"may be the hex digits 0x{code} or a decimal number; write 0x before them, or set `hex: true` "
            "for the column"
        )
    try:
        number = int(code, 16 if has_prefix or is_hex or not code.lstrip("+-").isdecimal() else 10)
    except ValueError:
        raise ValueError(_NOT_A_CODE) from None
    if number > _HIGH_BITS and number >> 31 == 0x1FFFFFFFF:  # noqa: PLR2004 - a negative number of 64 bits
        number &= _HIGH_BITS
    if not _SIGNED_ENOUGH <= number <= _HIGH_BITS:
        raise ValueError("does not fit into 32 bits; correct the code")
    return str(number) if 0 <= number <= _LARGEST_EXIT_CODE else f"0x{number % 2**32:08X}"
