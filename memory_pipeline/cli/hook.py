"""`hook`: what coding agents run before and after their packaging commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from memory_pipeline.cli.context import console
from memory_pipeline.hook.run import POLICIES, main

if TYPE_CHECKING:
    from collections.abc import Sequence

# A wrong use must not end with an exit code that an agent takes for a refusal, so nothing is refused here.
_LENIENT = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.group()
def hook() -> None:
    """Check an approach before a packaging command of an agent, and report how the command ended.

    `python -m memory_pipeline.hook` does the same and starts faster. MEMORY_SERVER_URL and MEMORY_TOKEN say
    which server is asked, MEMORY_CONTEXT (a JSON object) what holds for every attempt from here.
    """


@hook.command("pre", context_settings=_LENIENT)
@click.option("--generic", is_flag=True, help="The command is in the arguments, not in an event on stdin.")
@click.option(
    "--on-failure",
    default="ask",
    show_default=True,
    metavar="|".join(POLICIES),
    help="What happens where the approach failed before.",
)
@click.option("--budget-ms", default="300", show_default=True, help="Milliseconds that the memory may take.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def pre(generic: bool, on_failure: str, budget_ms: str, command: Sequence[str]) -> None:
    """Answer whether the approach of a command failed before; say nothing where the memory does not know."""
    flags = ["--generic"] if generic else []
    main(["pre", *flags, f"--on-failure={on_failure}", f"--budget-ms={budget_ms}", "--", *command])


@hook.command("post", context_settings=_LENIENT)
@click.option("--generic", is_flag=True, help="The command is in the arguments, not in an event on stdin.")
@click.option("--exit-code", default="", help="How the command ended, with --generic.")
@click.option("--budget-ms", default="300", show_default=True, help="Milliseconds that the memory may take.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def post(generic: bool, exit_code: str, budget_ms: str, command: Sequence[str]) -> None:
    """Report how a command ended; what the server does not take waits for the next report."""
    flags = ["--generic"] if generic else []
    main(["post", *flags, f"--exit-code={exit_code}", f"--budget-ms={budget_ms}", "--", *command])


@hook.command("install")
@click.option("--claude-code", is_flag=True, required=True, help="Into the settings of Claude Code.")
@click.option(
    "--project",
    default=".",
    show_default=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the project whose agent is to have the hooks.",
)
@click.option("--local", is_flag=True, help="Into settings.local.json, which is not shared.")
@click.option(
    "--on-failure",
    default="ask",
    show_default=True,
    type=click.Choice(POLICIES),
    help="What happens where the approach failed before.",
)
@click.option("--remove", is_flag=True, help="Take the hooks out again.")
def install(
    claude_code: bool,  # noqa: ARG001 - names the agent
    project: Path,
    local: bool,
    on_failure: str,
    remove: bool,
) -> None:
    """Write the hooks into an agent's settings, beside those that are there."""
    from memory_pipeline.hook.install import install_hooks, remove_hooks, settings_path  # noqa: PLC0415

    path = settings_path(project, is_local=local)
    try:
        changes = remove_hooks(path) if remove else install_hooks(path, on_failure=on_failure)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    for change in changes or ["nothing to change"]:
        console.print(f"{path}: {change}", markup=False, highlight=False, soft_wrap=True)
