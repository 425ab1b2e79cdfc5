"""The contexts that the recommendation table has a row for."""

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.recommendations.table import contexts_that_occur


def test_contexts_are_those_that_occur_the_most_frequent_first():
    frame = pd.DataFrame({"installer_type": ["msi", "exe", "exe"], "application_type": ["a", "b", "b"]})
    assert contexts_that_occur(frame) == [
        {"application_type": "b", "installer_type": "exe"},
        {"application_type": "a", "installer_type": "msi"},
    ]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_what_is_not_recorded_is_left_out(missing, dtype):
    kinds = pd.Series(["msi", "msi", missing], dtype=dtype)
    assert contexts_that_occur(kinds.to_frame("installer_type")) == [{"installer_type": "msi"}, {}]


def test_without_a_context_column_there_is_one_context():
    assert contexts_that_occur(pd.DataFrame({"team": ["modern", "legacy"]})) == [{}]
