"""Find out how the cells of a column are written: as times, numbers, durations, codes or texts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from memory_pipeline.ingest.cell_readers import as_text
from memory_pipeline.ingest.guess.words import UNITS, fold
from memory_pipeline.ingest.number_texts import parse_code, parse_duration, parse_number
from memory_pipeline.ingest.time_texts import order_of, parse_time

MOST_VALUES = 2_000
"""Distinct values of a column that are looked at."""
NEARLY_ALL = 0.98
"""Share of the filled cells that have to be written in one way; the others are errors."""

MISSING_TEXTS = (
    "-",
    "--",
    "n/a",
    "na",
    "#n/v",
    "#n/a",
    "null",
    "none",
    "k.a.",
    "k. a.",
    "nil",
    "(null)",
    "\u2013",
    "?",
)
"""Texts that people write where they have nothing."""

_CLOCKS = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%H:%M:%S,%f", "%I:%M:%S %p", "%I:%M %p")
_DATES = tuple(
    form
    for mark in "./-"
    for year in ("%Y", "%y")
    for form in (f"%d{mark}%m{mark}{year}", f"%m{mark}%d{mark}{year}")
)
_OTHER_DATES = (
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
)
TIME_FORMS = (
    "iso",
    "dmtf",
    "json_date",
    *(
        f"{day}{between}{clock}"
        for day in (*_DATES, *_OTHER_DATES)
        for clock in _CLOCKS
        for between in (" ", ", ", " - ", "T")
    ),
    *_DATES,
    *_OTHER_DATES,
)
"""Forms of times that are tried, the certain ones first."""
NUMBER_FORMS = {
    "unix_seconds": (946_684_800, 4_102_444_800),
    "unix_milliseconds": (946_684_800_000, 4_102_444_800_000),
    "excel": (36_526, 73_050),
}
"""Forms in which a time is a number, and the numbers of the years 2000 to 2099."""

_COMMA_FOR_CERTAIN = re.compile(
    r"[+-]?(\d+,(\d{1,2}|\d{4,})|0,\d+|\d{1,3}([. ']\d{3})+,\d+|\d{1,3}(\.\d{3}){2,})"
)
_POINT_FOR_CERTAIN = re.compile(
    r"[+-]?(\d+\.(\d{1,2}|\d{4,})|0\.\d+|\d{1,3}([, ']\d{3})+\.\d+|\d{1,3}(,\d{3}){2,})"
)
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")


@dataclass
class Column:
    """Cells of one column.

    Parameters
    ----------
    name
        As the file has it, or a path of nested data.
    rows
        Number of records that were read.
    counts
        Filled cells by their text, at most `MOST_VALUES` different ones.
    filled
        Number of filled cells.
    is_cut
        Whether there are more different values than were kept.
    number_cells, list_cells
        Filled cells that came as numbers and as lists or objects, not as text.
    missing
        Texts of the column that mean nothing.
    """

    name: str
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    filled: int = 0
    is_cut: bool = False
    number_cells: int = 0
    list_cells: int = 0
    missing: set[str] = field(default_factory=set)

    def add(self, cell: Any) -> None:
        """Count a cell."""
        if cell is None or (isinstance(cell, float) and cell != cell):  # noqa: PLR0124 - a NaN
            return
        text = as_text(cell).strip()
        if not text:
            return
        if text.casefold() in MISSING_TEXTS:
            self.missing.add(text)
            return
        self.filled += 1
        self.number_cells += isinstance(cell, int | float | Decimal) and not isinstance(cell, bool)
        self.list_cells += isinstance(cell, list | dict)
        if text in self.counts or len(self.counts) < MOST_VALUES:
            self.counts[text] += 1
        else:
            self.is_cut = True

    @property
    def distinct(self) -> int:
        """Number of different values; one more than were kept where there are more."""
        return len(self.counts) + self.is_cut

    @property
    def is_mostly_unique(self) -> bool:
        """Whether most values occur once, as those of keys and of free text do."""
        return self.is_cut or self.distinct > max(20, self.filled / 2)

    def _share(self, fits: Any) -> float:
        total = self.counts.total()
        return sum(n for text, n in self.counts.items() if fits(text)) / total if total else 0.0

    @cached_property
    def is_number(self) -> bool:
        """Whether nearly all cells are numbers."""
        return self._share(lambda text: parse_number(text) is not None) >= NEARLY_ALL

    @cached_property
    def is_code(self) -> bool:
        """Whether nearly all cells are exit codes."""
        return self._share(_is_code) >= NEARLY_ALL

    @cached_property
    def is_duration(self) -> bool:
        """Whether nearly all cells are durations with units, or numbers among such."""
        with_units = self._share(lambda text: parse_duration(text) is not None)
        numbers = self._share(lambda text: parse_number(text) is not None)
        return with_units > 0 and with_units + numbers >= NEARLY_ALL

    @property
    def marks(self) -> tuple[int, int, int]:
        """Counts of cells whose decimal mark can only be a comma, only a point, and either."""
        counted = self.counts.items()
        return (
            sum(n for text, n in counted if _COMMA_FOR_CERTAIN.fullmatch(text)),
            sum(n for text, n in counted if _POINT_FOR_CERTAIN.fullmatch(text)),
            sum(n for text, n in counted if _EITHER.fullmatch(text)),
        )

    @property
    def unit(self) -> str | None:
        """Unit that the header names; None where it names none."""
        words = fold(self.name).split()
        return next((unit for unit, names in UNITS.items() if names & set(words[1:] or words)), None)


def _is_code(text: str) -> bool:
    try:
        parse_code(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class TimeForms:
    """How the times of a column are written.

    Parameters
    ----------
    formats
        Forms for the key `formats`.
    order
        `day` or `month`, whichever stands first, where the forms have an order.
    is_order_certain
        Whether a cell with a number above 12 decides the order.
    has_zone
        Whether all times come with a zone.
    example
        A cell that leaves the order open.
    """

    formats: tuple[str, ...]
    order: str | None = None
    is_order_certain: bool = True
    has_zone: bool = False
    example: str = ""


def find_time_forms(column: Column, *, may_be_number: bool, order: str | None = None) -> TimeForms | None:
    """Find the forms that read nearly all times of a column; None where there are none.

    Parameters
    ----------
    may_be_number
        Whether numbers may be times, since the header says that the column holds some.
    order
        `day` or `month` where the caller knows which stands first.
    """
    if may_be_number and column.is_number:
        return _as_number(column)
    shown = _one_of_each_shape(column)
    if column.number_cells or not shown:
        return None
    forms = [form for form in TIME_FORMS if order is None or order_of(form) in {None, order}]
    forms = [form for form in forms if any(parse_time(text, form) is not None for text in shown)]
    left = Counter(column.counts)
    chosen: list[str] = []
    certain = order
    while left and forms and len(chosen) < _MOST_FORMS:
        read = {form: sum(left[text] for text in _read_by(form, left)) for form in forms}
        best = max(forms, key=lambda form: read[form])
        if not read[best]:
            break
        chosen.append(best)
        if certain is None and order_of(best) is not None and read.get(_swapped(best)) != read[best]:
            certain = order_of(best)
            forms = [form for form in forms if order_of(form) in {None, certain}]
        for text in _read_by(best, left):
            del left[text]
    total = column.counts.total()
    if not chosen or (total - left.total()) / total < NEARLY_ALL:
        return None
    has_order = [form for form in chosen if order_of(form) is not None]
    if certain == "month":
        chosen = [form if order_of(form) != "day" else _swapped(form) for form in chosen]
    moments = [_moment(text, tuple(chosen)) for text in column.counts if text not in left]
    return TimeForms(
        tuple(dict.fromkeys(chosen)),
        (certain or "day") if has_order else None,
        not has_order or certain is not None,
        all(moment is not None and moment.tzinfo is not None for moment in moments),
        next(iter(column.counts)),
    )


_MOST_FORMS = 4
_MOST_SHAPES = 12
_DIGIT = re.compile(r"\d")


def _one_of_each_shape(column: Column) -> list[str]:
    """Return a text of each of the commonest shapes of a column's texts, if they may be times."""
    shapes: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for text, number in column.counts.items():
        shape = _DIGIT.sub("9", text)
        shapes.setdefault(shape, text)
        counts[shape] += number
    common = [shapes[shape] for shape, _ in counts.most_common(_MOST_SHAPES)]
    return common if all(len(_DIGIT.findall(text)) >= _LEAST_DIGITS for text in common[:1]) else []


_LEAST_DIGITS = 5


def _swapped(form: str) -> str:
    return form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


def _read_by(form: str, texts: Counter[str]) -> list[str]:
    return [text for text in texts if parse_time(text, form) is not None]


def _moment(text: str, forms: tuple[str, ...]) -> Any:
    return next((moment for form in forms if (moment := parse_time(text, form)) is not None), None)


def _as_number(column: Column) -> TimeForms | None:
    numbers = [parse_number(text) or 0 for text in column.counts]
    for form, (low, high) in NUMBER_FORMS.items():
        if all(low <= number <= high for number in numbers):
            return TimeForms((form,), has_zone=form != "excel")
    return None
