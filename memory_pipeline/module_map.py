"""Read what the packages and modules of this project are for and what they import, from their source.

What belongs here: reading the tree by its syntax; nothing of it is imported. The page is laid out in
`reference`. Migrations are left out: each is a step of the schema's history and answers no question.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PACKAGE = Path(__file__).resolve().parent
DIVIDED = "analysis"
"""The package whose parts are rooms of their own, with an order of imports among them."""
_LEFT_OUT = "migrations"


@dataclass(frozen=True)
class Module:
    """One file of the tree.

    Attributes
    ----------
    path
        Relative to the package, with `/` between its parts.
    room
        Name of the room that it belongs to.
    name
        Dotted, within its room; empty where the file stands for the whole room.
    question
        First line of its docstring.
    imports
        Rooms that it imports anywhere, also for types alone; its own is left out.
    """

    path: str
    room: str
    name: str
    question: str
    imports: frozenset[str]


@dataclass(frozen=True)
class Room:
    """A package or a top-level module, or a part of `analysis`.

    Attributes
    ----------
    face
        The file that stands for it: the module itself, or the package's `__init__.py`.
    imports
        Names of the rooms that its modules import, sorted. `analysis` stands for all of its rooms, except
        among these rooms themselves.
    modules
        The others of its modules, in the order of their names.
    """

    face: Module
    imports: tuple[str, ...]
    modules: tuple[Module, ...]

    @property
    def name(self) -> str:
        """Dotted name below the package; the package's own name where it is its `__init__.py`."""
        return self.face.room


def read_rooms(package: Path = PACKAGE) -> list[Room]:
    """Read all rooms, ordered so that each imports only rooms before it.

    Parameters
    ----------
    package
        Folder of the package.

    Raises
    ------
    ValueError
        Where a module has no docstring, or a package no `__init__.py`.
    graphlib.CycleError
        Where rooms import each other in a circle.
    """
    by_room: dict[str, list[Module]] = {}
    for module in _read_modules(package):
        by_room.setdefault(module.room, []).append(module)
    rooms = {}
    for name, modules in by_room.items():
        faces = [one for one in modules if not one.name]
        if not faces:
            msg = f"{package.name}.{name} has no __init__.py; add one whose docstring says what it is for"
            raise ValueError(msg)
        imports = set().union(*(one.imports for one in modules))
        if not _is_divided(name):
            imports = {_outermost(one) for one in imports} - {name}
        others = sorted((one for one in modules if one.name), key=lambda one: one.name)
        rooms[name] = Room(face=faces[0], imports=tuple(sorted(imports)), modules=tuple(others))
    outer = _levels({name: room.imports for name, room in rooms.items() if not _is_inner(name)})
    inner = _levels({name: room.imports for name, room in rooms.items() if _is_inner(name)})
    return sorted(
        rooms.values(),
        key=lambda one: (
            outer[_outermost(one.name)],
            _outermost(one.name),
            inner.get(one.name, -1),
            one.name,
        ),
    )


def _read_modules(package: Path) -> Iterator[Module]:
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if _LEFT_OUT in parts:
            continue
        dotted = parts[:-1] if parts[-1] == "__init__" else parts
        room, name = _split(dotted, package.name)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstring = ast.get_docstring(tree)
        if not docstring:
            msg = f"{path} has no docstring; add one whose first line says what the module is for"
            raise ValueError(msg)
        imported = {_split(one, package.name)[0] for one in _imported(tree, package)}
        yield Module(
            path=path.relative_to(package).as_posix(),
            room=room,
            name=name,
            question=docstring.splitlines()[0],
            imports=frozenset(imported - {room}),
        )


def _imported(tree: ast.Module, package: Path) -> Iterator[tuple[str, ...]]:
    """Yield the imported modules of the package, as their dotted parts below it."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            first, *below = name.split(".")
            if first == package.name:
                while below and not _is_module(package.joinpath(*below)):
                    below.pop()
                yield tuple(below)


def _is_module(path: Path) -> bool:
    return path.is_dir() or path.with_suffix(".py").is_file()


def _split(parts: tuple[str, ...], package: str) -> tuple[str, str]:
    """Return the room of a module, and its name within the room."""
    if not parts:
        return package, ""
    depth = 2 if parts[0] == DIVIDED else 1
    return ".".join(parts[:depth]), ".".join(parts[depth:])


def _is_inner(room: str) -> bool:
    return room.startswith(f"{DIVIDED}.")


def _is_divided(room: str) -> bool:
    return room == DIVIDED or _is_inner(room)


def _outermost(room: str) -> str:
    return room.partition(".")[0]


def _levels(imports: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Return the level of each room: 0 where it imports no other, else above all that it imports."""
    sorter = TopologicalSorter({name: set(others) & set(imports) for name, others in imports.items()})
    sorter.prepare()
    levels: dict[str, int] = {}
    level = 0
    while sorter.is_active():
        ready = sorter.get_ready()
        levels |= dict.fromkeys(ready, level)
        sorter.done(*ready)
        level += 1
    return levels
