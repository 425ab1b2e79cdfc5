"""The house has rooms: imports run one way, there is no circle, and no module answers two questions."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = PROJECT / "memory_pipeline"

ROOMS = (
    ("arrays", "names"),
    ("text",),
    ("spellings",),
    ("compute",),
    ("stats", "features"),
    ("evidence",),
    ("models",),
    ("patterns", "factors"),
    ("recommendations",),
    ("learning", "alerts"),
)
"""The rooms of `analysis`, from the ground up: one imports only what stands in an earlier row."""
MEMBERS_MAY_IMPORT = {"arrays", "names", "text", "spellings", "compute", "stats"}
LONG_BY_NATURE: frozenset[str] = frozenset()
"""Modules whose length has a stated reason; migrations are left out too."""
MOST_LINES = 400
ABOVE_THE_SERVICE = {"agent", "server", "client", "charts", "cli", "memory", "pipeline", "worlds"}
"""Parts that ask the service, or that it has no need of: it imports none of them."""
DOORS = {"cli", "memory", "reference", "server", "client"}
"""Parts that nothing but another door imports; `reference` describes the command line."""


def modules(root: Path = PACKAGE) -> dict[str, Path]:
    """Return the path of each module below a folder, by its dotted name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(PROJECT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports(name: str) -> frozenset[str]:
    """Return the modules of ours that a module imports anywhere, also for types alone."""
    known, found = modules(), set()
    for node in ast.walk(ast.parse(known[name].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("memory_pipeline"):
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                found.add(below if below in known else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in known}
    return frozenset(found - {name})


def room(name: str) -> str:
    """Return the room of a module of `analysis`."""
    return name.split(".")[2]


def analysis_modules() -> list[str]:
    return [name for name in modules() if name.startswith("memory_pipeline.analysis.")]


@pytest.mark.parametrize("name", analysis_modules())
def test_a_room_imports_only_rooms_below_it(name: str) -> None:
    floor = {one: level for level, row in enumerate(ROOMS) for one in row}
    for other in imports(name):
        assert other.startswith("memory_pipeline.analysis."), f"{name} imports {other}"
        if room(other) == room(name):
            continue
        if room(name) == "members":
            assert room(other) in MEMBERS_MAY_IMPORT, f"{name} imports {other}"
        else:
            assert floor[room(other)] < floor[room(name)], f"{name} imports {other}"


def part(name: str) -> str:
    """Return the part of the package that a module belongs to, such as `store`."""
    return name.split(".")[1] if "." in name else name


@pytest.mark.parametrize("name", [one for one in modules() if part(one) == "service"])
def test_the_service_imports_what_stands_below_it(name: str) -> None:
    above = {other for other in imports(name) if part(other) in ABOVE_THE_SERVICE}
    assert not above, f"{name} imports {sorted(above)}"


@pytest.mark.parametrize("name", [one for one in modules() if part(one) not in DOORS])
def test_only_a_door_imports_a_door(name: str) -> None:
    doors = {other for other in imports(name) if part(other) in DOORS}
    assert not doors, f"{name} imports {sorted(doors)}"


def test_every_room_has_its_place() -> None:
    known = {one for row in ROOMS for one in row} | {"members"}
    assert {room(name) for name in analysis_modules()} == known


def test_no_circle_of_imports() -> None:
    # The face of a package imports its modules; a module may import the face of another package.
    waiting = {name: set(imports(name)) for name in modules()}
    while free := [name for name, others in waiting.items() if not others & set(waiting)]:
        for name in free:
            del waiting[name]
    assert not waiting, {name: sorted(others & set(waiting)) for name, others in waiting.items()}


def test_no_module_outgrows_its_question() -> None:
    long = {
        str(path.relative_to(PACKAGE)): lines
        for path in modules().values()
        if (lines := len(path.read_text().splitlines())) > MOST_LINES
    }
    allowed = {path for path in long if path in LONG_BY_NATURE or "migrations" in path}
    assert set(long) == allowed, long


def test_faces_are_short() -> None:
    for path in PACKAGE.glob("analysis/**/__init__.py"):
        assert len(path.read_text().splitlines()) <= 20, path


def package(name: str) -> str:
    """Return the package of ours, or the module beside them, that a module belongs to."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports_dagster(path: Path) -> bool:
    """Return whether a module imports Dagster anywhere, also for types alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.split(".")[0] in {"dagster", "dagster_postgres"} for name in names):
            return True
    return False


MAY_IMPORT = {
    "contracts": {"contracts", "settings", "store", "lean_jsonschema"},
    "rebuild": {"rebuild", "contracts", "analysis", "store", "settings", "vocabulary"},
}
"""What the packages between the doors and the analysis import of ours."""


@pytest.mark.parametrize("own", MAY_IMPORT)
def test_contracts_and_rebuild_import_only_what_lies_below_them(own: str) -> None:
    inside = [name for name in modules() if package(name) == own]
    assert len(inside) > 3
    for name in inside:
        for other in imports(name):
            assert package(other) in MAY_IMPORT[own], f"{name} imports {other}"


def test_dagster_is_known_to_the_pipeline_alone() -> None:
    knowing = {package(name) for name, path in modules().items() if imports_dagster(path)}
    assert knowing == {"pipeline"}


def test_a_rebuild_and_its_contracts_load_neither_dagster_nor_pictures() -> None:
    names = [name for name in modules() if package(name) in {"rebuild", "contracts"}]
    code = (
        "import importlib, json, sys\n"
        f"for name in {names}:\n    importlib.import_module(name)\n"
        "print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert "numba" in loaded or "scipy" in loaded  # the steps themselves are among them
    assert loaded.isdisjoint({"dagster", "altair", "anthropic", "great_expectations"})
