"""`mcp`: the memory for one agent, over the standard streams."""

from __future__ import annotations

import click

from memory_pipeline.cli.context import opened_memory


@click.command()
@click.option(
    "--scope",
    type=click.Choice(["read", "report"]),
    default="report",
    show_default=True,
    help="`read`: the agent can ask; `report`: it can also report outcomes.",
)
def mcp(scope: str) -> None:
    """Serve the memory to one agent by MCP over stdin and stdout; no server has to run."""
    from memory_pipeline.server.mcp.transport import run_stdio  # noqa: PLC0415 - imports FastAPI and the SDK

    with opened_memory() as memory:
        run_stdio(memory, scope)
