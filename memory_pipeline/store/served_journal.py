"""Keep served answers in a local file until they are in the database, so that none is lost.

An answer is written to the file before it is given, in one write to the operating system: it survives the end
of the process, however that comes about. A thread moves what was written to `served_recommendations` every
half second (sooner after 500 answers). Each time, the file is first forced to the disk: what a power failure
can take is the answers of that half second.

A process holds a lock on its files while it lives. A file without one is of a process that ended, and whoever
opens the memory next moves its answers (`replay_journals`).
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy.exc import DataError, IntegrityError

from memory_pipeline.store.served import store_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from memory_pipeline.store.database import Store

FLUSH_EVERY = 0.5
"""Seconds after which served answers are in the database, and the most that a power failure takes."""
FLUSH_AT = 500
"""Answers after which they are moved sooner, and most that are moved in one transaction."""
_FOLDER = "served"
_SUFFIX = ".jsonl"
_REFUSED = "refused.txt"
_CANDIDATES = b'{"candidates"'
"""How the line of a list of candidates begins; any other line is an answer."""
_MOST_REMEMBERED = 10_000
_log = logging.getLogger(__name__)


def journal_folder(home: Path) -> Path:
    """Return the folder of the journals of a memory."""
    return home.absolute() / _FOLDER


def refused_answers(home: Path) -> Path:
    """Return the file of the answers that the database refused."""
    return journal_folder(home) / _REFUSED


class ServedJournal:
    """The journal of one process; threads may share it.

    Parameters
    ----------
    store
        Where answers are moved to.
    home
        The memory's folder.
    """

    def __init__(self, store: Store, home: Path) -> None:
        self._store = store
        self._folder = journal_folder(home)
        self._name = f"{time.time_ns()}-{uuid.uuid4().hex[:8]}"
        self._writing = threading.Lock()
        self._moving = threading.Lock()
        self._wake = threading.Event()
        self._is_closed = False
        self._segment: _Segment | None = None
        self._full: list[_Segment] = []
        self._segments = 0
        self._known: set[str] = set()
        self._thread: threading.Thread | None = None

    @property
    def pending(self) -> int:
        """Answers that are not in the database yet."""
        current = self._segment
        return sum(one.answers for one in (*self._full, *([current] if current else [])))

    def start(self) -> None:
        """Begin to move answers in a thread of its own."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="served-journal", daemon=True)
            self._thread.start()

    def append(self, answer: bytes, candidates_id: str, candidates: Callable[[], bytes]) -> None:
        """Write an answer; once this returns, the end of the process does not lose it.

        Parameters
        ----------
        answer
            A row of `served_recommendations` as JSON, on one line, beginning with its `id`.
        candidates_id, candidates
            Of the list that it chose from: id, and a function that returns its document as JSON
            (`served.candidates_document`), which is written where it was not before.

        Raises
        ------
        OSError
            When the file cannot be written, as on a full disk; then nothing is.
        """
        with self._writing:
            is_new = candidates_id not in self._known
            lines = candidates() + b"\n" + answer + b"\n" if is_new else answer + b"\n"
            if self._segment is None:
                self._segments += 1
                self._segment = _Segment(self._folder, f"{self._name}.{self._segments:08d}")
            self._segment.write(lines)
            if is_new:
                if len(self._known) >= _MOST_REMEMBERED:
                    self._known.clear()
                self._known.add(candidates_id)
            if self._segment.answers >= FLUSH_AT:
                self._wake.set()

    def flush(self) -> int:
        """Move all answers that were written so far to the database; return how many."""
        with self._moving:
            with self._writing:
                if self._segment is not None:
                    self._full.append(self._segment)
                    self._segment = None
            moved = 0
            while self._full:
                segment = self._full[0]
                segment.force()
                moved += _move(self._store, segment.path)
                segment.remove()
                self._full.pop(0)
            return moved

    def close(self) -> None:
        """Stop the thread and move what is left; what cannot be moved stays for the next process."""
        self._is_closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        try:
            self.flush()
        except Exception as error:  # noqa: BLE001 - nothing is lost: the next process moves it
            _log.warning("served answers stay in %s (%s)", self._folder, type(error).__name__)

    def _run(self) -> None:
        is_failing = False
        while not self._is_closed:
            self._wake.wait(FLUSH_EVERY)
            self._wake.clear()
            try:
                self.flush()
                is_failing = False
            except Exception as error:  # noqa: BLE001 - it is tried again, and nothing is lost
                if not is_failing:
                    _log.warning("served answers wait in %s (%s)", self._folder, type(error).__name__)
                is_failing = True


class _Segment:
    """A file of the journal, locked while it is open, which is known by its name only once it is locked."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"{name}{_SUFFIX}"
        unlocked = folder / f"{name}.part"
        self._file = os.open(unlocked, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        unlocked.rename(self.path)
        self._size = 0
        self.answers = 0

    def write(self, lines: bytes) -> None:
        """Append lines that end with an answer, all or nothing."""
        try:
            written = os.write(self._file, lines)
            if written < len(lines):
                msg = f"{self.path} took {written} of {len(lines)} bytes; free some space"
                raise OSError(msg)  # noqa: TRY301 - what was written is taken back
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += written
        self.answers += 1

    def force(self) -> None:
        """Force what was written to the disk."""
        os.fsync(self._file)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def remove(self) -> None:
        """Remove the file and its lock."""
        self.path.unlink(missing_ok=True)
        os.close(self._file)


def replay_journals(store: Store, home: Path) -> int:
    """Move the answers that processes left which ended without doing so; return how many lines were moved.

    Files of processes that live are left to them. An answer that is in the database already stays as it is.
    """
    folder = journal_folder(home)
    if not folder.is_dir():
        return 0
    moved = 0
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        with suppress(FileNotFoundError):  # another process was quicker
            file = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                moved += _move(store, path)
                path.unlink(missing_ok=True)
            except BlockingIOError:
                continue
            finally:
                os.close(file)
    return moved


def _move(store: Store, path: Path) -> int:
    """Move the lines of a file to the database in transactions of at most 500; return the answers."""
    moved = 0
    for lines in _batches(path):
        _store_lines(store, lines, path.with_name(_REFUSED))
        moved += sum(not line.startswith(_CANDIDATES) for line in lines)
    return moved


def _batches(path: Path) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break  # The process was ended while it wrote: the answer was not given.
            batch.append(line.rstrip(b"\n"))
            if len(batch) >= FLUSH_AT:
                yield batch
                batch = []
    if batch:
        yield batch


def _store_lines(store: Store, lines: list[bytes], refused: Path) -> None:
    """Store lines; one that the database refuses is put aside, so that it does not hold up the others."""
    try:
        with store.transaction() as connection:
            store_documents(
                connection,
                _array(line for line in lines if line.startswith(_CANDIDATES)),
                _array(line for line in lines if not line.startswith(_CANDIDATES)),
            )
    except (DataError, IntegrityError, UnicodeDecodeError) as error:
        if len(lines) > 1:
            middle = len(lines) // 2
            _store_lines(store, lines[:middle], refused)
            _store_lines(store, lines[middle:], refused)
            return
        _log.warning("the database refused a served answer (%s); it is in %s", type(error).__name__, refused)
        with refused.open("ab") as file:
            file.write(lines[0] + b"\n")


def _array(lines: Iterable[bytes]) -> str:
    return f"[{b','.join(lines).decode()}]"
