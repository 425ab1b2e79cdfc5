"""Two worlds: the one that the demo shows, and one large enough for narrow standard errors."""

from __future__ import annotations

import pytest

from memory_pipeline.worlds import Organisation, sample_organisation


@pytest.fixture(scope="session")
def sample() -> Organisation:
    return sample_organisation()


@pytest.fixture(scope="session")
def large() -> Organisation:
    """Few applications with many attempts each, so that strata hold both sides of every comparison."""
    return sample_organisation(seed=11, attempts=60_000, applications=32, vendors=12)
