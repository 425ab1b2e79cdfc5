"""The glossary explains each term once, and the modules that it names are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PAGE = (PROJECT / "docs" / "glossary.md").read_text(encoding="utf-8")
ENTRY = re.compile(r"^- \*\*(.+?)\*\*(.*?)(?=^- \*\*|^## |\Z)", re.MULTILINE | re.DOTALL)
ENTRIES = [(match[1], match[2]) for match in ENTRY.finditer(PAGE)]
MODULE = re.compile(r"(?<=[( ])`((?:\w+\.)+\w+|settings|benchmarks/\w+\.py|data_contracts/)`(?=[);, ])")


def module_path(name: str) -> Path:
    """Return where a module or folder named in the glossary has to be."""
    if "/" in name:
        return PROJECT / name
    return PROJECT / "memory_pipeline" / f"{name.replace('.', '/')}.py"


def test_the_terms_are_explained_once():
    terms = [term.lower() for term, _ in ENTRIES]
    assert len(terms) > 60
    assert sorted(set(terms)) == sorted(terms)
    assert len(terms) == PAGE.count("\n- ")


@pytest.mark.parametrize(("term", "meaning"), ENTRIES, ids=[term for term, _ in ENTRIES])
def test_each_term_names_modules_that_exist(term: str, meaning: str):
    named = MODULE.findall(" ".join(meaning.split()))
    assert named, f"{term}: name the module that it comes from, such as (`analysis.stats.intervals`)"
    assert [name for name in named if not module_path(name).exists()] == []
