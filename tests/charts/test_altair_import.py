"""Charts load without the grammar that takes longer than they do, and leave it to whoever wants it."""

from __future__ import annotations

import subprocess
import sys

CHARTS = """
import sys
import memory_pipeline.charts
assert "altair" in sys.modules
assert "rfc3987_syntax" not in sys.modules
import rfc3987_syntax
assert rfc3987_syntax.is_valid_syntax("iri", "https://example.org/")
"""
AFTER_OTHERS = """
import jsonschema, sys
loaded = sys.modules["rfc3987_syntax"]
import memory_pipeline.charts
assert sys.modules["rfc3987_syntax"] is loaded
"""


def test_charts_load_without_the_grammar_of_addresses():
    subprocess.run([sys.executable, "-c", CHARTS], check=True)


def test_what_others_loaded_before_stays():
    subprocess.run([sys.executable, "-c", AFTER_OTHERS], check=True)
