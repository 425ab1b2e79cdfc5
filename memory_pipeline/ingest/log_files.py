r"""Read a log as records: each begins at a line that fits one pattern and ends at one that fits another.

Patterns are searched by RE2 (through Arrow), whose time grows with the text and never with the pattern: it
has no backward references and no look around. Groups that catch something are named, `(?P<code>\d+)`; each is
a column.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from memory_pipeline.ingest.errors import IngestError, printable
from memory_pipeline.ingest.file_formats import RecordFile, open_text
from memory_pipeline.ingest.log_series import log_files_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_ENTRIES_AT_ONCE = 2_000
_MAX_LINE = 1_000_000
_MOST_NAMES = 6
_MAX_OPEN = 1_000
"""Attempts that have begun and not ended; the oldest is closed when there are more."""

FIRST_TIME, LAST_TIME, SECONDS = "first_time", "last_time", "seconds"
FIRST_LINE, HAS_END, HAS_START = "first_line", "has_end", "has_start"
CMTRACE_START = "<![LOG["
CMTRACE_LINE = (
    r'(?s)^<!\[LOG\[(?P<message>.*)\]LOG\]!><time="(?P<time>\d\d?:\d\d:\d\d)(?P<fraction>\.\d{1,7})?'
    r'(?P<bias>[+-]\d+)?[^"]*" date="(?P<date>\d\d?-\d\d?-\d{4})" component="(?P<component>[^"]*)"'
    r'(?:[^>]*? thread="(?P<thread>[^"]*)")?'
)


@dataclass(frozen=True)
class LogForm:
    """How a log is read.

    Parameters
    ----------
    line
        Pattern of an entry with the groups `message` (what the other patterns are searched in; otherwise the
        whole line) and what else is a column. None for CMTrace's form, whose entries may have several lines.
    start
        Pattern of the entry with which a record begins; None where the entry that ends it is all of it.
    end
        Pattern of the entry with which a record ends.
    also
        Patterns of entries between them, or after the start, that give more columns.
    by
        Group whose values tell records apart that run side by side, such as `thread`; None for one at a time.
    has_bias
        Whether CMTrace's minutes after the time are added to it, which gives UTC.
    """

    line: str | None
    start: str | None
    end: str
    also: tuple[str, ...] = ()
    by: str | None = None
    has_bias: bool = False

    @property
    def columns(self) -> frozenset[str]:
        """The columns that a record may have."""
        patterns = (self.line or CMTRACE_LINE, self.start, self.end, *self.also)
        caught = (name for one in patterns if one is not None for name in group_names(one))
        return frozenset((*caught, FIRST_TIME, LAST_TIME, SECONDS, FIRST_LINE, HAS_END, HAS_START))


def names_in_short(names: list[str]) -> str:
    """Return names as a list for a sentence, the first and the last few of them."""
    shown = names if len(names) <= _MOST_NAMES else [*names[: _MOST_NAMES - 1], "…", names[-1]]
    return ", ".join(map(printable, shown))


def group_names(pattern: str) -> tuple[str, ...]:
    """Return the names of a pattern's groups.

    Raises
    ------
    ValueError
        When RE2 does not take the pattern, or a group has no name.
    """
    import pyarrow as pa  # noqa: PLC0415 - only logs need it here
    import pyarrow.compute as pc  # noqa: PLC0415

    none = pa.array([""], pa.string())
    try:
        pc.match_substring_regex(none, pattern)
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"{pattern!r} is not a pattern that can be searched in bounded time ({error}); write it without "
            "backward references and look-around, in the syntax of RE2"
        ) from error
    try:
        return tuple(one.name for one in pc.extract_regex(none, pattern).type)
    except pa.ArrowInvalid as error:
        if "unnamed" in str(error):
            raise ValueError(
                f"{pattern!r} has a group without a name; write (?P<name>…), or (?:…) for one that is "
                "not a column"
            ) from error
        return ()


class Pattern:
    """A pattern over many texts at once."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.names = group_names(pattern)

    def search(self, texts: Any) -> list[dict[str, str] | None]:
        """Return the caught groups of each text; None for a text without the pattern."""
        import pyarrow.compute as pc  # noqa: PLC0415

        if self.names:
            return pc.extract_regex(texts, self.pattern).to_pylist()  # type: ignore[no-any-return]
        return [{} if one else None for one in pc.match_substring_regex(texts, self.pattern).to_pylist()]


