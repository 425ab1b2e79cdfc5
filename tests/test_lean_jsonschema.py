"""Charts and contracts load without the grammar that nothing here uses."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "first", ["memory_pipeline.charts", "memory_pipeline.lean_jsonschema, great_expectations"]
)
def test_the_grammar_of_web_addresses_stays_unloaded(first: str) -> None:
    code = (
        f"import {first}, sys; assert 'jsonschema' in sys.modules; assert 'rfc3987_syntax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_the_grammar_can_still_be_imported_afterwards() -> None:
    code = "import memory_pipeline.lean_jsonschema, rfc3987_syntax; assert rfc3987_syntax.is_valid_syntax"
    subprocess.run([sys.executable, "-c", code], check=True)
