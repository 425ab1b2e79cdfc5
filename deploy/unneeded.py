"""Print the installed packages that neither this project nor its alerts need, one a line.

What belongs here: following the requirements of installed packages from `memory-pipeline[alerts]` on. The
lock also holds the tools of development and the notebooks, which have no place in an image.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution, distributions, requires
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

KEPT = ("memory-pipeline[alerts]",)


def needed(requirements: Iterable[str]) -> set[str]:
    """Return the canonical names of everything that installed packages need, themselves included.

    Raises
    ------
    PackageNotFoundError
        When one of `requirements` is not installed; further ones may be for another platform.
    """
    given = [Requirement(one) for one in requirements]
    for one in given:
        distribution(one.name)
    waiting = [(canonicalize_name(one.name), frozenset(one.extras)) for one in given]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        for line in _requirements(name):
            needs = Requirement(line)
            if needs.marker is None or any(
                needs.marker.evaluate({"extra": extra}) for extra in ("", *extras)
            ):
                waiting.append((canonicalize_name(needs.name), frozenset(needs.extras)))
    return {name for name, _ in seen}


def unneeded(requirements: Iterable[str] = KEPT) -> list[str]:
    """Return the canonical names of the installed packages that some requirements do not need, sorted."""
    installed = {canonicalize_name(one.metadata["Name"]) for one in distributions()}
    return sorted(installed - needed(requirements))


def _requirements(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


if __name__ == "__main__":
    print("\n".join(unneeded()))  # noqa: T201 - the list is the result
