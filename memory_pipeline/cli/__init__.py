"""The command `memory-pipeline`; each group of commands is a module of its own."""

from __future__ import annotations

import importlib
import sys
from keyword import iskeyword
from typing import TYPE_CHECKING, NoReturn

import click

from memory_pipeline import __version__
from memory_pipeline.cli.context import console

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {
    "alerts": "memory_pipeline.cli.alerts",
    "backup": "memory_pipeline.cli.backup",
    "config": "memory_pipeline.cli.config",
    "dagster": "memory_pipeline.cli.dagster",
    "decide": "memory_pipeline.cli.decide",
    "demo": "memory_pipeline.cli.demo",
    "dev": "memory_pipeline.cli.run",
    "discover": "memory_pipeline.cli.discover",
    "evidence": "memory_pipeline.cli.evidence",
    "explain-change": "memory_pipeline.cli.explain_change",
    "export": "memory_pipeline.cli.exchange",
    "factor": "memory_pipeline.cli.decide",
    "forget": "memory_pipeline.cli.forget",
    "hook": "memory_pipeline.cli.hook",
    "import": "memory_pipeline.cli.exchange",
    "ingest": "memory_pipeline.cli.ingest",
    "mapping": "memory_pipeline.cli.mapping",
    "mcp": "memory_pipeline.cli.mcp",
    "monitor": "memory_pipeline.cli.monitor",
    "notebook": "memory_pipeline.cli.run",
    "pattern": "memory_pipeline.cli.decide",
    "quarantine": "memory_pipeline.cli.ingest",
    "rebuild": "memory_pipeline.cli.run",
    "recommend": "memory_pipeline.cli.recommend",
    "restore": "memory_pipeline.cli.backup",
    "retention": "memory_pipeline.cli.forget",
    "serve": "memory_pipeline.cli.serve",
    "show": "memory_pipeline.cli.show",
    "status": "memory_pipeline.cli.show",
    "token": "memory_pipeline.cli.serve",
}


class _LazyGroup(click.Group):
    """Group that imports a command's module when the command is used, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        name = f"{name}_" if iskeyword(name) else name
        command: click.Command = getattr(importlib.import_module(_COMMANDS[cmd_name]), name)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Keep an organisation's memory of what worked: record attempts, find what helps, advise, verify."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; an error is one message on stderr and exit code 1 (2 for wrong usage)."""
    try:
        cli.main(args=arguments, prog_name="memory-pipeline", standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        console.print("stopped", style="yellow")
        sys.exit(130)
    except (ArithmeticError, ImportError, LookupError, OSError, RuntimeError, ValueError) as error:
        _fail(error)
    except Exception as error:
        from memory_pipeline.store.errors import explain  # noqa: PLC0415 - keeps `--help` quick

        meaning = explain(error)
        if meaning is None:
            raise
        _fail(meaning)


def _fail(error: Exception) -> NoReturn:
    console.print("Error:", style="bold red", end=" ")
    console.print(_message(error), markup=False, highlight=False)
    sys.exit(1)


def _message(error: Exception) -> str:
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
