"""The module map of `docs/architecture.md` is the tree: every module once, and imports as the rules allow."""

from __future__ import annotations

import ast
import graphlib
import re
from collections import Counter

import pytest
from test_layout import MEMBERS_MAY_IMPORT, PACKAGE, PROJECT, ROOMS, modules

from memory_pipeline import reference
from memory_pipeline.module_map import read_rooms

FLOORS = (
    ("settings_file",),
    ("memory_pipeline", "settings", "analysis", "worlds", "module_map", "notebooks", "lean_jsonschema"),
    ("store", "charts", "configuration"),
    ("ingest", "contracts"),
    ("hook",),
    ("client",),
    ("vocabulary",),
    ("rebuild",),
    ("service",),
    ("memory", "administration"),
    ("agent",),
    ("pipeline",),
    ("server",),
    ("cli",),
    ("reference",),
)
"""The packages from the ground up: one imports only what stands in an earlier row."""
MAY_IMPORT = {"analysis": set(), "worlds": set(), "charts": {"analysis", "lean_jsonschema"}}
"""Packages that may import less than their row allows."""
LINK = re.compile(r"\[`([\w.]+)`\]\(\.\./(\S+)\)")


@pytest.fixture(scope="module")
def rows() -> list[list[str]]:
    """Return the cells of each row of the map that names a module: three for a room, two for the others."""
    page = reference.ARCHITECTURE.read_text(encoding="utf-8")
    text = page.partition(reference.MAP_BEGINS)[2].partition(reference.MAP_ENDS)[0]
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if LINK.search(line)]
    return [[cell.strip() for cell in line] for line in lines]


@pytest.fixture(scope="module")
def room_imports(rows) -> dict[str, set[str]]:
    """Return what each room imports, as the map has it."""
    found = {LINK.match(row[0])[1]: set(re.findall(r"`(\w+)`", row[2])) for row in rows if len(row) == 3}
    assert {"settings", "store", "analysis", "analysis.stats", "cli"} <= set(found)
    return found


def test_every_module_is_in_the_map_exactly_once_and_nothing_else_is(rows):
    named = Counter(LINK.match(row[0])[2] for row in rows)
    tree = {
        path.relative_to(PROJECT).as_posix()
        for path in modules().values()
        if "migrations" not in path.relative_to(PACKAGE).parts
    }
    assert set(named) == tree
    assert set(named.values()) == {1}


def test_the_question_of_a_module_is_the_first_line_of_its_docstring(rows):
    for row in rows:
        docstring = ast.get_docstring(
            ast.parse((PROJECT / LINK.match(row[0])[2]).read_text(encoding="utf-8"))
        )
        assert row[1].replace("\\|", "|") == " ".join(docstring.splitlines()[0].split())


def test_the_imports_of_a_package_keep_to_its_floor(room_imports):
    floor = {name: level for level, row in enumerate(FLOORS) for name in row}
    outer = {name: imports for name, imports in room_imports.items() if "." not in name}
    assert set(outer) <= set(floor)
    for name, imports in outer.items():
        below = {one for one in floor if floor[one] < floor[name]}
        assert imports <= MAY_IMPORT.get(name, below), name


def test_the_imports_of_a_room_of_the_analysis_keep_to_the_layout(room_imports):
    rooms = {name.removeprefix("analysis."): one for name, one in room_imports.items() if "." in name}
    assert set(rooms) == {one for row in ROOMS for one in row} | {"members"}
    below: set[str] = set()
    for row in ROOMS:
        for name in row:
            assert rooms[name] <= below, name
        below |= set(row)
    assert rooms["members"] <= MEMBERS_MAY_IMPORT


def made_tree(folder, files):
    """Write modules with a docstring and some further lines each."""
    for path, text in files.items():
        target = folder / "house" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder / "house"


def test_rooms_are_read_from_the_source(tmp_path):
    house = made_tree(
        tmp_path,
        {
            "__init__.py": '"""A house."""',
            "cellar/__init__.py": '"""What is kept."""',
            "cellar/wine.py": '"""Bottles.\n\nMore of them."""\nfrom house.cellar import apples',
            "cellar/apples.py": '"""Apples."""',
            "cellar/migrations/one.py": "",
            "attic.py": '"""What is old."""\nif 1:\n    from house import cellar\nimport house.analysis.sums',
            "analysis/__init__.py": '"""What is reckoned."""',
            "analysis/sums.py": '"""Sums."""',
            "analysis/means/__init__.py": '"""Means."""',
            "analysis/means/plain.py": '"""Plain means."""\nfrom house.analysis.sums import total',
        },
    )
    found = {room.name: room for room in read_rooms(house)}
    assert list(found) == ["analysis", "analysis.sums", "analysis.means", "cellar", "house", "attic"]
    assert found["attic"].imports == ("analysis", "cellar")
    assert found["analysis.means"].imports == ("analysis.sums",)
    assert [(one.name, one.question) for one in found["cellar"].modules] == [
        ("apples", "Apples."),
        ("wine", "Bottles."),
    ]


def test_a_circle_of_rooms_is_refused(tmp_path):
    house = made_tree(
        tmp_path,
        {
            "one.py": '"""One."""\nfrom house import two',
            "two.py": '"""Two."""\nfrom house.one import something',
        },
    )
    with pytest.raises(graphlib.CycleError):
        read_rooms(house)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"one.py": "x = 1"}, "one.py has no docstring"),
        ({"one/two.py": '"""Two."""'}, "house.one has no __init__.py"),
    ],
)
def test_a_module_that_does_not_say_what_it_is_for_is_refused(tmp_path, files, message):
    with pytest.raises(ValueError, match=message):
        read_rooms(made_tree(tmp_path, files))
