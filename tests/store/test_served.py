"""Served answers: each is logged once, with what it chose from."""

from __future__ import annotations

import numpy as np
import pytest

from memory_pipeline.store import reads
from memory_pipeline.store.models import ServedCandidates
from memory_pipeline.store.served import log_served, read_served

SERVED = {
    "context": {"installer_type": "msi"},
    "candidates": [{"p": np.float64(0.5)}],
    "recommended_approach": None,
    "propensity": 1.0,
    "policy_version": "v",
}


def test_a_served_answer_is_logged_under_its_id(store):
    (identity,) = log_served(store, [SERVED])
    found = read_served(store, identity)
    assert (found["id"], found["context"], found["candidates"], found["recommended_approach"]) == (
        identity,
        {"installer_type": "msi"},
        [{"p": 0.5}],
        None,
    )
    assert (found["withheld"], found["control_share"]) == (False, 0.0)
    with pytest.raises(KeyError, match="no answer was served under the id 'nothing'"):
        read_served(store, "nothing")


def test_answers_that_chose_from_the_same_candidates_share_them(store):
    ids = log_served(store, [SERVED, SERVED, SERVED | {"candidates": [{"p": 1}]}])
    assert [read_served(store, one)["candidates"] for one in ids] == [[{"p": 0.5}], [{"p": 0.5}], [{"p": 1}]]
    assert len(reads.read_table(store, ServedCandidates)) == 2
    assert log_served(store, []) == []
