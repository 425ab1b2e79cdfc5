"""A memory in a folder of its own, commands on it that are ended or cut off, and what that came to."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import text

from memory_pipeline.settings import Settings
from memory_pipeline.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from memory_pipeline.store import Store

PROGRAM = [sys.executable, "-c", "from memory_pipeline.cli import main; main()"]
FINDINGS = {
    "pattern_identifications where active": "id, confidence, sample_size",
    "success_factors": "id, effectiveness, ci_low, ci_high, sample_size",
    "approach_recommendations": "id, success_rate, confidence, recommended_approach",
    "learning_measures": "measure, period_start, segment_column, segment_value, value",
}


@dataclass
class Result:
    """What one scenario came to."""

    name: str
    moments: int = 0
    ended_at_once: int = 0
    lost: int = 0
    doubled: int = 0
    unfinished: int = 0
    by_themselves: int = 0
    said: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        said = (
            f"{self.name:<34} moments {self.moments:>3}, in time {self.moments - self.ended_at_once:>3}, "
            f"lost {self.lost}, doubled {self.doubled}, same command did not finish {self.unfinished}"
        )
        notes = list(self.notes)
        if self.said:
            longest = max(self.said, key=lambda one: one.count("\n"))
            notes.append(
                f"{self.by_themselves} ended well by themselves; {len(self.said)} ended with a message, the "
                f"longest of {longest.count(chr(10)) + 1} lines: {' '.join(longest.split())[:300]}"
            )
        return "\n    ".join([said, *notes])


class Memory:
    """A memory in a folder of its own, and commands on it."""

    def __init__(self, home: Path, *, seed: int, url: str | None = None) -> None:
        self.home = home
        self.url = url
        self.random = random.Random(seed)  # noqa: S311 - moments, not secrets
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("MEMORY_")},
            "MEMORY_HOME": str(home),
            **({} if url is None else {"MEMORY_DATABASE_URL": url}),
        }

    def start(self, *arguments: str, is_heard: bool = True) -> subprocess.Popen[str]:
        """Start a command; what it says is read at its end, so one that goes on is not heard."""
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if is_heard else subprocess.DEVNULL,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run a command to its end; return its exit code and the end of what it said."""
        process = self.start(*arguments)
        said = process.communicate()[1]
        return process.returncode, " ".join(said.split())[-400:]

    def finishes(self, *arguments: str) -> bool:
        """Return whether a command succeeds."""
        return self.run(*arguments)[0] == 0

    def seconds(self, *arguments: str) -> float:
        """Return how long a command takes that nothing disturbs."""
        began = time.monotonic()
        code, said = self.run(*arguments)
        if code:
            raise RuntimeError(f"{' '.join(arguments)} failed undisturbed: {said}")
        return time.monotonic() - began

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the database."""
        store = open_store(Settings(home=self.home, database_url=self.url))
        try:
            yield store
        finally:
            store.close()

    def kill_postgres(self, _: object = None) -> None:
        """Kill the server of this memory, and no other, if it is there."""
        with suppress(FileNotFoundError, ProcessLookupError):  # not yet, or no longer
            pid = int((self.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, signal.SIGKILL)

    def count(self, source: str) -> tuple[int, int]:
        """Return the rows of a source, and how many different records they are."""
        query = text(
            "select count(*), count(distinct source_record_id) from packaging_outcomes where source = :source"
        )
        with self.store() as store, store.transaction() as connection:
            rows, distinct = connection.execute(query, {"source": source}).one()
        return int(rows), int(distinct)

    def findings(self) -> str:
        """Return a fingerprint of what was found."""
        digest = hashlib.sha256()
        with self.store() as store, store.transaction() as connection:
            for table, columns in FINDINGS.items():
                rows = connection.execute(text(f"select {columns} from {table}")).all()  # noqa: S608
                digest.update(repr(sorted(map(repr, rows))).encode())
        return digest.hexdigest()


def disturbed(
    memory: Memory,
    name: str,
    moments: int,
    seconds: float,
    command: Callable[[int], list[str]],
    *,
    disturb: Callable[[subprocess.Popen[str]], None],
    check: Callable[[int, Result], None],
    before: Callable[[], None] = lambda: None,
) -> Result:
    """Disturb a command at random moments; then run it again and check.

    Parameters
    ----------
    memory, name, moments
        On which memory, how the result is called, and how often.
    seconds
        How long the command takes undisturbed.
    command
        From the number of the moment to its arguments.
    disturb
        Kills the process, or does something to the server under it.
    check
        From the number of the moment: counts what is lost or doubled.
    before
        Done before each.
    """
    result = Result(name)
    for number in range(moments):
        before()
        arguments = command(number)
        process = memory.start(*arguments)
        time.sleep(memory.random.uniform(0, seconds))
        result.moments += 1
        result.ended_at_once += process.poll() is not None
        disturb(process)
        said = process.communicate()[1]
        result.by_themselves += process.returncode == 0
        if process.returncode > 0:
            result.said.append(said.strip())
        result.unfinished += not memory.finishes(*arguments)
        check(number, result)
    return result


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command."""
    process.kill()


def stop_server(home: Path) -> None:
    """End the embedded server of a memory that killed processes left running."""
    try:
        pid = int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGQUIT)
    except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
        return
