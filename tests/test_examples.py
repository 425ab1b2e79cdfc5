"""The examples in docstrings say what the code says; those of a memory are run on a rebuilt one."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    ".".join(path.relative_to(PROJECT).with_suffix("").parts)
    for path in (PROJECT / "memory_pipeline").rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
NEED_A_MEMORY = {"memory_pipeline.memory"}


def test_modules_with_examples_are_found():
    assert {*NEED_A_MEMORY, "memory_pipeline.settings", "memory_pipeline.analysis.text"} <= set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_hold(module, request, monkeypatch):
    if module in NEED_A_MEMORY:
        rebuilt = request.getfixturevalue("rebuilt")
        monkeypatch.setenv("MEMORY_HOME", str(rebuilt.home))
        monkeypatch.setenv("MEMORY_DATABASE_URL", rebuilt.database_url.get_secret_value())
    found = [one for one in doctest.DocTestFinder().find(import_module(module)) if one.examples]
    assert found
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    said: list[str] = []
    for one in found:
        assert not any(doctest.SKIP in example.options for example in one.examples)
        runner.run(one, out=said.append)
    assert said == []
