"""Docstrings begin with a plain verb: Return, Compute, Fit, never Say, Give or Tell."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "memory_pipeline"

QUAINT = frozenset(
    {
        *(
            "Ask",
            "Bring",
            "Deal",
            "Give",
            "Hold",
            "Keep",
            "Lay",
            "Learn",
            "Let",
            "Look",
            "Make",
            "Name",
            "Pick",
        ),
        *("Put", "Refuse", "Say", "Stand", "Take", "Tell", "Turn", "Weigh"),
    }
)
"""Verbs whose meaning a reader has to guess; Return, Compute, Check, Raise and Build say what is done."""

PACKAGES_DONE = (
    *("agent", "worlds"),
    *(
        f"analysis/{room}"
        for room in ("compute", "evidence", "factors", "features", "members", "models", "patterns", "stats")
    ),
    *(f"analysis/{module}.py" for module in ("arrays", "names", "text")),
)
"""The packages that are held to the rule so far."""


def modules_done() -> list[str]:
    paths = [PACKAGE / place for place in PACKAGES_DONE]
    files = [file for path in paths for file in ([path] if path.suffix else sorted(path.rglob("*.py")))]
    return [str(file.relative_to(PACKAGE)) for file in files]


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


@pytest.mark.parametrize("module", modules_done())
def test_docstrings_begin_with_a_plain_verb(module: str) -> None:
    assert quaint((PACKAGE / module).read_text()) == []


def test_a_quaint_verb_is_seen() -> None:
    source = 'def f():\n    """Say whether it rains."""\n\n\ndef g():\n    """Return whether it rains."""\n'
    assert quaint(source) == [(2, "Say whether it rains.")]