@contextmanager
def open_log(path: Path, form: LogForm) -> Iterator[RecordFile]:
    """Open a log, or the files of one that is rotated (see `log_series`).

    A record has the named groups of its entries (of a group that is caught twice the later), `first_time` and
    `last_time` where the entries have a time, `seconds` between them, `first_line` in its file, and whether
    start and end were found. A record that begins in one file of a series and ends in the next is one.

    Parameters
    ----------
    path
        A file, a folder, or a pattern of names.
    form
        How its lines become records.

    Raises
    ------
    IngestError
        When there is no such file; while reading, when a line is too long, or no line fits.
    """
    reader = _LogReader(form, log_files_of(path), path.name)
    yield RecordFile(None, lambda _wanted: reader.records(), reader.share, reader.notes)


class _LogReader:
    def __init__(self, form: LogForm, series: list[list[Path]], name: str) -> None:
        self.form = form
        self.series = series
        self.name = name
        self.line = Pattern(form.line or CMTRACE_LINE)
        self.start = Pattern(form.start) if form.start else None
        self.end = Pattern(form.end)
        self.also = [Pattern(one) for one in form.also]
        self.open: dict[str, dict[str, Any]] = {}
        self.notes: list[str] = []
        self._size = sum(path.stat().st_size for files in series for path in files)
        self._done = 0
        self._share_of_file: Callable[[], float] = lambda: 0.0
        self._size_of_file = 0

    def share(self) -> float:
        """Return the part that was read so far, 0 to 1."""
        return min((self._done + self._share_of_file() * self._size_of_file) / max(self._size, 1), 1.0)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records, each when it ends; those without an end come at the end of their series."""
        others = []
        for files in self.series:
            for path in files:
                is_log = False
                for fitting in self._fitting_parts(path):
                    is_log = True
                    yield from self._records_of(fitting)
                if not is_log:
                    others.append(path.name)
            yield from self.open.values()
            self.open.clear()
        read = [path.name for files in self.series for path in files if path.name not in others]
        form = "CMTrace's form" if self.form.line is None else f"the form {self.form.line!r}"
        if not read:
            raise IngestError(
                f"no line of {self.name} is in {form}; choose the mapping of another log, or correct "
                "`log.line`"
            )
        if others:
            self.notes.append(f"{names_in_short(others)}: no line is in {form}, so nothing was read of it")
        if len(read) > 1:
            self.notes.append(f"{len(read)} files were read, in this order: {names_in_short(read)}")

    def _fitting_parts(self, path: Path) -> Iterator[list[dict[str, Any]]]:
        """Yield the entries of one file that have the log's form, many at once."""
        with open_text(path) as (text, share):
            self._share_of_file, self._size_of_file = share, path.stat().st_size
            entries = self._entries(text, path.name)
            while part := list(islice(entries, _ENTRIES_AT_ONCE)):
                fitting = self._fitting(part)
                if fitting:
                    yield fitting
        self._done += self._size_of_file
        self._share_of_file = lambda: 0.0

    def _entries(self, text: IO[str], name: str) -> Iterator[tuple[int, str]]:
        """Yield entries with the number of their first line; CMTrace's end at their closing tag."""
        waiting: list[str] = []
        first = length = 0
        for number, line in enumerate(iter(lambda: text.readline(_MAX_LINE), ""), start=1):
            stripped = line.rstrip("\r\n")
            length += len(line)
            if length >= _MAX_LINE:
                raise IngestError(
                    f"{name}, line {number}: an entry is longer than {_MAX_LINE:,} characters; "
                    "remove it from the log"
                )
            is_begin = self.form.line is not None or stripped.startswith(CMTRACE_START)
            if is_begin or not waiting:
                if waiting:
                    yield first, "\n".join(waiting)
                waiting, first, length = [], number, len(line)
            waiting.append(stripped)
        if waiting:
            yield first, "\n".join(waiting)

    def _fitting(self, entries: list[tuple[int, str]]) -> list[dict[str, Any]]:
        import pyarrow as pa  # noqa: PLC0415

        found = self.line.search(pa.array([text for _, text in entries], pa.string()))
        fitting = []
        for (number, text), groups in zip(entries, found, strict=True):
            if groups is not None:
                message = groups.get("message") or ("" if "message" in groups else text)
                fitting.append({**groups, "message": message, FIRST_LINE: number})
        return fitting

    def _records_of(self, entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        import pyarrow as pa  # noqa: PLC0415

        messages = pa.array([one["message"] for one in entries], pa.string())
        starts = self.start.search(messages) if self.start else [None] * len(entries)
        ends = self.end.search(messages)
        others = [pattern.search(messages) for pattern in self.also]
        for number, entry in enumerate(entries):
            key = str(entry.get(self.form.by)) if self.form.by else ""
            if starts[number] is not None:
                begun = self.open.pop(key, None)
                if begun is not None:
                    yield begun
                self.open[key] = self._begun(entry, has_start=True)
                self._add(self.open[key], entry, starts[number])
                if len(self.open) > _MAX_OPEN:
                    yield self.open.pop(next(iter(self.open)))
            record = self.open.get(key)
            for found in others:
                if found[number] is not None:
                    if record is None and self.start is None:
                        record = self.open[key] = self._begun(entry, has_start=False)
                    if record is not None:
                        self._add(record, entry, found[number])
            if ends[number] is not None:
                record = self.open.pop(key, None) or self._begun(entry, has_start=False)
                self._add(record, entry, ends[number])
                yield {**record, HAS_END: True}

    def _begun(self, entry: dict[str, Any], *, has_start: bool) -> dict[str, Any]:
        kept = {
            key: value
            for key, value in entry.items()
            if key not in {"message", "time", "fraction", "bias", "date"}
        }
        return {**kept, HAS_START: has_start, HAS_END: False}

    def _add(self, record: dict[str, Any], entry: dict[str, Any], groups: dict[str, str] | None) -> None:
        record.update({key: value for key, value in (groups or {}).items() if value})
        time = self._time_of(entry)
        if time is not None:
            record.setdefault(FIRST_TIME, time)
            record[LAST_TIME] = time
            seconds = _seconds_between(record[FIRST_TIME], time)
            if seconds is not None:
                record[SECONDS] = seconds

    def _time_of(self, entry: dict[str, Any]) -> str | None:
        """Return an entry's time as ISO 8601 text; with its bias, in UTC."""
        time = entry.get("time")
        if not time or self.form.line is not None:
            return str(time) if time else None
        # Version 3 of the PowerShell App Deployment Toolkit writes an offset without a sign behind the
        # milliseconds, so only three digits are read.
        milliseconds = int((entry.get("fraction") or ".")[1:4].ljust(3, "0"))
        moment = datetime.strptime(f"{entry['date']} {time}", "%m-%d-%Y %H:%M:%S")  # noqa: DTZ007 - local
        moment += timedelta(milliseconds=milliseconds)
        if self.form.has_bias and entry.get("bias"):
            return (moment + timedelta(minutes=int(entry["bias"]))).isoformat() + "+00:00"
        return moment.isoformat()


def _seconds_between(begun: str, ended: str) -> float | None:
    try:
        return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()
    except (ValueError, TypeError):
        return None
