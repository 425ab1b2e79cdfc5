"""The version of code changes with any file that the code consists of, and lists name everything."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

import pytest

from memory_pipeline.rebuild import code_version as module
from memory_pipeline.rebuild import evidence, features, kept_measures
from memory_pipeline.rebuild.code_version import ROOT, code_version

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a sub-package, at which versions are taken."""
    below = tmp_path / "sample" / "below"
    below.mkdir(parents=True)
    for file, content in {
        "__init__": "",
        "one": "a = 1\n",
        "below/__init__": "",
        "below/two": "b = 2\n",
    }.items():
        (tmp_path / "sample" / f"{file}.py").write_text(content)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path / "sample"


def test_a_package_changes_with_each_of_its_files_at_any_depth(tree: Path) -> None:
    seen = {code_version("sample")}
    assert code_version("sample") in seen
    (tree / "below/two.py").write_text("b = 3\n")
    seen.add(code_version("sample"))
    (tree / "below/three.py").write_text("")
    seen.add(code_version("sample"))
    (tree / "below/three.py").rename(tree / "below/four.py")
    seen.add(code_version("sample"))
    (tree / "below/four.py").unlink()
    assert len(seen) == 4
    assert code_version("sample") in seen


def test_a_module_changes_with_its_own_file_only(tree: Path) -> None:
    before = code_version("sample.one")
    (tree / "below/two.py").write_text("b = 3\n")
    assert code_version("sample.one") == before
    (tree / "one.py").write_text("a = 2\n")
    assert code_version("sample.one") != before


def test_what_is_not_there_is_named(tree: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"no module 'sample\.three'"):
        code_version("sample.three")


@cache
def imported(name: str) -> frozenset[str]:
    """Modules of the analysis and the rebuild that a module imports when it runs, also indirectly."""
    file = ROOT.joinpath(*name.split("."))
    path = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    for_types = {
        one
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for one in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types or not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        if node.module.startswith(("memory_pipeline.analysis", "memory_pipeline.rebuild")):
            for alias in node.names:
                below = ROOT.joinpath(*node.module.split("."), alias.name)
                is_module = below.is_dir() or below.with_suffix(".py").is_file()
                found.add(f"{node.module}.{alias.name}" if is_module else node.module)
    return frozenset(found | {two for one in found - {name} for two in imported(one)})


NOT_OF_THE_CONTENT = {
    "memory_pipeline.rebuild.code_version",
    "memory_pipeline.rebuild.features",  # its version stands beside the features
    "memory_pipeline.rebuild.flat_outcomes",
    "memory_pipeline.rebuild.months",
    "memory_pipeline.rebuild.names",
    "memory_pipeline.rebuild.verification",  # what it writes is measured anew each time
    "memory_pipeline.rebuild.kept_measures",
}
"""Modules that something imports which is not decided by them."""


@pytest.mark.parametrize("maker", [features, evidence, kept_measures], ids=lambda one: one.__name__)
def test_the_list_of_what_made_it_names_every_module_that_it_rests_on(maker: object) -> None:
    listed: tuple[str, ...] = maker.MADE_BY  # type: ignore[attr-defined]
    start = "memory_pipeline.rebuild.measures" if maker is kept_measures else maker.__name__  # type: ignore[attr-defined]
    rests_on = imported(start) - (NOT_OF_THE_CONTENT - set(listed))
    assert len(rests_on) > 5
    missing = {one for one in rests_on if not any(f"{one}.".startswith(f"{name}.") for name in listed)}
    assert not missing


def test_every_listed_module_is_there() -> None:
    for maker in (features, evidence, kept_measures):
        assert len(code_version(*maker.MADE_BY)) == 16
