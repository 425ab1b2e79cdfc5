"""What the tests of the service share: a memory that was rebuilt, for reading only."""

from __future__ import annotations

import pytest

from memory_pipeline.memory import Memory


@pytest.fixture
def memory(rebuilt):
    with Memory.open(rebuilt) as opened:
        yield opened
