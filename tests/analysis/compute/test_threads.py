"""Linear algebra and shared loops on one thread, and as before afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: F401 - loads a library with threads
from threadpoolctl import threadpool_info, threadpool_limits

from memory_pipeline.analysis.compute.threads import on_one_thread, one_thread


def threads(kind):
    np.ones((2, 2)) @ np.ones((2, 2))
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == kind}


@pytest.mark.parametrize("kind", ["blas", "openmp"])
def test_every_library_is_held_to_one_thread_and_let_go(kind):
    with threadpool_limits(limits=2):
        before = threads(kind)
        assert before
        with one_thread():
            assert threads(kind) == {1}
        assert threads(kind) == before


def test_a_function_that_fails_lets_go_too():
    @on_one_thread
    def fail():
        raise ValueError(threads("blas"))

    with threadpool_limits(limits=2):
        before = threads("blas")
        with pytest.raises(ValueError, match=r"\{1\}"):
            fail()
        assert threads("blas") == before
