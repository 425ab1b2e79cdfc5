"""Find out which locale the numbers of a file are written in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memory_pipeline.ingest.guess.states import SAID
from memory_pipeline.ingest.guess.words import language_of
from memory_pipeline.ingest.number_texts import decimal_mark_of

if TYPE_CHECKING:
    from memory_pipeline.ingest.guess.sample import Sample

_A_LOCALE_OF = {",": "de_DE", ".": "en_US"}


@dataclass(frozen=True)
class Numbers:
    """How numbers are written.

    Parameters
    ----------
    locale
        Of the file; None where no number needs one.
    why
        What it was concluded from.
    of_column
        Locales of columns that differ from it.
    contradicting
        Columns with decimal commas and decimal points.
    unclear
        A column and a number of it that has two readings, where nothing decides.
    """

    locale: str | None = None
    why: str = ""
    of_column: dict[str, str] = field(default_factory=dict)
    contradicting: tuple[str, ...] = ()
    unclear: tuple[str, str] | None = None


def find_numbers(sample: Sample, columns: list[str], locale: str | None = None) -> Numbers:
    """Find the locale of the numbers in some columns.

    Parameters
    ----------
    columns
        Those that are read as numbers.
    locale
        What somebody has said.
    """
    marks = {name: sample.columns[name].marks for name in columns}
    commas, points, either = (sum(counts[n] for counts in marks.values()) for n in range(3))
    contradicting = tuple(name for name, (comma, point, _) in marks.items() if comma and point)
    if locale is not None:
        return Numbers(locale, SAID, contradicting=contradicting)
    language = language_of(
        [*sample.columns, *(t for one in sample.columns.values() for t in list(one.counts)[:20])]
    )
    if not commas + points:
        if not either:
            return Numbers()
        if language is not None:
            return Numbers(language, "the language of the file")
        name = next(name for name, counts in marks.items() if counts[2])
        return Numbers(unclear=(name, next(t for t in sample.columns[name].counts if "," in t or "." in t)))
    mark = "," if commas >= points else "."
    chosen = language if language is not None and decimal_mark_of(language) == mark else _A_LOCALE_OF[mark]
    others = {
        name: _A_LOCALE_OF["." if mark == "," else ","]
        for name, (comma, point, _) in marks.items()
        if name not in contradicting and (point if mark == "," else comma)
    }
    if chosen == "en_US" and language is None:
        return Numbers(None, of_column=others, contradicting=contradicting)
    return Numbers(
        chosen, f"numbers with a decimal {'comma' if mark == ',' else 'point'}", others, contradicting
    )
