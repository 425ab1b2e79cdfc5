"""The mapping language: what is accepted, and that every mistake is named with its key."""

from __future__ import annotations

import pytest
import yaml

from memory_pipeline.ingest import IngestError, MappingError, ingest_records
from memory_pipeline.ingest.mapped_records import build_translator
from memory_pipeline.ingest.mapping import available_mappings, load_mapping

SMALL = {
    "name": "small",
    "description": "A small mapping.",
    "kind": "outcomes",
    "constants": {"outcome_status": "success"},
    "renames": {"application_name": "app", "occurred_at": "at"},
}
MEMBERS = {"name": "people", "description": "People.", "kind": "members", "sets": ["skills"]}


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "m.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("name", available_mappings())
def test_shipped_mappings_are_valid(name):
    mapping = load_mapping(name)

    assert mapping.name == name
    assert build_translator(mapping.kind, mapping).name == name
    assert mapping.source is not None


def test_shipped_mappings_are_these():
    assert list(available_mappings()) == [
        "chocolatey_au_package_days",
        "chocolatey_au_update_info",
        "chocolatey_log",
        "configmgr_appenforce_log",
        "configmgr_deployment_details",
        "dataverse_r_runs",
        "debian_reproducible",
        "github_actions_jobs",
        "github_actions_runs",
        "github_cli_runs",
        "intune_device_install_status",
        "intune_graph_device_statuses",
        "intune_ime_log",
        "koji_builds",
        "msi_verbose_log",
        "psadt_log",
        "rstudio_members",
        "winget_pull_requests",
    ]


WRONG = [
    ({"kind": "things"}, "the key `kind` is missing; write `kind: outcomes` or `kind: members`"),
    ({"colour": "red"}, "key `colour`: Extra inputs are not permitted"),
    ({"description": ""}, "key `description`: String should have at least 1 character"),
    ({"name": "Small One"}, r"key `name`: String should match pattern .*\(found Small One\)"),
    ({"timezone": "Mars/Olympus"}, "timezone 'Mars/Olympus' is unknown; write a name such as Europe/Zurich"),
    ({"columns": {"app": {"as": "txt"}}}, r"key `columns.app.as`: Input should be .*\(found txt\)"),
    (
        {"columns": {"other": {"as": "text"}}},
        "columns.other has a rule, but nothing reads it; use the column, or remove the rule",
    ),
    ({"columns": {"app": {"separator": ""}}}, "key `columns.app.separator`"),
    ({"ignore": ["app"]}, "renames.application_name reads the column 'app', which `ignore` names"),
    ({"constants": {"application_name": "x", "outcome_status": "success"}}, "in constants and in renames"),
    ({"constants": {}}, "the required field outcome_status is missing; add it to renames or constants"),
    ({"renames": {"application_name": "app"}}, "the required field occurred_at is missing"),
    ({"renames": {**SMALL["renames"], "app_type": "t"}}, "renames.app_type is not allowed"),
    ({"renames": {**SMALL["renames"], "feedback": "t"}}, "renames.feedback is not allowed"),
    (
        {"approach": ["installer_type"]},
        "approach.installer_type is the name of an outcome field; rename the key",
    ),
    ({"context": {"failure_reason": "r"}}, "context.failure_reason is the name of an outcome field"),
    ({"context": ["a"], "approach": {"a": "b"}}, "a is in approach and in context; keep one of them"),
    (
        {"context": ["a"], "value_maps": [{"column": "s", "values": {1: {"approach": {"a": 1}}}}]},
        "a is in approach and in context",
    ),
    (
        {"interventions": [{"kind": "retry"}]},
        "key `interventions.0`: write `kind` and `when`, or `column` alone",
    ),
    ({"interventions": [{"kind": "retry", "when": "a", "column": "b"}]}, "or `column` alone"),
    ({"interventions": [{"kind": "Some Kind", "when": "a"}]}, "key `interventions.0.kind`"),
    ({"unmapped": "drop"}, r"key `unmapped`: Input should be 'error', 'ignore' or 'context' \(found drop\)"),
    (
        {"value_maps": [{"column": "s", "values": {"x": {"outcome_status": "ok"}}}]},
        r"key `value_maps.0.values.x.outcome_status`: Input should be .*\(found ok\)$",
    ),
    (
        {"value_maps": [{"column": "s", "values": {"x": {"reason": "No Net"}}}]},
        r"key `value_maps.0.values.x.reason`: .*\(found No Net\)$",
    ),
    (
        {"value_maps": [{"column": "s", "values": {"x": "drop"}}]},
        r"key `value_maps.0.values.x`.*\(found drop\)$",
    ),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_mistakes_are_named(write, changes, message):
    with pytest.raises(MappingError, match=message):
        load_mapping(write({**SMALL, **changes}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"renames": {"skills": "s"}}, "renames.skills is not allowed; use sets"),
        ({"renames": {"nick": "s"}}, "renames.nick is not allowed; use is_visible, name, profile_text"),
        ({"approach": ["a"]}, "key `approach`: Extra inputs are not permitted"),
        ({"unmapped": "context"}, "key `unmapped`"),
    ],
)
def test_mistakes_in_member_mappings_are_named(write, changes, message):
    with pytest.raises(MappingError, match=message):
        load_mapping(write({**MEMBERS, **changes}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("kind: outcomes\nname: [", "line 2: .*; correct the YAML"),
        ("kind: outcomes\nkind: members\n", 'line 2: found duplicate key "kind"'),
        ("- a\n- b\n", "the key `kind` is missing"),
        ("a: \x01\n", "cannot be read as YAML in UTF-8"),
    ],
)
def test_broken_yaml_is_named(write, content, message):
    with pytest.raises(MappingError, match=message):
        load_mapping(write(content))


def test_an_unknown_mapping_is_answered_with_the_known_ones():
    with pytest.raises(
        MappingError, match=r"'intun'; .* one of these names: chocolatey_au_package_days, choco"
    ):
        load_mapping("intun")


def test_yes_and_no_stay_texts(write):
    text = (
        yaml.safe_dump(SMALL)
        + "value_maps: [{column: s, values: {yes: {}, on: {}, true: {}, 3010: {}, 12:30: {}, 010: {}}}]\n"
    )
    mapping = load_mapping(write(text))

    assert list(mapping.value_maps[0].values) == ["yes", "on", True, 3010, "12:30", 10]


def test_a_key_that_is_no_code_is_named(store, write):
    columns = {"c": {"as": "code"}}
    with_key = {**SMALL, "columns": columns, "value_maps": [{"column": "c", "values": {"x1": {}}}]}
    with pytest.raises(
        MappingError, match="value_maps of c: the key x1: c is not an exit code; write a whole number"
    ):
        ingest_records(store, "outcomes", [], mapping=write(with_key))

    with_values = {**SMALL, "columns": {"c": {"as": "code", "values": {"x1": 1}}}, "context": ["c"]}
    with pytest.raises(MappingError, match=r"columns\.c: the default or key x1: c is not an exit code"):
        ingest_records(store, "outcomes", [], mapping=write(with_values))


def test_a_mapping_for_the_other_kind_is_refused(store):
    with pytest.raises(
        IngestError, match="rstudio_members reads members, not outcomes; use `ingest members`"
    ):
        ingest_records(store, "outcomes", [], mapping="rstudio_members")
