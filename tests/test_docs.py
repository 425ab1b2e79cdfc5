"""The docs match the code: the reference is current, links and module names exist, commands parse."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from memory_pipeline import reference
from memory_pipeline.cli import cli
from memory_pipeline.contracts.contract import load_contracts
from memory_pipeline.ingest.mapping import available_mappings
from memory_pipeline.pipeline.build import build_definitions
from memory_pipeline.settings import Settings, variable_of
from memory_pipeline.store.models import Base

PROJECT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`]+)`", re.MULTILINE | re.DOTALL)


def shown_lines():
    """Yield each line of code of each page, as (page, line)."""
    for page in PAGES:
        for match in CODE.finditer(page.read_text(encoding="utf-8")):
            block = match[1] or match[2]
            for line in block.replace("\\\n", " ").splitlines():
                yield page.name, line.strip()


def arguments_of(line):
    """Return the arguments of the `memory-pipeline` that a line runs; None where it runs none."""
    match = re.match(r"(?:\$ )?(?:\w+=\S+ )*(?:\.venv/bin/)?memory-pipeline(?= |$)(.*)", line)
    return None if match is None else shlex.split(match[1].replace("[", "").replace("]", ""), comments=True)


def parse(arguments):
    """Resolve a command line down to its last option, without running it; `--help` ends it."""
    command, context = cli, None
    name = reference.PROGRAM
    while arguments:
        try:
            context = command.make_context(name, list(arguments), parent=context)
        except click.exceptions.Exit:
            return
        if not isinstance(command, click.Group):
            return
        # click keeps what a group hands on apart from its own arguments.
        name, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])
    if not isinstance(command, click.Group):
        command.make_context(name, [], parent=context)


COMMANDS = sorted(
    {
        (page, " ".join(line.split()))
        for page, line in shown_lines()
        if page != "reference.md" and arguments_of(line) is not None
    }
)


@pytest.fixture(scope="module")
def page():
    return reference.PAGE.read_text(encoding="utf-8")


def test_the_reference_is_up_to_date(capsys):
    assert reference.main(["--check"]) == 0, capsys.readouterr().err


def test_the_environment_does_not_change_the_reference(monkeypatch):
    monkeypatch.setenv("MEMORY_UPDATE_INTERVAL", "7d")
    monkeypatch.setenv("MEMORY_HOME", "/elsewhere")
    assert reference.main(["--check"]) == 0


@pytest.fixture
def old_pages(monkeypatch, tmp_path):
    """Return two pages that are not up to date, in place of the project's own."""
    page, architecture = tmp_path / "reference.md", tmp_path / "architecture.md"
    page.write_text("old", encoding="utf-8")
    prose = f"# Before\n\n{reference.MAP_BEGINS}old\n{reference.MAP_ENDS}\n# After\n"
    architecture.write_text(prose, encoding="utf-8")
    monkeypatch.setattr(reference, "PAGE", page)
    monkeypatch.setattr(reference, "ARCHITECTURE", architecture)
    return page, architecture


def test_the_check_finds_a_difference_and_writes_nothing(old_pages, capsys):
    before = [page.read_text(encoding="utf-8") for page in old_pages]
    assert reference.main(["--check"]) == 1
    told = capsys.readouterr().err
    assert all(f"{page} is not up to date" in told for page in old_pages)
    assert "python -m memory_pipeline.reference" in told
    assert [page.read_text(encoding="utf-8") for page in old_pages] == before


def test_writing_brings_the_pages_up_to_date_and_keeps_the_prose(old_pages):
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
    text = old_pages[1].read_text(encoding="utf-8")
    assert text.startswith("# Before\n")
    assert text.endswith("\n# After\n")
    assert "old\n" not in text


def test_a_page_without_a_place_for_the_map_is_refused(old_pages):
    old_pages[1].write_text("# Architecture\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has no place for the module map"):
        reference.main([])
    assert old_pages[1].read_text(encoding="utf-8") == "# Architecture\n"


