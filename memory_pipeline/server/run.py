"""Run the server: one uvicorn process, or several workers on one port."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import uvicorn

from memory_pipeline.memory import Memory
from memory_pipeline.server.app import create_app
from memory_pipeline.server.metrics import FOLDER_VARIABLE
from memory_pipeline.server.observing import LOG
from memory_pipeline.server.options import ServerOptions
from memory_pipeline.settings import Settings
from memory_pipeline.store.access import Grant, active_grants

if TYPE_CHECKING:
    from fastapi import FastAPI

_OPTIONS = "MEMORY_SERVER_WORKER_OPTIONS"
"""Hands the options to worker processes; holds hashes of tokens, never a token."""
_KEEP_ALIVE = 30
_GRACE = 10


def run_server(memory: Memory, options: ServerOptions) -> None:
    """Serve until the process is told to stop.

    Raises
    ------
    ValueError
        When the address is open to other machines and there is no token.
    """
    if not options.is_loopback and not options.file_grants and not active_grants(memory.store):
        msg = (
            f"host is {options.host}, which other machines reach, and there is no token; create one with "
            "`memory-pipeline token create NAME --scope read`, or bind to 127.0.0.1"
        )
        raise ValueError(msg)
    common = {
        "host": options.host,
        "port": options.port,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": _KEEP_ALIVE,
        "timeout_graceful_shutdown": _GRACE,
    }
    if options.workers == 1:
        write_log()
        uvicorn.run(create_app(memory, options), **common)  # type: ignore[arg-type]
        return
    with tempfile.TemporaryDirectory(prefix="memory-pipeline-metrics-") as shared_counts:
        os.environ[_OPTIONS] = _to_json(options)
        os.environ[FOLDER_VARIABLE] = shared_counts
        uvicorn.run("memory_pipeline.server.run:worker_app", factory=True, workers=options.workers, **common)  # type: ignore[arg-type]


def worker_app() -> FastAPI:
    """Return the application of a worker process, with the options that its parent left."""
    write_log()
    return create_app(Memory.open(Settings()), _from_json(os.environ[_OPTIONS]))


class _JsonLines(logging.Formatter):
    """Writes what a server logs as one JSON object a line, with its time and level."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of one entry, whose message is a JSON object already."""
        at = datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds")
        return json.dumps({"at": at, "level": record.levelname.lower(), **json.loads(record.getMessage())})


def write_log() -> None:
    """Write what the server logs to stderr, a JSON object a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines())
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def _to_json(options: ServerOptions) -> str:
    values = {name: value for name, value in vars(options).items() if name != "is_loopback"}
    values["file_grants"] = [[one.name, one.scope, one.token_hash] for one in options.file_grants]
    return json.dumps(values)


def _from_json(text: str) -> ServerOptions:
    values = json.loads(text)
    grants = tuple(Grant(*one) for one in values.pop("file_grants"))
    hosts = tuple(values.pop("allowed_hosts"))
    return replace(ServerOptions(**values), file_grants=grants, allowed_hosts=hosts)
