"""Options of the commands that read files of records, and how they report an error in one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from memory_pipeline.ingest.errors import IngestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FORMATS = click.Choice(["csv", "excel", "json", "jsonl", "log", "parquet", "xml"])


def _reads_pairs(form: str, example: str) -> Callable[..., dict[str, str]]:
    """Return the callback of an option whose values are pairs such as COLUMN=VALUE."""

    def read(_context: click.Context, _option: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
        found = {}
        for pair in pairs:
            name, equals, value = pair.partition("=")
            if not equals or not name.strip() or not value.strip():
                raise click.BadParameter(f"{pair!r} is not {form}; write for example {example}")
            found[name.strip()] = value.strip()
        return found

    return read


given_option = click.option(
    "--set",
    "given",
    multiple=True,
    callback=_reads_pairs("COLUMN=VALUE", "AppName=7-Zip"),
    metavar="COLUMN=VALUE",
    help="Value of a column or field that the file does not have; may be repeated.",
)
lookup_option = click.option(
    "--lookup",
    "lookups",
    multiple=True,
    callback=_reads_pairs("NAME=FILE", "apps=apps.csv"),
    metavar="NAME=FILE",
    help="Second file with which the mapping joins under this name; may be repeated.",
)
file_format_option = click.option(
    "--format", "file_format", type=_FORMATS, help="Format, if the name does not show it."
)


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn an error of the ingest into the command's message and exit code; nothing was stored."""
    try:
        yield
    except IngestError as error:
        raise click.ClickException(error.message) from error
