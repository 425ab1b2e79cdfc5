"""Find the files of a log that is rotated, and order them, the oldest first.

A series is what the same program wrote: `app.log` after `app.log.1` after `app.log.2`; `app-20260301.log`
after `app-20260228.log`; `AppEnforce.log` after `AppEnforce.lo_`. Other names are series of their own.
"""

from __future__ import annotations

import re
from pathlib import Path

from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.file_formats import check_file

_DATE = r"(?P<date>\d{4}-?\d\d-?\d\d(?:[-_T.]?\d\d[-:._]?\d\d(?:[-:._]?\d\d)?)?)"
_ROTATED = (
    re.compile(rf"(?P<stem>.+?)[-_.]{_DATE}(?P<end>\.log)", re.IGNORECASE),
    re.compile(rf"(?P<stem>.+?)(?P<end>\.log)[-_.]{_DATE}", re.IGNORECASE),
    re.compile(r"(?P<stem>.+?)(?P<end>\.log)\.(?P<number>\d{1,4})", re.IGNORECASE),
    re.compile(r"(?P<stem>.+?)(?P<end>\.lo)_(?P<number>)", re.IGNORECASE),
)
_NUMBERED = re.compile(r"(?P<stem>.+?)\.(?P<number>\d{1,4})(?P<end>\.log)", re.IGNORECASE)
_LOG = re.compile(r".+\.(?:log(?:[-_.][\d_:T.-]+)?|lo_)", re.IGNORECASE)
_WILD = re.compile(r"[*?\[]")


def log_files_of(path: Path) -> list[list[Path]]:
    """Return the files that a path names, in series.

    Parameters
    ----------
    path
        A file; a folder, of which the files with names of logs count; or a path with `*`, `?` or `[…]`, which
        names files whatever they are called (`logs/app*.log`).

    Returns
    -------
    list of lists
        Each series from its oldest file to its newest. Empty files are left out where there are others.

    Raises
    ------
    IngestError
        When there are none.
    """
    if path.is_dir():
        found = [one for one in path.iterdir() if one.is_file() and _LOG.fullmatch(one.name)]
        what = f"{path} is a folder without files whose names are those of logs (app.log, app.log.1)"
    elif not path.exists() and _WILD.search(str(path)):
        start = Path(path.anchor or ".")
        found = [one for one in start.glob(str(path.relative_to(path.anchor))) if one.is_file()]
        what = f"no file fits {path}"
    else:
        check_file(path)
        return [[path]]
    if not found:
        raise IngestError(f"{what}; name a file, another folder or a pattern such as logs/app*.log")
    filled = [one for one in found if one.stat().st_size > 0]
    if not filled:
        raise IngestError(f"the {len(found)} files of {path} are empty (0 bytes); copy them again")
    return in_series(filled)


def in_series(paths: list[Path]) -> list[list[Path]]:
    """Return files as series by their names, each from the oldest file to the newest."""
    series: dict[tuple[Path, str], list[tuple[str, int, Path]]] = {}
    names = {one.name.casefold() for one in paths}
    for path in paths:
        stem, date, number = _parts(path.name, names)
        # Dates come before numbers, and a high number is old; what has neither is still written to.
        series.setdefault((path.parent, stem), []).append((date or "9", -number, path))
    ordered = sorted(series.items(), key=lambda item: (str(item[0][0]), item[0][1]))
    return [[path for *_, path in sorted(files)] for _, files in ordered]


def _parts(name: str, names: set[str]) -> tuple[str, str, int]:
    """Return the name of a file's series, and its date and number, empty and 0 where it has none."""
    for pattern in _ROTATED:
        found = pattern.fullmatch(name)
        if found is not None:
            parts = found.groupdict()
            date = re.sub(r"\D", "", parts.get("date") or "")
            return f"{parts['stem']}.log".casefold(), date, int(parts.get("number") or not date)
    numbered = _NUMBERED.fullmatch(name)
    # A number within a name may be a part of a version, unless the file that is written to lies beside it.
    if numbered is not None and f"{numbered['stem']}{numbered['end']}".casefold() in names:
        return f"{numbered['stem']}{numbered['end']}".casefold(), "", int(numbered["number"])
    return name.casefold(), "", 0
