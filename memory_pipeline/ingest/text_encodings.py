"""Find out in which encoding a text file was written: UTF-8, UTF-16 or a code page.

A code page leaves no mark, so it is guessed from the characters: letters that stand where letters of that
language stand count for it, symbols inside words against it. A guess is always said.
"""

# ruff: noqa: RUF001 - letters of many languages

from __future__ import annotations

import codecs
import unicodedata
from typing import TYPE_CHECKING

from memory_pipeline.ingest.errors import IngestError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

_PROBE_BYTES = 4_096
_BLOCK_BYTES = 1 << 20
_SAMPLE_BYTES = 20_000
_MAX_RUN = 2
"""Letters outside ASCII that stand side by side in languages of the Latin script."""

_WESTERN = "äöüÄÖÜßéèêëÉÈÊËàâáãåÀÂÁÃÅæÆçÇíìîïÍÎÏñÑóòôõøÓÔÕØúùûÚÛœŒ"
_CENTRAL = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻáéíýčďěňřšťúůžÁÉÍÝČĎĚŇŘŠŤÚŮŽőűŐŰäöüÄÖÜßâîăşţľĺŕô"
_TURKISH = "çÇğĞıİöÖşŞüÜâî"
_LETTERS = {
    "cp1252": _WESTERN,
    "cp1254": _TURKISH,
    "cp1250": _CENTRAL,
    "cp850": _WESTERN,
    "cp852": _CENTRAL,
}
_SCRIPTS = {
    "cp1251": "CYRILLIC",
    "cp1253": "GREEK",
    "cp1255": "HEBREW",
    "cp1256": "ARABIC",
    "cp866": "CYRILLIC",
}
_WIDE_SCRIPTS = {
    "cp932": ("HIRAGANA", "KATAKANA", "CJK UNIFIED"),
    "gb18030": ("CJK UNIFIED",),
    "cp949": ("HANGUL",),
}
_MARKS = "–—‘’“”„…•€§°©®«»·¿¡№¦²³½µ×"
_CANDIDATES = (*_LETTERS, *_SCRIPTS, *_WIDE_SCRIPTS)
"""Code pages in the order in which one is preferred where two fit equally well."""


def encoding_of(raw: IO[bytes], path: Path, chosen: str | None, *, guesses: bool) -> tuple[str, str | None]:
    """Return the encoding of an open file, and a note for its reader where it was guessed.

    Parameters
    ----------
    raw
        The file at its beginning; it may be left anywhere.
    path
        Its path, for messages.
    chosen
        Encoding that the reader named; None to find it out.
    guesses
        Whether a file that is not UTF-8 is taken to be in a code page.

    Raises
    ------
    IngestError
        When the bytes are of a format or an encoding that is not read.
    """
    if chosen is not None:
        return known_encoding(chosen), None
    marked = _marked_encoding(raw.read(_PROBE_BYTES), path)
    if marked is not None:
        return marked, None
    if guesses:
        raw.seek(0)
        sample = _lines_outside_utf8(raw)
        if sample:
            guess = guess_code_page(sample)
            shown = next(
                (word for word in sample.decode(guess, "replace").split() if not word.isascii()), ""
            )[:40]
            return guess, (
                f"{path.name} is not UTF-8 and was read as {guess} ({shown!r}, for example); if that is "
                "wrong, name its encoding in the mapping: `csv: { encoding: … }`"
            )
    return "utf-8-sig", None


def known_encoding(name: str) -> str:
    """Return the name of an encoding if texts can be read in it.

    Raises
    ------
    IngestError
        When there is no such encoding.
    """
    try:
        info = codecs.lookup(name)
        "".encode(name)
    except LookupError as error:
        raise IngestError(
            f"the encoding {name!r} is unknown; write a name such as utf-8, cp1252 or utf-16"
        ) from error
    return "utf-8-sig" if info.name == "utf-8" else name


def guess_code_page(sample: bytes) -> str:
    """Return the code page in which a text that is not UTF-8 was most probably written."""
    return max(_CANDIDATES, key=lambda page: _plausibility(sample, page))


def _marked_encoding(start: bytes, path: Path) -> str | None:
    """Detect the encoding by the byte order mark, else by the places of NUL bytes."""
    if start.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        raise IngestError(f"{path.name} is in UTF-32; save it as UTF-8 and try again")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if start.startswith(b"PK\x03\x04"):
        raise IngestError(f"{path.name} is a zip archive or a workbook; save it as CSV UTF-8, or unpack it")
    if start.startswith(b"\x1f\x8b"):
        raise IngestError(f"{path.name} is compressed; unpack it first")
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) // 4 and min(even, odd) == 0:
        return "utf-16-le" if odd else "utf-16-be"
    return None


def _lines_outside_utf8(raw: IO[bytes]) -> bytes:
    """Return lines with bytes above 127 of a file that is not UTF-8; empty for one that is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    sample = b""
    is_utf8 = True
    while block := raw.read(_BLOCK_BYTES):
        if is_utf8:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                is_utf8 = False
        if not block.isascii() and len(sample) < _SAMPLE_BYTES:
            sample += b"\n".join(line for line in block.splitlines() if not line.isascii())
        if not is_utf8 and len(sample) >= _SAMPLE_BYTES:
            break
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        is_utf8 = False
    return b"" if is_utf8 else sample[:_SAMPLE_BYTES]


def _plausibility(sample: bytes, page: str) -> float:
    """Return the share of characters outside ASCII that fit the languages of a code page, -1 to 1."""
    try:
        text = sample.decode(page)
    except UnicodeDecodeError as error:
        # The sample may end inside a character of two bytes.
        if error.start < len(sample) - 1:
            return -1.0
        text = sample[: error.start].decode(page)
    total = fitting = 0
    for place, character in enumerate(text):
        if character.isascii():
            continue
        total += 1
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        fitting += _fit(character, before, after, page)
        if page in _LETTERS and text[place : place + _MAX_RUN + 1].isalpha():
            run = text[place : place + _MAX_RUN + 1]
            if len(run) > _MAX_RUN and not any(one.isascii() for one in run):
                fitting -= 2
    return fitting / total if total else 0.0


def _fit(character: str, before: str, after: str, page: str) -> int:
    """Return 1 for a character that is usual at its place in texts of a code page, -1 for one that is not."""
    if character in _MARKS:
        is_within_word = before.isalpha() and after.isalpha()
        return -1 if is_within_word and character != "’" else 1
    if page in _LETTERS:
        is_shouted = character.isupper() and before.islower()
        return 1 if character in _LETTERS[page] and not is_shouted else -1
    name = unicodedata.name(character, "")
    if page in _SCRIPTS:
        is_mixed = (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
        is_shouted = character.isupper() and before.islower()
        return 1 if name.startswith(_SCRIPTS[page]) and not is_mixed and not is_shouted else -1
    return 1 if name.startswith((*_WIDE_SCRIPTS[page], "FULLWIDTH", "IDEOGRAPHIC", "KATAKANA")) else -1
