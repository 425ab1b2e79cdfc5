"""What every command shares: the settings, the opened memory, and the consoles that it prints to.

Data goes to stdout; progress, hints and errors go to stderr.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError
from rich.console import Console

from memory_pipeline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memory_pipeline.memory import Memory
    from memory_pipeline.store import Store

console = Console(stderr=True)
"""Progress, hints and errors."""
output = Console(soft_wrap=False)
"""Data for a person."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print data as JSON, and nothing else.")


def read_settings() -> Settings:
    """Read the settings from the environment and the file under MEMORY_HOME.

    Raises
    ------
    click.ClickException
        When a variable is out of range; the message names it, its value and what is expected.
    """
    try:
        return Settings()
    except ValidationError as error:
        from memory_pipeline.configuration import problems_of  # noqa: PLC0415 - seldom needed

        raise click.ClickException("\n".join(problems_of(error))) from error


@contextmanager
def opened_store() -> Iterator[tuple[Settings, Store]]:
    """Open the configured database for one command."""
    from memory_pipeline.store import open_store  # noqa: PLC0415 - keeps `--help` quick

    settings = read_settings()
    store = open_store(settings)
    try:
        yield settings, store
    finally:
        store.close()


@contextmanager
def opened_memory() -> Iterator[Memory]:
    """Open the configured memory for one command."""
    from memory_pipeline.memory import Memory  # noqa: PLC0415 - keeps `--help` quick
    from memory_pipeline.store.served import Asked  # noqa: PLC0415

    with opened_store() as (settings, store), Memory(settings, store) as memory:
        memory.asked = Asked("command")
        yield memory


def print_json(data: Any) -> None:
    """Print an answer of the memory, frames included, as JSON on stdout."""
    from memory_pipeline.service.records import to_json  # noqa: PLC0415 - keeps `--help` quick

    click.echo(to_json(data))
