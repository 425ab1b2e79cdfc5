"""Read times as programs and people write them: zones, the order of day and month, hours that clocks skip.

One column has one order of day and month: a file that contradicts itself is refused with both rows. Of an
hour that a zone's clocks show twice the first is taken, and an hour that they skip is read as if they had not
been changed; both are noted.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, NoReturn

from memory_pipeline.ingest.errors import IngestError, refuse

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from memory_pipeline.ingest.reading_notes import ReadingNotes

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_SERIAL_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - a serial time has no zone
_DMTF = re.compile(r"(\d{14})\.(\d{6})([+-]\d{3}|[+-]?\*{3})")
_JSON_DATE = re.compile(r"\\?/Date\((-?\d+)([+-]\d{4})?\)\\?/")
_UTC_NAMES = ("UTC", "GMT", "Z")
_DAY_AND_MONTH = re.compile(r"\s*(\d{1,2})\D(\d{1,2})\D\d")
_MOST_KEPT = 10_000
_NAMED_ZONE = re.compile(r"(.*?)\s*\b([A-Za-z]{1,5})\s*")
_UNMISTAKABLE = ("dmtf", "json_date")
"""Forms that cannot be taken for another; they are read whatever a mapping names."""
DEFAULT_FORMATS = ("iso", *_UNMISTAKABLE)


class TimeReader:
    """Reads the times of one column.

    Parameters
    ----------
    column
        Its name, for messages.
    formats
        Forms of a time, tried in order; after them those that cannot be taken for another.
    zone
        Zone of times that come without one.
    notes
        Takes a note on each time that has no one reading.
    """

    def __init__(
        self, column: str, formats: tuple[str, ...], zone: ZoneInfo | None, notes: ReadingNotes
    ) -> None:
        self.column = column
        self.formats = formats
        self.zone = zone
        self.notes = notes
        self._tried = tuple(dict.fromkeys((*formats, *_UNMISTAKABLE)))
        self._order_of = {form: order_of(form) for form in self._tried}
        self._is_noted = False
        self._read_before: dict[str, datetime] = {}
        self._orders: dict[str, tuple[int, str]] = {}

    def read(self, value: Any) -> datetime:
        """Return the time that a cell holds, with its zone.

        Raises
        ------
        RecordRefusedError
            When the cell cannot be read.
        IngestError
            When it contradicts another cell of the column in the order of day and month.
        """
        if isinstance(value, datetime):
            return self._with_zone(value, value)
        if isinstance(value, date):
            return self._with_zone(datetime.combine(value, time()), value)
        if type(value) is str and value in self._read_before:
            return self._read_before[value]
        text = str(int(value) if isinstance(value, float) and value.is_integer() else value)
        for form in self._tried:
            moment = self._parsed(text, form)
            if moment is not None:
                order = self._order_of[form]
                if order is not None:
                    self._check_order(order, text)
                self._is_noted = False
                zoned = self._with_zone(moment, value)
                # A history repeats few times often; one with a note is read again, so that each is counted.
                if len(self._read_before) < _MOST_KEPT and not self._is_noted:
                    self._read_before[text] = zoned
                return zoned
        self._refuse(text)
        return None

    def _refuse(self, text: str) -> NoReturn:
        known = ", ".join(self.formats)
        for form in self.formats:
            order = order_of(form)
            if order is not None and self._parsed(text, _swapped(form)) is not None:
                other = "month" if order == "day" else "day"
                self._check_order(other, text)
                refuse(
                    self.column,
                    text,
                    f"{self.column} has the {other} first, and {form!r} the {order}; correct `formats`",
                )
        refuse(
            self.column,
            text,
            f"{self.column} is not a time in the form {known}; correct it, or add its form to `formats`",
        )

    def _check_order(self, order: str, text: str) -> None:
        """Remember a cell whose reading rests on an order of day and month; refuse the file at the second."""
        found = _DAY_AND_MONTH.match(text)
        if found is None or found[1].zfill(2) == found[2].zfill(2):
            return
        self._orders.setdefault(order, (self.notes.row, text))
        if len(self._orders) > 1:
            (day_row, day), (month_row, month) = self._orders["day"], self._orders["month"]
            raise IngestError(
                f"{self.column}: row {day_row} ({day!r}) has the day first and row {month_row} ({month!r}) "
                "the month; one file has one order, so nothing was stored. Put the right one into `formats` "
                "(%d/%m/%Y or %m/%d/%Y), or export the times in ISO 8601"
            )

    def _parsed(self, text: str, form: str) -> datetime | None:
        if "%Z" not in form:
            return parse_time(text, form)
        found = _NAMED_ZONE.fullmatch(text) if form.endswith("%Z") else None
        moment = None if found is None else parse_time(found[1].rstrip(), form[:-2].rstrip())
        if found is None or moment is None:
            return None
        name = found[2].upper()
        if name in _UTC_NAMES:
            return moment.replace(tzinfo=UTC)
        for fold in (0, 1):
            local = moment.replace(tzinfo=self.zone, fold=fold)
            if self.zone is not None and local.tzname() == name:
                return local
        refuse(
            self.column,
            text,
            f"{self.column} names the zone {name}, which several places use; only UTC, GMT and the names of "
            "the mapping's `timezone` are read; write the offset (%z) instead",
        )
        return None

    def _with_zone(self, moment: datetime, value: Any) -> datetime:
        if moment.tzinfo is not None:
            return moment
        if self.zone is None:
            refuse(
                self.column,
                value,
                f"{self.column} has no time zone; add a `timezone` to the mapping, such as Europe/Zurich",
            )
        moment = moment.replace(tzinfo=self.zone, fold=0)
        first, second = moment.utcoffset(), moment.replace(fold=1).utcoffset()
        if first is not None and second is not None and first != second:
            what = (
                "came twice, as clocks were put back; the first was taken"
                if first > second
                else "did not exist, as clocks were put forward; it was read as if they had not been"
            )
            self._is_noted = True
            self.notes.remark(
                self.column,
                value,
                f"this hour {what} (in {self.zone}; if the clock that wrote it is in UTC, set "
                "`timezone: UTC`)",
            )
        return moment


def order_of(form: str) -> str | None:
    """Return which stands first in a numeric date of a form, `day` or `month`; None where that is certain."""
    day, month = form.find("%d"), form.find("%m")
    if day < 0 or month < 0 or form.startswith(("%Y", "%y")):
        return None
    return "day" if day < month else "month"


def _swapped(form: str) -> str:
    return form.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")


def parse_time(text: str, form: str) -> datetime | None:
    """Parse a time written in one form; None where it is written otherwise. It may come without a zone."""
    try:
        named = _NAMED_FORMS.get(form)
        if named is not None:
            return named(text)
        return datetime.strptime(text.replace("\u202f", " "), form)  # noqa: DTZ007 - the caller adds the zone
    except (ValueError, OverflowError):
        return None


def _parsed_iso(text: str) -> datetime:
    for name in _UTC_NAMES[:2]:
        if text.endswith(f" {name}"):
            return datetime.fromisoformat(text[: -len(name)].rstrip()).replace(tzinfo=UTC)
    return datetime.fromisoformat(text)


def _parsed_dmtf(text: str) -> datetime | None:
    """Parse a time of WMI (DMTF DSP0004): digits, microseconds, and the minutes that its zone is ahead."""
    found = _DMTF.fullmatch(text)
    if found is None:
        return None
    moment = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(microsecond=int(found[2]))  # noqa: DTZ007
    if "*" in found[3]:
        return moment
    return moment.replace(tzinfo=timezone(timedelta(minutes=int(found[3]))))


def _parsed_json_date(text: str) -> datetime | None:
    """Parse a time as older .NET programs write it; the offset behind it does not change the moment."""
    found = _JSON_DATE.fullmatch(text)
    return None if found is None else _EPOCH + timedelta(milliseconds=int(found[1]))


_NAMED_FORMS: dict[str, Callable[[str], datetime | None]] = {
    "iso": _parsed_iso,
    "year": lambda text: datetime(int(text), 1, 1),  # noqa: DTZ001 - the caller adds the zone
    "unix_seconds": lambda text: _EPOCH + timedelta(seconds=float(text)),
    "unix_milliseconds": lambda text: _EPOCH + timedelta(seconds=float(text) / 1000),
    "excel": lambda text: _SERIAL_ZERO + timedelta(seconds=round(float(text.replace(",", ".")) * 86_400)),
    "dmtf": _parsed_dmtf,
    "json_date": _parsed_json_date,
}
