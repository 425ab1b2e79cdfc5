"""Outcomes that wait for the server: a file each, kept until it took them.

A file leaves the folder when the server took it or refused it for good, so that none is lost while the server
is away. Two programs may send the same file at once; its key makes that one outcome.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

MAX_KEPT = 10_000
"""Outcomes that wait at most; a full folder takes no more."""
# The request is wrong and stays wrong; it is set aside for a person. 409 is not among them: another program
# may be sending the same file at this moment.
_REFUSED = {400, 413, 415, 422}


def state_folder(name: str) -> Path:
    """Return a folder for what has to last: below `MEMORY_HOME`, else in the user's folder for state."""
    home = os.environ.get("MEMORY_HOME")
    if home:
        return Path(home) / name
    state = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(state) if state else Path.home() / ".local" / "state") / "memory-pipeline" / name


def keep(folder: Path, outcome: dict[str, Any], key: str, now: datetime) -> bool:
    """Keep an outcome, readable by its user alone; returns False where the folder is full."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if len(waiting(folder)) >= MAX_KEPT:
        return False
    path = folder / f"{now:%Y%m%dT%H%M%S%f}-{key}.json"
    part = path.with_suffix(f".part{os.getpid()}")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(json.dumps({"key": key, "outcome": outcome}))
    part.replace(path)
    return True


def send_kept(folder: Path, send: Callable[[dict[str, Any], str], int | None]) -> None:
    """Send what is kept, the oldest first, until `send` says to stop.

    Parameters
    ----------
    folder
        Where the outcomes wait.
    send
        Sends an outcome with its key; returns the HTTP status, or None to stop: there was no answer or no
        time.
    """
    for path in waiting(folder):
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            outcome, key = kept["outcome"], kept["key"]
        except FileNotFoundError:
            continue  # another program sent it
        except (KeyError, TypeError, ValueError):
            _set_aside(path)
            continue
        status = send(outcome, key)
        if status is None:
            return
        if 200 <= status < 300:  # noqa: PLR2004 - HTTP's word for success
            path.unlink(missing_ok=True)
        elif status in _REFUSED:
            _set_aside(path)


def waiting(folder: Path) -> list[Path]:
    """Return the files of the outcomes that wait, the oldest first."""
    return sorted(folder.glob("*.json"))


def refused(folder: Path) -> list[Path]:
    """Return the files of the outcomes that the server refused for good."""
    return waiting(folder / "refused")


def _set_aside(path: Path) -> None:
    aside = path.parent / "refused"
    aside.mkdir(mode=0o700, exist_ok=True)
    try:
        path.replace(aside / path.name)
    except FileNotFoundError:
        return
