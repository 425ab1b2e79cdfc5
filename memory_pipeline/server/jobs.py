"""Start the processes of jobs, and note when one ends without a word of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from memory_pipeline.settings import variable_of
from memory_pipeline.store import jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.memory import Memory
    from memory_pipeline.settings import Settings

_MODULE = "memory_pipeline.server.job_process"
_LONGEST_WORDS = 300


class JobRunner:
    """Starts jobs on a memory.

    A job outlives the server that started it; whoever reads it later sees whether its process lives.

    Parameters
    ----------
    memory
        The memory; its settings are those of the jobs.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def start(self, kind: str, arguments: Mapping[str, Any], *, asked_by: str) -> dict[str, Any]:
        """Start a job and return it.

        Raises
        ------
        JobRunningError
            When a job of the kind is not over.
        RuntimeError
            When such work runs that was started otherwise, such as from the command line.
        """
        store = self._memory.store
        job = jobs.create_job(store, kind, asked_by=asked_by, arguments=arguments)
        if store.is_rebuilding() if kind == "rebuild" else store.is_discovering():
            said = (
                f"a {kind} of this memory runs that was started elsewhere; wait for it to end and try again"
            )
            jobs.finish_job(store, job["id"], "failed", error=said)
            raise RuntimeError(said)
        words = tempfile.TemporaryFile()  # noqa: SIM115 - the thread closes it
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, job["id"]],
                env=environment_of(self._memory.settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=words,
                start_new_session=True,  # Ctrl-C in the server's terminal is not meant for it
            )
        except OSError as error:
            words.close()
            jobs.finish_job(store, job["id"], "failed", error=f"its process did not start: {error.strerror}")
            raise RuntimeError(f"the process of the {kind} did not start: {error.strerror}") from error
        arguments_of_thread = (process, job["id"], words)
        threading.Thread(target=self._wait, args=arguments_of_thread, daemon=True, name="job").start()
        return job

    def _wait(self, process: subprocess.Popen[bytes], identity: str, words: IO[bytes]) -> None:
        with words:
            code = process.wait()
            if code == 0:
                return
            # Whoever reads the job next marks it all the same, without the reason.
            with suppress(SQLAlchemyError, KeyError):
                jobs.fail_job(self._memory.store, identity, _ending(code, words))


def _ending(code: int, words: IO[bytes]) -> str:
    """Return how a process ended, with the last line that it wrote."""
    how = f"by the signal {signal.Signals(-code).name}" if code < 0 else f"with the exit code {code}"
    words.seek(0)
    lines = words.read().decode("utf-8", "replace").strip().splitlines()
    last = f": {lines[-1][:_LONGEST_WORDS]}" if lines and code > 0 else ""
    return f"its process ended {how}{last}; what it wrote stands"


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment in which a process reads these settings, and everything else as here."""
    environment = dict(os.environ)
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        variable = variable_of(name)
        environment.pop(variable, None)
        if isinstance(value, SecretStr):
            environment[variable] = value.get_secret_value()
        elif name == "home":
            environment[variable] = str(value.absolute())
        elif value is not None:
            environment[variable] = str(value)
    return environment
