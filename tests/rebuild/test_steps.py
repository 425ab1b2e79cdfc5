"""The order of the steps is stated once, and everything that runs them keeps to it."""

from __future__ import annotations

import re

import pytest

from memory_pipeline.contracts.contract import load_contracts
from memory_pipeline.pipeline.build import build_definitions
from memory_pipeline.rebuild.report import CheckFailure, warnings_of
from memory_pipeline.rebuild.run import _functions
from memory_pipeline.rebuild.steps import SOURCES, STEPS, step
from memory_pipeline.store.models import Base


def test_every_step_stands_after_what_it_reads() -> None:
    known = list(SOURCES)
    for one in STEPS:
        assert one.name not in known
        assert set(one.reads) <= set(known), one.name
        assert one.reads, one.name
        known.append(one.name)


def test_every_step_is_run_and_nothing_else() -> None:
    assert list(_functions()) == [*SOURCES, *(one.name for one in STEPS)]


def test_what_is_written_has_one_writer() -> None:
    for written in ([one.tables for one in STEPS], [one.frames for one in STEPS]):
        names = [name for group in written for name in group]
        assert len(set(names)) == len(names)
    assert {name for one in STEPS for name in one.tables} <= set(Base.metadata.tables)


def test_the_assets_of_the_rebuild_are_the_steps_and_declare_what_they_read() -> None:
    definitions = build_definitions()
    job = {
        key.to_user_string()
        for key in definitions.resolve_job_def("rebuild").asset_layer.executable_asset_keys
    }
    assert job == {*SOURCES, *(one.name for one in STEPS), "alerts"}  # it writes no finding
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    for one in STEPS:
        assert {dep.asset_key.to_user_string() for dep in specs[one.name].deps} == set(one.reads), one.name


def test_every_contract_but_that_of_the_paid_discovery_belongs_to_a_step() -> None:
    known = {*SOURCES, *(one.name for one in STEPS)}
    assert {one.name for one in load_contracts()} - known == {"discovery_runs"}


def test_an_unknown_step_is_named_with_those_there_are() -> None:
    assert step("outcome_features").reads == ("packaging_outcomes",)
    with pytest.raises(KeyError, match=re.escape("no step 'outcome'; there are ['outcome_features',")):
        step("outcome")


def test_what_an_empty_source_explains_is_said_once() -> None:
    def failed(contract: str, expectation: str = "has_rows", *, is_blocking: bool = False) -> CheckFailure:
        return CheckFailure(contract, expectation, "violated", "the table has 0", "why", is_blocking)

    members, features = failed("members"), failed("member_features")
    others = [failed("pattern_identifications"), failed("member_features", "labels_are_short")]
    assert warnings_of([members, features, failed("question_prompts"), *others]) == (members, *others)
    assert warnings_of([features, failed("label_merges")]) == (features, failed("label_merges"))
    assert warnings_of([failed("members", is_blocking=True), features]) == (features,)
