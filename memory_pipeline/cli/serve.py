"""`serve` and `token`: the server, and who may ask it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from memory_pipeline.cli.context import console, json_option, opened_memory, opened_store, output, print_json
from memory_pipeline.settings import parse_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPENING_TRIES, _OPENING_PAUSE = 300, 0.2
SCOPES = ("read", "report", "decide", "admin")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind to.")
@click.option("--port", default=8017, show_default=True, type=click.IntRange(1, 65535), help="Port.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with a token in each line (name, scope, token), beside those of `token create`.",
)
@click.option(
    "--allowed-host", "allowed_hosts", multiple=True, help="A name under which the server may be asked."
)
@click.option("--open", "opens", is_flag=True, help="Open the first page in the browser once it is there.")
def serve(
    host: str, port: int, workers: int, token_file: Path | None, allowed_hosts: Sequence[str], *, opens: bool
) -> None:
    """Serve the memory on one port: pages for people, HTTP interface, MCP, metrics and health."""
    from memory_pipeline.server.options import ServerOptions, read_token_file  # noqa: PLC0415
    from memory_pipeline.server.run import run_server  # noqa: PLC0415 - imports FastAPI

    try:
        options = ServerOptions(
            host=host,
            port=port,
            workers=workers,
            file_grants=() if token_file is None else read_token_file(token_file),
            allowed_hosts=tuple(allowed_hosts),
            draws_ahead=True,
        )
        with opened_memory() as memory:
            console.print(f"serving on http://{host}:{port} (Ctrl-C stops)", highlight=False)
            if options.is_loopback:
                console.print(
                    "Without tokens, every program on this machine may do everything.", style="yellow"
                )
            if opens:
                open_when_ready(f"http://{host}:{port}/")
            run_server(memory, options)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def open_when_ready(address: str) -> None:
    """Open a page of the server that is about to start in the browser, as soon as it answers."""
    import threading  # noqa: PLC0415 - keeps `--help` quick
    import time  # noqa: PLC0415

    import httpx  # noqa: PLC0415

    def wait_and_open() -> None:
        for _ in range(_OPENING_TRIES):
            try:
                httpx.get(f"{address}healthz", timeout=1)
            except httpx.TransportError:
                time.sleep(_OPENING_PAUSE)
            else:
                click.launch(address)
                return

    threading.Thread(target=wait_and_open, daemon=True).start()


@click.group()
def token() -> None:
    """Create, list and revoke the tokens that programs show to the server."""


@token.command("create")
@click.argument("name")
@click.option("--scope", type=click.Choice(SCOPES), required=True, help="Each includes those before it.")
@click.option(
    "--valid-for", metavar="INTERVAL", help="How long it holds, such as 90d; without it, until revoked."
)
@json_option
def create(name: str, scope: str, valid_for: str | None, as_json: bool) -> None:
    """Create a token and print it, this once: only its hash is stored."""
    from memory_pipeline.store.access import create_token  # noqa: PLC0415 - keeps `--help` quick

    with opened_store() as (_, store):
        try:
            made = create_token(
                store, name, scope, valid_for=None if valid_for is None else parse_interval(valid_for)
            )
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    if as_json:
        print_json({"name": name, "scope": scope, "token": made})
        return
    click.echo(made)
    console.print("It is shown this once; keep it where secrets are kept.", style="yellow")


@token.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List all tokens: name, scope, and until when each holds."""
    from memory_pipeline.store.access import list_tokens  # noqa: PLC0415 - keeps `--help` quick

    with opened_store() as (_, store):
        tokens = list_tokens(store)
    if as_json:
        print_json(tokens)
        return
    for one in tokens:
        end = (
            "revoked"
            if one["revoked_at"]
            else f"until {one['expires_at']:%Y-%m-%d}"
            if one["expires_at"]
            else ""
        )
        output.print(f"{one['name']:<30} {one['scope']:<8} {end}", highlight=False)
    if not tokens:
        console.print("no tokens; create one with `memory-pipeline token create NAME --scope read`")


@token.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """Revoke a token; servers refuse it within two seconds."""
    from memory_pipeline.store.access import revoke_token  # noqa: PLC0415 - keeps `--help` quick

    with opened_store() as (_, store):
        try:
            revoke_token(store, name)
        except KeyError as error:
            raise click.ClickException(str(error.args[0])) from error
    console.print(f"revoked {name}")
