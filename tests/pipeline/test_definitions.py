"""The graph as a whole: what is in it, how it hangs together, and that loading it is quick."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from memory_pipeline.contracts.contract import load_contracts
from memory_pipeline.pipeline.build import build_definitions

PROJECT = Path(__file__).resolve().parents[2]
HEAVY = ("great_expectations", "mlxtend", "statsmodels", "sklearn", "scipy", "anthropic", "altair", "pandas")

# Snapshot: key, group, and what it is made from.
GRAPH = {
    "packaging_outcomes": ("ingest", set()),
    "members": ("ingest", set()),
    "outcome_features": ("features", {"packaging_outcomes"}),
    "member_features": ("features", {"members"}),
    "outcome_evidence": ("evidence", {"outcome_features"}),
    "pattern_identifications": ("patterns", {"outcome_features", "outcome_evidence"}),
    "condition_associations": ("patterns", {"outcome_evidence", "pattern_identifications"}),
    "outcome_predictability": ("patterns", {"outcome_evidence"}),
    "success_factors": ("factors", {"outcome_features", "outcome_evidence", "pattern_identifications"}),
    "approach_recommendations": (
        "recommendations",
        {"outcome_features", "outcome_evidence", "pattern_identifications", "success_factors"},
    ),
    "learning_measures": ("learning", {"outcome_features", "advice_verification"}),
    "advice_verification": ("learning", {"packaging_outcomes", "outcome_features"}),
    "name_merges": ("features", {"outcome_features"}),
    "label_merges": ("features", {"member_features"}),
    "member_candidates": ("members", {"member_features"}),
    "member_patterns": ("members", {"member_features", "member_candidates"}),
    "question_prompts": ("members", {"members", "member_patterns"}),
    "alerts": (
        "learning",
        {
            "pattern_identifications",
            "approach_recommendations",
            "advice_verification",
            "learning_measures",
            "question_prompts",
        },
    ),
    "discovery_runs": ("members", {"member_patterns"}),
}
PAID = {"discovery_runs"}
# Kinds that the UI has icons for.
ICONS = {"postgres", "parquet", "pandas", "numpy", "scipy", "scikitlearn", "python"}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions()


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_the_graph_is_the_documented_one(specs: dict[str, dg.AssetSpec]) -> None:
    found = {
        name: (spec.group_name, {dep.asset_key.to_user_string() for dep in spec.deps})
        for name, spec in specs.items()
    }
    assert found == GRAPH


def test_every_asset_explains_itself(specs: dict[str, dg.AssetSpec]) -> None:
    for name, spec in specs.items():
        assert spec.description is not None, name
        assert "**What it is for.**" in spec.description, name
        assert spec.owners == ["team:analysts"], name
        assert spec.kinds, name
        assert spec.kinds <= ICONS, name
        assert spec.code_version, name


def test_every_column_of_every_asset_is_described(specs: dict[str, dg.AssetSpec]) -> None:
    for name, spec in specs.items():
        schema = spec.metadata["dagster/column_schema"]
        assert isinstance(schema, dg.TableSchema), name
        assert schema.columns, name
        assert [column.name for column in schema.columns if not column.description] == [], name


def test_each_expectation_is_one_check_that_blocks_where_it_is_critical(definitions: dg.Definitions) -> None:
    found = {
        (spec.asset_key.to_user_string(), spec.name): spec.blocking
        for checks in definitions.asset_checks or ()
        for spec in checks.check_specs
    }
    wanted = {(one.name, rule.id): rule.is_critical for one in load_contracts() for rule in one.expectations}
    assert found == wanted


def test_the_rebuild_covers_every_asset_and_every_check_but_what_costs_money(
    definitions: dg.Definitions,
) -> None:
    layer = definitions.resolve_job_def("rebuild").asset_layer
    assert {key.to_user_string() for key in layer.executable_asset_keys} == set(GRAPH) - PAID
    free = [one for one in load_contracts() if one.name not in PAID]
    assert len(layer.asset_graph.asset_check_keys) == sum(len(one.expectations) for one in free)


def test_definitions_load_within_two_seconds_and_without_heavy_libraries() -> None:
    code = (
        "import json, sys, time\n"
        "import memory_pipeline.pipeline.definitions\n"
        "print(json.dumps({'modules': list(sys.modules), 'seconds': time.process_time()}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert [name for name in HEAVY if name in said["modules"]] == []
    assert said["seconds"] < 2  # of processor time, the interpreter's start included


@pytest.mark.parametrize(
    "command",
    [
        ["dagster", "definitions", "validate", "-w", "workspace.yaml"],
        ["dg", "check", "defs"],
    ],
    ids=lambda command: command[0],
)
def test_the_command_line_validates_the_definitions(command: list[str], tmp_path: Path) -> None:
    home = tmp_path / "dagster home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}")
    environment = {**os.environ, "DAGSTER_HOME": str(home), "MEMORY_HOME": str(tmp_path / "memory")}
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run(
        [str(program), *command[1:]],
        capture_output=True,
        text=True,
        env=environment,
        cwd=PROJECT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "memory").exists()  # nothing was opened


def test_a_setting_out_of_range_is_named_when_definitions_load() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import memory_pipeline.pipeline.definitions"],
        capture_output=True,
        text=True,
        env={**os.environ, "MEMORY_UPDATE_INTERVAL": "daily"},
        check=False,
    )
    assert done.returncode != 0
    assert "update_interval" in done.stderr
    assert "'daily'" in done.stderr
