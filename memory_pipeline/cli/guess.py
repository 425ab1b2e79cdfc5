"""`mapping guess`: propose a mapping for a file, show what it would read, and store nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memory_pipeline.cli.context import json_option, output, print_json
from memory_pipeline.cli.file_options import errors_as_messages, file_format_option, given_option
from memory_pipeline.cli.trials import trial_lines

if TYPE_CHECKING:
    from memory_pipeline.ingest.guess.proposal import Proposal, Said

_SHOWN_ROWS = 2


def _pairs(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read NAME=VALUE pairs; the last equals sign counts, since words and columns may hold one."""
    found = {}
    for pair in values:
        left, equals, right = pair.rpartition("=")
        if not equals or not left.strip() or not right.strip():
            raise click.BadParameter(f"{pair!r} is not {option.make_metavar(_context)}")
        found[left.strip()] = right.strip()
    return found


def _roles(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read ROLE=COLUMN pairs as the role of each column."""
    found = {}
    for pair in values:
        role, equals, column = pair.partition("=")
        if not equals or not role.strip() or not column.strip():
            raise click.BadParameter(f"{pair!r} is not {option.make_metavar(context)}")
        found[column.strip()] = role.strip()
    return found


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--output", "target", type=click.Path(path_type=Path), help="Write the mapping to this YAML file."
)
@click.option("--overwrite", is_flag=True, help="Write over the file that --output names.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    callback=_roles,
    metavar="ROLE=COLUMN",
    help="What a column is, such as application_name, outcome_status, approach or ignore; may be repeated.",
)
@click.option(
    "--status",
    "states",
    multiple=True,
    callback=_pairs,
    metavar="WORD=MEANING",
    help="What a word of the status means: success, failure, partial or skip; may be repeated.",
)
@click.option("--timezone", help="Zone of times that come without one, such as Europe/Berlin.")
@click.option("--locale", help="How numbers are written, such as de_DE.")
@click.option("--order", type=click.Choice(["day", "month"]), help="Which of them stands first in dates.")
@file_format_option
@given_option
@json_option
def guess(
    file: Path,
    *,
    target: Path | None,
    overwrite: bool,
    roles: dict[str, str],
    states: dict[str, str],
    timezone: str | None,
    locale: str | None,
    order: str | None,
    file_format: str | None,
    given: dict[str, str],
    as_json: bool,
) -> None:
    """Propose a mapping for FILE from its header and values, show what it would read, and store nothing.

    Each guess has a comment in the mapping that --output writes. The exit code is 1 where something is not
    known without which rows cannot be stored rightly.
    """
    from memory_pipeline.ingest.guess.proposal import Said  # noqa: PLC0415 - keeps `--help` quick

    said = Said(roles, states, given, timezone, locale, order)
    show_guess(file, said, target=target, overwrite=overwrite, file_format=file_format, as_json=as_json)


def show_guess(
    file: Path,
    said: Said,
    *,
    target: Path | None = None,
    overwrite: bool = False,
    file_format: str | None = None,
    as_json: bool = False,
) -> None:
    """Propose a mapping, try it on the file, show both, and write it where a target is named.

    Raises
    ------
    click.ClickException
        When something is not known without which rows cannot be stored rightly; what is known was shown and
        written before.
    """
    from memory_pipeline.ingest.guess.propose import guess_mapping  # noqa: PLC0415
    from memory_pipeline.ingest.guess.yaml_text import write_yaml, yaml_of  # noqa: PLC0415
    from memory_pipeline.ingest.trial import try_mapping  # noqa: PLC0415

    with errors_as_messages():
        proposal = guess_mapping(file, said, file_format=file_format)
        mapping = proposal.mapping()
        trial = (
            None
            if mapping is None
            else try_mapping(file, mapping, file_format=file_format, shown=_SHOWN_ROWS)
        )
        if target is not None:
            write_yaml(proposal, target, overwrite=overwrite)
    blocking = [one for one in proposal.unknown if one.is_blocking]
    if as_json:
        shown = {**proposal.to_dict(), "yaml": yaml_of(proposal), "trial": trial and trial.to_dict()}
        print_json(shown)
    else:
        lines = [*_guess_lines(proposal), *(trial_lines(trial) if trial else ())]
        if target is not None:
            lines += [
                f"written to {target}; look at the lines with `guess`",
                *_next_lines(file, target, blocking),
            ]
        elif not blocking:
            lines.append("To keep the mapping, add: --output MAPPING.yaml")
        output.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    if blocking:
        raise click.ClickException(
            f"not everything is known: {blocking[0].what}. Say it with {blocking[0].remedy}"
            + (f"; and {len(blocking) - 1} more, see above" if len(blocking) > 1 else "")
        )
    if trial is not None and trial.accepted == 0:
        raise click.ClickException(f"no record of {file.name} would be stored; see the refusals above")


def _guess_lines(proposal: Proposal) -> list[str]:
    roles = proposal.roles
    lines = ["Columns"]
    lines += [f"  {name}: {role} ({roles.why[name]})" for name, role in roles.of.items()]
    if roles.states is not None and roles.states.meanings:
        meant = ", ".join(f"{value} = {meaning}" for value, meaning in roles.states.meanings.items())
        lines.append(
            f"Status, by {roles.states.column}: {meant}"
            + (", others = failure" if roles.states.is_code else "")
        )
    for key, comment in proposal.comments.items():
        if key[0] in {"timezone", "locale", "records"} or (key[0] == "columns" and len(key) > 1):
            value = proposal.content.get(key[0]) if len(key) == 1 else ""
            lines.append(f"{' of '.join(reversed(key))}{f' {value}' if value else ''}: {comment}")
    if proposal.unknown:
        lines.append("Not known")
        for one in proposal.unknown:
            lines += [f"  {one.what}", f"    to say it: {one.remedy}"]
    return lines


def _next_lines(file: Path, target: Path, blocking: list[Any]) -> list[str]:
    if blocking:
        return []
    return [f"then: memory-pipeline ingest outcomes {file} --mapping {target}"]
