"""Write a file that is there whole or not at all, for its owner alone; check that one is there."""

from __future__ import annotations

import os
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def new_zip(path: Path, *, compresses: bool = False) -> Iterator[zipfile.ZipFile]:
    """Write a zip file beside its place, and move it there once it is whole.

    Raises
    ------
    FileExistsError
        When the file exists.
    OSError
        When it cannot be written, as on a full disk; nothing is left of it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        raise FileExistsError(f"{path} exists, and is not overwritten; name another file or a folder")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    method = zipfile.ZIP_DEFLATED if compresses else zipfile.ZIP_STORED
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with zipfile.ZipFile(file, "w", method) as archive:
                yield archive
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError as error:
        raise OSError(
            f"{path} could not be written ({error.strerror or error}); nothing is left of it: free some "
            "space, or name another folder",
        ) from error
    finally:
        part.unlink(missing_ok=True)


def check_there(path: Path) -> None:
    """Raise FileNotFoundError where there is no file; the message says where it was looked for."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; check the path (the working folder is {Path.cwd()})")
