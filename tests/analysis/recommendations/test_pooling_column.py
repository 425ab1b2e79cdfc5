"""The column that is pooled by: the one that tells most about which settings are chosen."""

import numpy as np
import pandas as pd
import pytest
from made_worlds import cells_of

from memory_pipeline.analysis.recommendations.pooling_column import choose_pooling_columns

SIZE = 1000


@pytest.fixture
def outcomes():
    random = np.random.default_rng(1)
    platform = random.choice(["linux", "windows"], SIZE)
    return pd.DataFrame(
        {
            "platform": platform,
            "team": random.choice(["red", "blue"], SIZE),
            "site": [f"site {number}" for number in random.integers(0, 30, SIZE)],
            "shell": np.where(random.random(SIZE) < 0.9, platform, "any"),
            "color": random.choice(["on", "off"], SIZE),
            "application_name": [f"app {number}" for number in random.integers(0, 50, SIZE)],
            "outcome_status": "success",
        }
    )


def chosen(outcomes, context, *, enough=30):
    cells = cells_of(outcomes, (*context, "shell", "color"))
    return choose_pooling_columns(cells, settings=["shell", "color"], context=context, enough=enough)


def test_the_column_that_decides_what_is_done_is_pooled_by(outcomes):
    assert chosen(outcomes, ("team", "platform", "site")) == ("platform",)
    assert chosen(outcomes.rename(columns={"platform": "site", "site": "platform"}), ("team", "site")) == (
        "site",
    )


def test_nothing_is_pooled_by_where_no_column_tells_anything(outcomes):
    assert chosen(outcomes, ("team",)) == ()
    assert chosen(outcomes, ()) == ()


def test_pools_have_to_be_large_enough(outcomes):
    assert chosen(outcomes, ("platform",), enough=800) == ()
