"""Collapsed counts: nothing is lost, and the attempts' order does not matter."""

import numpy as np
import pandas as pd
from made_worlds import UNIT, cells_of, packaging_world

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.evidence.grouped_counts import combined_key
from memory_pipeline.analysis.features import encode
from memory_pipeline.analysis.features.outcomes import is_success, outcome_labels
from memory_pipeline.analysis.names import OUTCOME


def test_counts_add_up_and_say_what_the_attempts_say():
    outcomes = packaging_world(1, attempts=500).outcomes
    cells = cells_of(outcomes)
    assert cells.n.sum() == 500
    assert cells.k.sum() == (outcomes["outcome_status"] == "success").sum()
    here = cells.is_at("installer_type", "exe") & cells.is_at("wrapper", "yes")
    there = (outcomes["installer_type"] == "exe") & outcomes["wrapper"]
    assert cells.n[here].sum() == there.sum()
    assert cells.units_where(here) == outcomes.loc[there, UNIT].nunique()
    assert cells.n_units == outcomes[UNIT].nunique()
    assert (
        cells.codes[cells.cell_of, 0]
        == encode(outcomes, ["installer_type"]).frame["installer_type"].cat.codes
    ).all()


def test_order_of_attempts_changes_nothing():
    outcomes = packaging_world(2, attempts=300).outcomes
    one, other = cells_of(outcomes), cells_of(outcomes.sample(frac=1, random_state=0))
    for name in ("codes", "unit", "n", "k"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_where_names_the_cells_that_have_all_settings():
    cells = cells_of(packaging_world(1, attempts=500).outcomes)
    exe, wrapped = cells.is_at("installer_type", "exe"), cells.is_at("wrapper", "yes")
    assert 0 < (exe & wrapped).sum() < exe.sum()
    assert np.array_equal(cells.where({"installer_type": "exe", "wrapper": "yes"}), exe & wrapped)
    assert np.array_equal(cells.where((("installer_type", "exe"),)), exe)
    assert cells.where({}).all()
    assert not cells.where({"installer_type": "never seen"}).any()


def test_parts_keep_what_belongs_to_each_cell():
    cells = cells_of(packaging_world(1, attempts=500).outcomes)
    rows = np.array([7, 2])
    part = cells.take(rows)
    assert (part.n.tolist(), part.k.tolist()) == (cells.n[rows].tolist(), cells.k[rows].tolist())
    assert part.unit.tolist() == cells.unit[rows].tolist()
    fewer = cells.select(["wrapper", "team"])
    assert (fewer.columns, fewer.sizes) == (("wrapper", "team"), (2, 2))
    for column in fewer.columns:
        assert np.array_equal(fewer.codes_of(column), cells.codes_of(column))
    more = fewer.with_column("half", ("first", "second"), np.arange(len(cells)) % 2)
    assert np.array_equal(np.flatnonzero(more.is_at("half", "second")), np.arange(1, len(cells), 2))
    assert sorted(np.concatenate(cells.rows_by_unit()).tolist()) == list(range(len(cells)))


def test_evidence_is_grouped_into_the_counts_of_its_attempts():
    outcomes = packaging_world(3, attempts=400).outcomes
    columns = ["installer_type", "team", "wrapper"]
    encoded = encode(outcomes, columns).frame
    frame = encoded.assign(**{OUTCOME: outcome_labels(outcomes, "success"), UNIT: outcomes[UNIT]})
    evidence = count_evidence(frame, conditions=columns, outcome=OUTCOME, unit=UNIT)
    by_rows, by_attempts = evidence.grouped("success"), cells_of(outcomes, columns)
    assert (by_rows.n.sum(), by_rows.k.sum()) == (by_attempts.n.sum(), by_attempts.k.sum())
    assert by_rows.n_units == by_attempts.n_units
    setting = {"team": "legacy", "wrapper": "no"}
    assert np.array_equal(by_rows.where(setting), evidence.rows_with(setting))
    for counts in ("n", "k"):
        both = [getattr(one, counts)[one.where(setting)].sum() for one in (by_rows, by_attempts)]
        assert both[0] == both[1] > 0
    assert not evidence.rows_with({"colour": "red"}).any()
    assert np.array_equal(evidence.hits("success"), by_rows.k)
    assert evidence.hits("failure").sum() == (outcomes["outcome_status"] == "failure").sum()


def test_partial_success_is_no_success():
    assert is_success(pd.DataFrame({"outcome_status": ["success", "partial", "failure"]})).tolist() == [
        True,
        False,
        False,
    ]


def test_combined_key_keeps_rows_apart_beyond_64_bits():
    random = np.random.default_rng(0)
    codes = [random.integers(0, 2**21, 200) for _ in range(5)]
    codes = [np.concatenate([c, c[:50]]) for c in codes]
    keys = combined_key(codes)
    rows = np.column_stack(codes)
    assert len(np.unique(keys)) == len(np.unique(rows, axis=0))
    assert np.array_equal(keys[200:], keys[:50])
    by_key = rows[np.argsort(keys, kind="stable")]
    assert [tuple(r) for r in by_key] == sorted(tuple(r) for r in by_key)