def test_outside_of_a_checkout_nothing_is_written(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(reference, "PAGE", tmp_path / "docs" / "reference.md")
    monkeypatch.setattr(reference, "ARCHITECTURE", tmp_path / "docs" / "architecture.md")
    assert reference.main([]) == 1
    assert "checkout" in capsys.readouterr().err


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_in_the_reference(page, field):
    assert f"| `{variable_of(field)}` |" in page


@pytest.mark.parametrize("group", ["", "ingest", "quarantine", "show"])
def test_every_command_is_in_the_reference(page, group):
    command = cli.get_command(click.Context(cli), group) if group else cli
    names = command.list_commands(click.Context(command))
    assert names
    absent = [
        name for name in names if f"### {' '.join(f'memory-pipeline {group} {name}'.split())}\n" not in page
    ]
    assert absent == []


def test_every_option_is_in_the_reference(page):
    options = {
        option
        for _, command, _ in reference.command_tree()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }
    assert {"--mapping", "--json", "--since"} <= options
    assert {option for option in options if f"`{option}" not in page} == set()


def test_every_asset_and_job_is_in_the_reference(page):
    definitions = build_definitions()
    names = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert {"packaging_outcomes", "member_patterns"} <= names
    assert {name for name in names if f"### Asset {name}\n" not in page} == set()
    repository = definitions.get_repository_def()
    automatic = [one.name for one in (*repository.schedule_defs, *repository.sensor_defs)]
    assert len(automatic) >= 2
    assert {name for name in automatic if f"`{name}`" not in page} == set()


def test_every_table_and_column_is_in_the_reference(page):
    for name, table in Base.metadata.tables.items():
        section = page.partition(f"### Table {name}\n")[2].partition("\n### ")[0]
        assert [column for column in table.columns if f"| `{column.name}` |" not in section] == []


def test_every_rule_and_mapping_is_in_the_reference(page):
    for contract in load_contracts():
        section = page.partition(f"### Contract {contract.name}\n")[2].partition("\n### ")[0]
        assert [one.id for one in contract.expectations if f"| `{one.id}` |" not in section] == []
    assert available_mappings()
    assert {name for name in available_mappings() if f"### Mapping {name}\n" not in page} == set()


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page):
    dead = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_every_named_source_file_is_there():
    named = {
        (page.name, path)
        for page in [*PAGES, PROJECT / "benchmarks" / "README.md"]
        for path in re.findall(
            r"\b((?:memory_pipeline|benchmarks|tests|notebooks)/[\w/]+\.(?:py|ipynb|md))",
            page.read_text("utf-8"),
        )
    }
    assert {("README.md", "benchmarks/power.py"), ("architecture.md", "tests/test_layout.py")} <= named
    assert {(page, path) for page, path in named if not (PROJECT / path).is_file()} == set()


def test_commands_are_found_in_the_pages():
    assert {"README.md", "tutorial.md", "troubleshooting.md"} <= {page for page, _ in COMMANDS}


@pytest.mark.parametrize(("where", "line"), COMMANDS, ids=lambda value: value)
def test_every_shown_command_parses(where, line):
    parse(arguments_of(line))


@pytest.mark.parametrize(
    "line",
    ["nonsense", "show nonsense", "show patterns --sort x", "ingest outcomes", "recommend --colour red"],
)
def test_a_wrong_command_does_not_parse(line):
    with pytest.raises(click.UsageError):
        parse(line.split())


MODULE = re.compile(r"(?:memory_pipeline|analysis)(?:\.\w+)+")
FILE = re.compile(r"(?:memory_pipeline|benchmarks|notebooks|tests|data_contracts|docs)/[\w./-]*\w")
ROOT = "memory_pipeline"


def named_things(pattern):
    """Return what a pattern finds in the code of each page, as (page, text)."""
    return {(page, name) for page, line in shown_lines() for name in pattern.findall(line)}


def exists(name):
    """Return whether a dotted name is a module, or something that a module has."""
    parts = name.split(".")
    path = PROJECT.joinpath(*([] if parts[0] == ROOT else [ROOT]), parts.pop(0))
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    if parts and (path / f"{parts[0]}.py").is_file():
        path /= f"{parts.pop(0)}.py"
    if not parts:
        return True
    source = path / "__init__.py" if path.is_dir() else path
    return re.search(rf"\b{parts[0]}\b", source.read_text(encoding="utf-8")) is not None


def test_every_named_module_exists():
    names = named_things(MODULE)
    assert {"memory_pipeline.memory", "memory_pipeline.agent"} <= {name for _, name in names}
    assert sorted((page, name) for page, name in names if not exists(name)) == []


@pytest.mark.parametrize("name", ["memory_pipeline.nope", "analysis.nope", "analysis.members.claims.Nope"])
def test_a_module_that_is_gone_is_noticed(name):
    assert not exists(name)


def test_every_named_file_exists():
    paths = named_things(FILE)
    assert any(path.startswith("memory_pipeline/analysis/") for _, path in paths)
    assert sorted((page, path) for page, path in paths if not (PROJECT / path).exists()) == []


def test_every_shown_make_target_is_there():
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = {name for _, line in shown_lines() for name in re.findall(r"^make ([a-z]+)", line)}
    assert {"demo", "dev", "notebook"} <= shown
    assert shown - targets == set()
