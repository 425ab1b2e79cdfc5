"""Write the generated pages of the docs: `python -m memory_pipeline.reference [--check]`.

These are `reference.md`, the module map of `architecture.md` and the text of each notebook. What belongs
here: settings, commands, assets, tables, contracts, mappings and modules as Markdown. Their meaning is
written where they are defined; a description that is missing or wrong is corrected there.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory_pipeline.module_map import read_rooms
from memory_pipeline.notebooks import TWINS, twins

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import click

    from memory_pipeline.contracts.contract import Contract, Expectation
    from memory_pipeline.module_map import Module, Room
    from memory_pipeline.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference.md"
ARCHITECTURE = PAGE.with_name("architecture.md")
MAP_BEGINS = "<!-- module map: written by `python -m memory_pipeline.reference` -->\n"
MAP_ENDS = "<!-- end of the module map -->\n"
PROGRAM = "memory-pipeline"
_INTRODUCTION = """\
# Reference

Written by `python -m memory_pipeline.reference` from the code, the data contracts and the mappings.
Change the descriptions there.

[Settings](#settings) · [Commands](#commands) · [Assets](#assets) · [Tables](#tables) · \
[Data contracts](#data-contracts) · [Mappings](#mappings)
"""
_ABOUT_SETTINGS = """\
## Settings

Environment variables, or lines of `MEMORY_HOME/settings.toml` (`min_units = 7`), which
`memory-pipeline config set` writes; the environment wins. They apply to every command, for the notebook and
for the Dagster UI that a command starts; a value out of range stops the command with a message that names it.

"""
_ABOUT_COMMANDS = """\
## Commands

Data goes to standard output; progress and messages go to standard error. The exit code is 0 only when the
command succeeded; 1 means that it failed, 2 that it was called wrongly, 130 that it was stopped.
Every command takes `--help`.
"""
_ABOUT_CONTRACTS = """\
## Data contracts

One file per table or frame under `data_contracts/`; each rule is an asset check. A *critical* rule that does
not hold stops everything downstream, a *warning* is shown.
"""


def reference_page() -> str:
    """Return the page as Markdown; it depends on the code alone, not on the environment."""
    sections = (_settings, _commands, _assets, _tables, _contracts, _mappings)
    return _INTRODUCTION + "".join(f"\n{section()}" for section in sections)


def architecture_page() -> str:
    """Return the architecture page with its module map written anew.

    Raises
    ------
    ValueError
        Where the page lacks the two comments that the map stands between.
    """
    page = ARCHITECTURE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(MAP_BEGINS)
    _, end, after = rest.partition(MAP_ENDS)
    if not (begin and end):
        msg = f"{ARCHITECTURE} has no place for the module map: put {MAP_BEGINS!r} and {MAP_ENDS!r} there"
        raise ValueError(msg)
    return f"{before}{begin}\n{_module_map()}\n{end}{after}"


def command_tree() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield every command and group with its full name and a context, parents first."""
    import click  # noqa: PLC0415

    from memory_pipeline.cli import cli  # noqa: PLC0415

    def walk(command: click.Command, context: click.Context) -> Iterator[Any]:
        yield context.command_path, command, context
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                if child is not None:
                    yield from walk(child, click.Context(child, parent=context, info_name=name))

    yield from walk(cli, click.Context(cli, info_name=PROGRAM))


def _default_settings() -> Settings:
    """Return the settings of an empty environment."""
    from memory_pipeline.settings import Settings  # noqa: PLC0415 - needs pydantic

    return Settings.model_construct()


def _settings() -> str:
    from memory_pipeline.settings import Settings, variable_of  # noqa: PLC0415

    rows = [
        (
            f"`{variable_of(name)}`",
            "unset" if field.default is None else f"`{field.default}`",
            ", ".join(_limit(one) for one in field.metadata) or "",
            field.description,
        )
        for name, field in Settings.model_fields.items()
    ]
    return _ABOUT_SETTINGS + _table(("variable", "default", "range", "meaning"), rows)


_SIGNS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def _limit(bound: Any) -> str:
    return ", ".join(f"{word} {getattr(bound, key)}" for key, word in _SIGNS.items() if hasattr(bound, key))


def _commands() -> str:
    parts = [_ABOUT_COMMANDS]
    for path, command, context in command_tree():
        usage = " ".join(command.collect_usage_pieces(context))
        parts.append(f"\n### {path}\n\n{inspect.cleandoc(command.help or '')}\n\n```\n{path} {usage}\n```\n")
        records = [one.get_help_record(context) for one in command.params]
        rows = [(f"`{name}`", text) for name, text in filter(None, records)]
        if rows:
            parts.append("\n" + _table(("option", "meaning"), rows))
    return "".join(parts)


def _assets() -> str:
    from memory_pipeline.pipeline.build import build_definitions  # noqa: PLC0415 - imports Dagster

    definitions = build_definitions(settings=_default_settings())
    graph = definitions.resolve_asset_graph()
    parts = ["## Assets\n\nThe graph that a rebuild runs, as the Dagster UI shows it.\n\n"]
    order = [key for level in graph.toposorted_asset_keys_by_level for key in sorted(level)]
    rows = [
        (
            f"[`{key.to_user_string()}`](#asset-{_anchor(key.to_user_string())})",
            graph.get(key).group_name,
            ", ".join(f"`{one.to_user_string()}`" for one in sorted(graph.get(key).parent_keys)),
        )
        for key in order
    ]
    parts.append(_table(("asset", "group", "made from"), rows))
    for key in order:
        description = inspect.cleandoc(graph.get(key).description or "")
        parts.append(f"\n### Asset {key.to_user_string()}\n\n{description}\n")
    parts.append("\n### Jobs, schedules and sensors\n\n")
    repository = definitions.get_repository_def()
    automatic = [
        ("job", one.name, one.description)
        for one in repository.get_all_jobs()
        if not one.name.startswith("__")
    ]
    automatic += [("schedule", one.name, one.description) for one in repository.schedule_defs]
    automatic += [("sensor", one.name, one.description) for one in repository.sensor_defs]
    parts.append(_table(("kind", "name", "what it does"), [(a, f"`{b}`", c) for a, b, c in automatic]))
    return "".join(parts)


def _tables() -> str:
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415

    from memory_pipeline.contracts.contract import load_contracts  # noqa: PLC0415
    from memory_pipeline.store.models import Base  # noqa: PLC0415

    make_dialect: Any = postgresql.dialect  # has no types
    dialect = make_dialect()
    meanings = {one.table: one.columns for one in load_contracts() if one.table is not None}
    parts = ["## Tables\n\nThe tables in PostgreSQL, besides Dagster's own.\n"]
    for mapper in sorted(Base.registry.mappers, key=lambda one: str(one.local_table)):
        name = str(mapper.local_table)
        table = Base.metadata.tables[name]
        parts.append(f"\n### Table {name}\n\n{inspect.cleandoc(mapper.class_.__doc__ or '')}\n\n")
        rows = []
        for column in table.columns:
            indexed = column.primary_key or any(column.name in one.columns for one in table.indexes)
            rows.append(
                (
                    f"`{column.name}`",
                    str(column.type.compile(dialect=dialect)).lower(),
                    "key" if column.primary_key else "indexed" if indexed else "",
                    "may be empty" if column.nullable else "",
                    meanings.get(name, {}).get(column.name, ""),
                )
            )
        has_meanings = name in meanings
        columns = ("column", "type", "index", "null", "meaning")
        shown = rows if has_meanings else [row[:-1] for row in rows]
        parts.append(_table(columns if has_meanings else columns[:-1], shown))
    return "".join(parts)


def _contracts() -> str:
    from memory_pipeline.contracts.contract import load_contracts  # noqa: PLC0415

    parts = [_ABOUT_CONTRACTS]
    for contract in load_contracts():
        parts.append(
            f"\n### Contract {contract.name}\n\n{contract.description} About {_place(contract)}.\n\n"
        )
        rows = [
            (f"`{one.id}`", one.severity, f"`{one.type}`", _arguments(one), one.description)
            for one in contract.expectations
        ]
        parts.append(_table(("rule", "severity", "expectation", "arguments", "why"), rows))
    return "".join(parts)


def _place(contract: Contract) -> str:
    if contract.table is not None:
        return f"the table `{contract.table}`"
    return f"the Parquet frame `{contract.frame or contract.name}`"


def _arguments(expectation: Expectation) -> str:
    return "; ".join(f"{name}: {_argument(value)}" for name, value in expectation.kwargs.items())


def _argument(value: Any) -> str:
    """Return an argument as text; a parameter as its setting, a row condition as a comparison."""
    if isinstance(value, dict) and "$PARAMETER" in value:
        name = value["$PARAMETER"]
        known = name in type(_default_settings()).model_fields
        return f"`MEMORY_{name.upper()}`" if known else name
    if isinstance(value, dict) and value.get("type") == "comparison":
        return f"`{value['column']['name']} {value['operator']} {value['parameter']}`"
    if isinstance(value, list):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{value}`"


def _mappings() -> str:
    from memory_pipeline.ingest.mapping import available_mappings, load_mapping  # noqa: PLC0415

    parts = ["## Mappings\n\nShipped under `data_contracts/mappings/`; [how to write one](mappings.md).\n"]
    for name in sorted(available_mappings()):
        mapping = load_mapping(name)
        identity = " + ".join(f"`{one}`" for one in mapping.record_id) or "the content"
        parts.append(f"\n### Mapping {name}\n\n{mapping.description.strip()}\n\n")
        read = ", ".join(f"`{one}`" for one in mapping.columns_read)
        parts.append(
            f"- kind: {mapping.kind}\n- source: `{mapping.source or name}`\n"
            f"- a row is identified by: {identity}\n- reads: {read}\n"
        )
    return "".join(parts)


def _module_map() -> str:
    rooms = read_rooms()
    rows = [(_source(room.name, room.face), room.face.question, ", ".join(_imported(room))) for room in rooms]
    parts = [_table(("room", "question", "imports"), rows)]
    parts += [
        f"\n### {room.name}\n\n"
        + _table(("module", "question"), [(_source(one.name, one), one.question) for one in room.modules])
        for room in rooms
        if room.modules
    ]
    return "".join(parts)


def _source(name: str, module: Module) -> str:
    return f"[`{name}`](../memory_pipeline/{module.path})"


def _imported(room: Room) -> list[str]:
    """Return the rooms that a room imports; among the rooms of one package without the package's name."""
    package = f"{room.name.partition('.')[0]}."
    return [f"`{one.removeprefix(package)}`" for one in room.imports]


def _anchor(text: str) -> str:
    return text.lower().replace(" ", "-")


def _table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a Markdown table."""
    lines = [list(map(_cell, row)) for row in rows]
    names = list(header)
    body = [f"| {' | '.join(line)} |" for line in [names, ["---"] * len(names), *lines]]
    return "\n".join(body) + "\n"


def _cell(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split()).replace("|", "\\|")


def main(arguments: list[str] | None = None) -> int:
    """Write the generated pages, or with `--check` report whether they are up to date.

    Returns
    -------
    int
        0 when the pages are, or now are, up to date; 1 when the check found a difference.
    """
    parser = argparse.ArgumentParser(
        description="Write docs/reference.md, the module map of docs/architecture.md and docs/notebook-text/."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where one differs")
    is_check = parser.parse_args(arguments).check
    if not ARCHITECTURE.is_file():
        sys.stderr.write(f"{ARCHITECTURE} is not there; run this in a checkout of the project\n")
        return 1
    pages = {PAGE: reference_page(), ARCHITECTURE: architecture_page(), **twins()}
    old = {
        page for page, text in pages.items() if not page.is_file() or page.read_text(encoding="utf-8") != text
    }
    for page in sorted(old):
        if is_check:
            sys.stderr.write(f"{page} is not up to date; run `python -m memory_pipeline.reference`\n")
        else:
            page.parent.mkdir(exist_ok=True)
            page.write_text(pages[page], encoding="utf-8")
    for page in sorted({*TWINS.glob("*.md")} - {*pages}):  # of a notebook that is gone
        old.add(page)
        if is_check:
            sys.stderr.write(f"{page} has no notebook; run `python -m memory_pipeline.reference`\n")
        else:
            page.unlink()
    return 1 if is_check and old else 0


if __name__ == "__main__":
    sys.exit(main())
