"""`dagster`: the processes of Dagster one by one, for a deployment that keeps each running by itself.

What belongs here: one command for each process. `dev` starts them together for a person at a desk.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from memory_pipeline.cli.context import opened_store
from memory_pipeline.cli.run import absolute_home, check_port_is_free, run_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.settings import Settings

_LIMIT = click.IntRange(1, 65535)

_code_server_option = click.option(
    "--code-server",
    metavar="HOST:PORT",
    callback=lambda _context, _parameter, value: None if value is None else _address(value),
    help="Code server to ask and to run on; without it, the process loads the definitions itself.",
)


@click.group()
def dagster() -> None:
    """Run one process of Dagster: its UI, its daemon or the server of the definitions."""


@dagster.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind to.")
@click.option("--port", default=3000, show_default=True, type=_LIMIT, help="Port.")
@click.option("--read-only", is_flag=True, help="Show everything and start nothing.")
@_code_server_option
def webserver(host: str, port: int, code_server: tuple[str, str] | None, *, read_only: bool) -> None:
    """Serve Dagster's UI, which asks nobody for a password: keep it on loopback or behind a proxy."""
    check_port_is_free(host, port)
    only = ["--read-only"] if read_only else []
    where = ["-h", host, "-p", str(port)]
    _run_on_workspace(["-m", "dagster_webserver", *where, *only], code_server)


@dagster.command()
@_code_server_option
def daemon(code_server: tuple[str, str] | None) -> None:
    """Run schedules, sensors and the queue of runs; one daemon a memory."""
    _run_on_workspace(["-m", "dagster._daemon", "run"], code_server)


@dagster.command("code-server")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind to.")
@click.option("--port", default=4000, show_default=True, type=_LIMIT, help="Port.")
def code_server(host: str, port: int) -> None:
    """Serve the definitions to the UI and the daemon, and run what they start."""
    from memory_pipeline.pipeline.instance import DEFINITIONS  # noqa: PLC0415 - imports Dagster

    check_port_is_free(host, port)
    where = ["-m", DEFINITIONS, "-h", host, "-p", str(port)]
    _run(lambda _: ["-m", "dagster", "code-server", "start", *where])


def _address(text: str) -> tuple[str, str]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise click.BadParameter(f"{text!r} is not an address; write HOST:PORT, for example localhost:4000")
    return host, port


def _run_on_workspace(arguments: list[str], code_server: tuple[str, str] | None) -> None:
    from memory_pipeline.pipeline.instance import write_workspace  # noqa: PLC0415 - imports Dagster

    _run(lambda settings: [*arguments, "-w", str(write_workspace(settings, code_server))])


def _run(arguments_for: Callable[[Settings], list[str]]) -> None:
    from memory_pipeline.pipeline.instance import dagster_environment  # noqa: PLC0415 - imports Dagster

    with opened_store() as (settings, store):
        environment = {**dagster_environment(settings, store), **absolute_home(settings)}
        arguments = arguments_for(settings)
        if settings.database_url is None:
            run_module(arguments, environment)
            return
    # Nothing has to be held for a server of one's own, and waiting would take 200 MB.
    os.execve(sys.executable, [sys.executable, *arguments], {**os.environ, **environment})  # noqa: S606
