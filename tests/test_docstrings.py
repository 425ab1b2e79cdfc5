"""Docstrings begin with a plain verb: Return, Compute, Fit, never Say, Give or Tell."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "memory_pipeline"

QUAINT = frozenset(
    {
        "Ask",
        "Bring",
        "Deal",
        "Give",
        "Hold",
        "Lay",
        "Learn",
        "Let",
        "Look",
        "Put",
        "Say",
        "Stand",
        "Tell",
        "Weigh",
    }
)
"""Verbs whose meaning a reader has to guess; Return, Compute, Check, Raise and Build say what is done."""


def modules() -> list[str]:
    return [
        str(path.relative_to(PACKAGE))
        for path in sorted(PACKAGE.rglob("*.py"))
        if "migrations" not in path.parts
    ]


def docstrings(source: str) -> list[tuple[int, str]]:
    """Return line and text of all docstrings, those of attributes and constants among them."""
    return [
        (node.lineno, node.value.value.strip())
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and node.value.value.strip()
    ]


def quaint(source: str) -> list[tuple[int, str]]:
    """Return line and first line of the docstrings that begin with a quaint verb."""
    return [
        (line, text.splitlines()[0])
        for line, text in docstrings(source)
        if text.split(maxsplit=1)[0].strip(".,:;") in QUAINT
    ]


@pytest.mark.parametrize("module", modules())
def test_docstrings_begin_with_a_plain_verb(module: str) -> None:
    assert quaint((PACKAGE / module).read_text()) == []


def test_a_quaint_verb_is_seen() -> None:
    source = 'def f():\n    """Say whether it rains."""\n\n\ndef g():\n    """Return whether it rains."""\n'
    assert quaint(source) == [(2, "Say whether it rains.")]
