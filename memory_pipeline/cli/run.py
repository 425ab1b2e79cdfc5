"""`rebuild`, `dev` and `notebook`: run the graph, its UI, and the notebooks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from memory_pipeline.cli.context import console, json_option, opened_store, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from memory_pipeline.rebuild.report import RebuildReport, StepEvent
    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store

PROJECT = Path(__file__).resolve().parents[2]


@click.command()
@click.option("--verbose", is_flag=True, help="Print Dagster's log to stderr.")
@json_option
def rebuild(as_json: bool, verbose: bool) -> None:
    """Compute all findings from the stored records: patterns, factors, recommendations, learning, members."""
    with opened_store() as (settings, store):
        report = rebuild_with_progress(settings, store, verbose=verbose)
    if as_json:
        print_json(report_record(report))
        return
    rows = ", ".join(f"{name} {count:,}" for name, count in report.rows.items())
    console.print(f"rebuilt in {report.seconds:.1f} s: {rows}", highlight=False)


def report_record(report: RebuildReport) -> dict[str, Any]:
    """Return the report of a rebuild as JSON-able values."""
    return {
        "run_id": report.run_id,
        "seconds": round(report.seconds, 2),
        "rows": report.rows,
        "warnings": [str(one) for one in report.warnings],
    }


def rebuild_with_progress(
    settings: Settings, store: Store, *, verbose: bool = False, only: Sequence[str] | None = None
) -> RebuildReport:
    """Rebuild all assets or some, with progress on stderr, and print the warnings of contracts."""
    from memory_pipeline.pipeline.run import rebuild as run_rebuild  # noqa: PLC0415 - imports Dagster

    with _step_display() as on_step:
        report = run_rebuild(settings, store, on_step=on_step, verbose=verbose, only=only)
    for warning in report.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False, highlight=False)
    return report


@contextmanager
def _step_display() -> Iterator[Callable[[StepEvent], None]]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=None)

        def on_step(event: StepEvent) -> None:
            progress.update(task, description=event.step, completed=event.number, total=event.total)
            if event.state == "succeeded" and event.kind == "asset":
                rows = "" if event.rows is None else f"{event.rows:,} rows"
                seconds = 0.0 if event.seconds is None else event.seconds
                progress.console.print(f"  {event.step:<28} {rows:>14} {seconds:7.1f} s", highlight=False)

        yield on_step


@click.command()
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that the server binds to.")
def dev(host: str, port: int) -> None:
    """Open the Dagster UI, with its schedules and sensors, on the memory's data."""
    from memory_pipeline.pipeline.instance import (  # noqa: PLC0415 - imports Dagster
        dagster_environment,
        write_workspace,
    )

    check_port_is_free(host, port)
    with opened_store() as (settings, store):
        environment = {**dagster_environment(settings, store), **absolute_home(settings)}
        workspace = str(write_workspace(settings))
        console.print(f"Dagster UI: http://{host}:{port} (stop with Ctrl-C)", highlight=False)
        run_module(["-m", "dagster", "dev", "-w", workspace, "-h", host, "-p", str(port)], environment)


@click.command()
@click.option("--port", default=8888, show_default=True, type=click.IntRange(1, 65535), help="Port.")
def notebook(port: int) -> None:
    """Open JupyterLab on the notebooks, with the memory's data."""
    check_port_is_free("127.0.0.1", port)
    with opened_store() as (settings, _):
        folder = PROJECT / "notebooks"
        run_module(
            [
                "-m",
                "jupyterlab",
                f"--ServerApp.root_dir={folder if folder.is_dir() else Path.cwd()}",
                "--ServerApp.ip=127.0.0.1",
                f"--ServerApp.port={port}",
                *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
            ],
            absolute_home(settings),
        )


def check_port_is_free(host: str, port: int) -> None:
    """Raise a click.ClickException where an address cannot be bound to."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            msg = f"{host}:{port} cannot be used ({error.strerror}); name another port with --port"
            raise click.ClickException(msg) from error


def absolute_home(settings: Settings) -> dict[str, str]:
    """Return the variable that keeps a child process in the same memory, wherever it works."""
    return {"MEMORY_HOME": str(settings.home.absolute())}


def run_module(arguments: list[str], environment: dict[str, str]) -> None:
    """Run a Python module to its end; this process keeps holding the embedded server meanwhile.

    A signal to stop is passed on, so that nothing keeps running.
    """
    # A process that a shell starts in the background ignores interrupts, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    child = subprocess.Popen([sys.executable, *arguments], env={**os.environ, **environment})
    signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGINT))
    try:
        code = child.wait()
    except KeyboardInterrupt:
        code = child.wait()
    if code not in {0, 130, -signal.SIGINT, -signal.SIGTERM}:
        sys.exit(code)
