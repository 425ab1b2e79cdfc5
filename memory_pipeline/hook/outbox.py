"""Outcomes that wait for the server: a file each, kept before anything is sent.

A file leaves the folder when the server took it or refused it for good, so that none is lost while the server
is away. Two hooks may send the same file at once; its key makes that one outcome.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory_pipeline.hook.connection import post

if TYPE_CHECKING:
    from datetime import datetime

MAX_KEPT = 10_000
"""Outcomes that wait at most; a full folder takes no more."""
# The request is wrong and stays wrong; it is set aside for a person.
_REFUSED = {400, 409, 413, 415, 422}


def outbox_folder() -> Path:
    """Return the folder: below `MEMORY_HOME`, else in the user's folder for state."""
    home = os.environ.get("MEMORY_HOME")
    if home:
        return Path(home) / "hook_outbox"
    state = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(state) if state else Path.home() / ".local" / "state") / "memory-pipeline" / "hook_outbox"


def keep(outcome: dict[str, Any], key: str, now: datetime) -> None:
    """Keep an outcome, readable by its user alone."""
    folder = outbox_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if len(_waiting(folder)) >= MAX_KEPT:
        return
    path = folder / f"{now:%Y%m%dT%H%M%S%f}-{key}.json"
    part = path.with_suffix(f".part{os.getpid()}")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(json.dumps({"key": key, "outcome": outcome}))
    part.replace(path)


def send_kept(deadline: float) -> None:
    """Send what is kept, the oldest first, until the deadline or until the server does not answer."""
    folder = outbox_folder()
    for path in _waiting(folder):
        if time.monotonic() >= deadline:
            return
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            outcome, key = kept["outcome"], kept["key"]
        except FileNotFoundError:
            continue  # another hook sent it
        except (KeyError, TypeError, ValueError):
            _set_aside(path)
            continue
        answer = post("/api/memory/outcomes", outcome, deadline, {"Idempotency-Key": key})
        if answer.status is None:
            return
        if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's word for success
            path.unlink(missing_ok=True)
        elif answer.status in _REFUSED:
            _set_aside(path)


def _waiting(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def _set_aside(path: Path) -> None:
    refused = path.parent / "refused"
    refused.mkdir(mode=0o700, exist_ok=True)
    try:
        path.replace(refused / path.name)
    except FileNotFoundError:
        return
