"""Rules over several columns, and the shipped mappings of exports, on generated samples of each form."""

from __future__ import annotations

import csv
import io
import json

import pytest

from memory_pipeline.ingest import IngestError, MappingError, ingest_file
from memory_pipeline.ingest.mapping import OutcomeMapping
from memory_pipeline.ingest.trial import try_mapping


@pytest.fixture
def save(tmp_path):
    def save(content, name="a.json", encoding="utf-8"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding=encoding)
        return path

    return save


def told(trial):
    return [
        (
            one["outcome_status"],
            *[(reason["code"], reason["reason"]) for reason in one.get("failure_reasons") or []],
        )
        for one in trial.records
    ]


def rules(*value_maps, **keys):
    return OutcomeMapping.model_validate(
        {
            "name": "rules",
            "description": "Rules.",
            "kind": "outcomes",
            "constants": {"application_name": "a", "occurred_at": "2026-03-01T00:00:00Z"},
            "value_maps": list(value_maps),
            "unmapped": "ignore",
            **keys,
        }
    )


GOOD, BAD = {"outcome_status": "success"}, {"outcome_status": "failure", "reason": "broken"}


def test_a_list_is_compared_entry_by_entry(save):
    one = {"column": "labels", "values": {"done": GOOD, "failed": BAD, "draft": "skip"}, "missing": "skip"}
    rows = [["new", "Done"], ["failed", "done"], ["draft", "done"], [], ["new"], ["done", {"name": "x"}]]
    path = save([{"labels": labels} for labels in rows])
    trial = try_mapping(path, rules(one))

    assert told(trial) == [("success",), ("failure", (None, "broken"))]
    assert trial.skipped == 2
    assert [problem.row_number for problem in trial.problems] == [5, 6]
    assert "is not one of done, failed, draft" in trial.problems[0].reason
    assert "such as labels[*].name" in trial.problems[1].reason
    assert told(try_mapping(path, rules({**one, "otherwise": GOOD})))[-1] == ("success",)


def test_conditions_on_other_columns(save):
    first = {"column": "detail", "when": {"state": [3, "4"]}, "values": {"0x64": BAD}, "otherwise": {}}
    second = {"column": "state", "unless": {"detail": 100}, "values": {1: GOOD, 3: "skip"}, "otherwise": {}}
    cells = [(1, 0), (3, 100), (3, 0), (4, 100), (1, 100), (3, None)]
    path = save([{"state": state, "detail": detail} for state, detail in cells])
    trial = try_mapping(path, rules(first, second, columns={"detail": {"as": "code"}}))

    assert told(trial) == [("success",), ("failure", (None, "broken")), ("failure", (None, "broken"))]
    assert (trial.skipped, [problem.row_number for problem in trial.problems]) == (2, [5])
    with pytest.raises(MappingError, match="a condition of detail: the key x: detail is not an exit code"):
        try_mapping(path, rules({**first, "unless": {"detail": "x"}}, columns={"detail": {"as": "code"}}))


def test_another_column_where_one_is_empty(save):
    mapping = rules(
        {"column": "state", "values": {"ok": GOOD}},
        renames={"application_name": "name", "occurred_at": "started"},
        constants={},
        columns={
            "name": {"else": "title", "optional": True},
            "state": {"else": "result", "optional": True},
            "started": {"else": "created", "missing": ["0001-01-01T00:00:00Z"]},
        },
    )
    rows = [
        {"title": "T", "result": "ok", "started": "0001-01-01T00:00:00Z", "created": "2026-03-01T08:00:00Z"},
        {"name": "N", "title": "T", "state": "ok", "started": "2026-03-02T08:00:00Z", "created": "x"},
    ]
    first, *_ = try_mapping(save(rows[:1]), mapping).records
    assert (first["application_name"], first["occurred_at"]) == ("T", "2026-03-01T08:00:00+00:00")
    # The time that cannot be read is not needed where the other column has one.
    both = try_mapping(save(rows), mapping)
    assert not both.problems
    assert both.records[1]["occurred_at"] == "2026-03-02T08:00:00+00:00"
    with pytest.raises(ValueError, match=r"columns\.s\.else is the column itself"):
        rules(
            {"column": "s", "values": {}},
            columns={"s": {"else": "s"}},
            constants={"outcome_status": "success"},
        )


def test_values_for_a_whole_file(save, store, rows):
    columns = {"application_name": "app", "outcome_status": "state"}
    mapping = rules(
        renames=columns, constants={"occurred_at": "2026-03-01T00:00:00Z"}, record_id=["app", "n"]
    )
    path = save("n,state\n1,success\n2,lost\n", "a.csv")
    with pytest.raises(IngestError, match=r"missing: 'app'; .*--set COLUMN=VALUE"):
        try_mapping(path, mapping)
    for key in ("app", "application_name"):
        trial = try_mapping(path, mapping, given={key: "Ledger"})
        assert [(one["source_record_id"], one["application_name"]) for one in trial.records] == [
            ("Ledger|1", "Ledger")
        ]
    filled = save([{"n": 1, "state": "success", "app": "Own"}, {"n": 2, "state": "success", "app": None}])
    found = try_mapping(filled, mapping, given={"app": "Ledger"}).records
    assert [one["application_name"] for one in found] == ["Own", "Ledger"]
    with pytest.raises(MappingError, match="nothing reads 'application_nam', which was given"):
        try_mapping(path, mapping, given={"application_nam": "x"})

    assert ingest_file(store, "outcomes", path, mapping=mapping, given={"app": "Ledger"}).quarantined == 1
    assert rows("quarantined_records")[0]["record"]["app"] == "Ledger"


REPORT = [
    *(
        "DeviceId",
        "ApplicationId",
        "DeviceName",
        "UserPrincipalName",
        "UserName",
        "Platform",
        "AppVersion",
        "ErrorCode",
    ),
    *("InstallState", "InstallStateDetail", "LastModifiedDateTime", "HexErrorCode", "AppInstallState"),
    *("AppInstallState_loc", "AppInstallStateDetails", "AppInstallStateDetails_loc"),
]
PAGE = [
    *("DeviceName", "UserPrincipalName", "Platform", "AppVersion", "DeviceId", "LastModifiedDateTime"),
    *(
        "AppInstallState",
        "AppInstallState_loc",
        "AppInstallStateDetails",
        "AppInstallStateDetails_loc",
        "HexErrorCode",
    ),
]
# state, detail, signed code, hex code, what is told
STATES = [
    (1, 0, 0, "", ("success",)),
    (2, 0, -2016345060, "0x87D1041C", ("failure", ("0x87D1041C", "not_detected_after_install"))),
    (2, 0, -2147023293, "0x80070643", ("failure", ("0x80070643", "fatal_error"))),
    (2, 0, 0, "", ("failure", (None, "unspecified"))),
    (3, 0, 0, "", None),
    (3, 3000, 0, "", ("failure", (None, "missing_dependency"))),
    (4, 0, 1603, "0x643", ("failure", ("1603", "fatal_error"))),
    (5, 5001, 0, "", None),
    (-1, -1, 0, "", None),
    (99, 0, 0, "", None),
]


def intune_rows():
    for number, (state, detail, signed, hexadecimal, _) in enumerate(STATES):
        yield {
            "DeviceId": f"id{number}",
            "ApplicationId": "app1",
            "DeviceName": f"PC-{number}",
            "UserPrincipalName": f"kim{number}@example.org",
            "UserName": "Kim",
            "Platform": "Windows",
            "AppVersion": "7.10",
            "ErrorCode": signed,
            "InstallState": state,
            "InstallStateDetail": detail,
            "LastModifiedDateTime": f"2026-03-0{number % 9 + 1} 08:00:00.0000000",
            "HexErrorCode": hexadecimal,
            "AppInstallState": state,
            "AppInstallState_loc": "in some language",
            "AppInstallStateDetails": detail,
            "AppInstallStateDetails_loc": "said in some language" if signed else "",
        }


def as_csv(columns):
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(intune_rows())
    return "\ufeff" + file.getvalue()


def without_codes(found):
    """Leave out codes of 0, which one form has and the other has not."""
    return [
        (status, *[(None if code == "0" else code, reason) for code, reason in reasons])
        for status, *reasons in found
    ]


@pytest.mark.parametrize("form", ["report", "report without _loc", "page", "graph"])
def test_intune_in_every_form(save, form):
    if form == "graph":
        rows = [[row[key] for key in PAGE] for row in intune_rows()]
        path = save({"TotalRowCount": 10, "Schema": [{"Column": key} for key in PAGE], "Values": rows})
    else:
        columns = PAGE if form == "page" else [one for one in REPORT if form == "report" or "_loc" not in one]
        path = save(as_csv(columns), "a.csv")
    trial = try_mapping(path, "intune_device_install_status", given={"AppName": "Ledger"}, shown=20)

    assert (trial.skipped, trial.refused) == (4, 0)
    assert without_codes(told(trial)) == [said for *_, said in STATES if said is not None]
    assert {one["application_name"] for one in trial.records} == {"Ledger"}
    assert "kim" not in str(trial.records).lower()
    assert "PC-" not in str(trial.records)


def test_intune_statuses_of_graph(save):
    base = {
        "deviceName": "PC-1",
        "userName": "Kim",
        "lastSyncDateTime": "2026-03-01T08:00:00Z",
        "displayVersion": "7.10",
    }
    app = {"app": {"displayName": "Ledger", "publisher": "Acme"}}
    states = [("installed", 0), ("failed", -2016345060), ("notApplicable", 0)]
    rows = [{**base, "installState": state, "errorCode": code} for state, code in states]
    expanded = try_mapping(save({"value": [{**row, **app} for row in rows]}), "intune_graph_device_statuses")
    plain = try_mapping(save(rows), "intune_graph_device_statuses", given={"application_name": "Ledger"})

    for trial in (expanded, plain):
        assert told(trial) == [("success",), ("failure", ("0x87D1041C", "not_detected_after_install"))]
        assert (trial.skipped, trial.records[0]["application_name"]) == (1, "Ledger")
        assert "Kim" not in str(trial)
    assert expanded.records[0]["application_vendor"] == "Acme"


def run(number, conclusion, **changes):
    return {
        "id": number,
        "name": "package",
        "run_attempt": 1,
        "event": "push",
        "conclusion": conclusion,
        "run_started_at": "2026-03-01T08:00:00Z",
        "created_at": "2026-03-01T07:00:00Z",
        "repository": {"full_name": "acme/ledger"},
        "actor": {"login": "kim"},
        **changes,
    }


def test_github_runs_in_every_form(save):
    runs = [
        run(1, "success"),
        run(2, "failure", run_attempt=2),
        run(3, None),
        run(4, "cancelled"),
        run(5, "timed_out"),
    ]
    page = {"total_count": 5, "workflow_runs": runs}
    pages = [page, {"total_count": 5, "workflow_runs": [run(6, "success", name=None, path=".github/x.yml")]}]
    for content in (page, runs, pages, json.dumps(page) + json.dumps(pages[1])):
        trial = try_mapping(save(content), "github_actions_runs", shown=10)
        assert told(trial)[:3] == [
            ("success",),
            ("failure", (None, "build_failed")),
            ("failure", (None, "timeout")),
        ]
        assert trial.skipped == 2
        assert trial.records[0]["context"] == {"event": "push", "repository": "acme/ledger"}
        assert trial.records[1]["source_record_id"] == "2|2"
        assert "kim" not in str(trial)
    assert trial.records[-1]["application_name"] == ".github/x.yml"


def test_jobs_of_github_runs(save):
    def job(number, conclusion, **changes):
        named = {"name": f"package (app-{number})", "workflow_name": "matrix", "runner_name": "kim-laptop"}
        times = {"started_at": f"2026-03-01T08:0{number}:00Z", "completed_at": "2026-03-01T09:00:00Z"}
        return {"id": number, "run_id": 7, "run_attempt": 1, "conclusion": conclusion, **named, **times} | {
            "labels": ["windows-latest", "x64"],
            "steps": [{"name": "build", "conclusion": conclusion}],
            **changes,
        }

    page = {"total_count": 4, "jobs": [job(1, "success"), job(2, "failure", run_attempt=2), job(3, None)]}
    pages = [page, {"total_count": 4, "jobs": [job(4, "cancelled")]}]
    for content in (page, pages, json.dumps(page) + json.dumps(pages[1])):
        trial = try_mapping(save(content), "github_actions_jobs", shown=10)
        assert told(trial) == [("success",), ("failure", (None, "build_failed"))]
        assert trial.records[0]["application_name"] == "package (app-1)"
        assert trial.records[0]["context"] == {"workflow": "matrix", "runner": ["windows-latest", "x64"]}
        assert trial.records[1]["source_record_id"] == "2|2"
        assert trial.records[1]["occurred_at"] == "2026-03-01T08:02:00+00:00"
        assert "kim" not in str(trial)


def test_runs_of_the_github_tool(save):
    base = {
        "attempt": 1,
        "event": "push",
        "startedAt": "2026-03-01T08:00:00Z",
        "createdAt": "2026-03-01T07:00:00Z",
    }
    rows = [
        {**base, "databaseId": 1, "conclusion": "success", "workflowName": "build"},
        {**base, "databaseId": 2, "conclusion": "", "workflowName": "build"},
        {
            **base,
            "databaseId": 3,
            "conclusion": "startup_failure",
            "workflowName": "",
            "startedAt": "0001-01-01T00:00:00Z",
        },
    ]
    trial = try_mapping(save(rows), "github_cli_runs")

    assert told(trial) == [("success",), ("failure", (None, "startup_failure"))]
    assert trial.skipped == 1
    assert trial.records[1]["application_name"] == "unnamed workflow"
    assert trial.records[1]["occurred_at"] == "2026-03-01T07:00:00+00:00"


def test_winget_pull_requests(save):
    labels = [
        ["New-Manifest", "Azure-Pipeline-Passed", "Validation-Completed"],
        ["Validation-Completed", "Validation-Installation-Error"],
        ["New-Manifest", "Needs-Author-Feedback"],
        [],
        ["Error-Hash-Mismatch"],
    ]
    rows = [
        {
            "number": n,
            "title": "New version: A.B version 1.10" if n != 1 else "Fix A.B",
            "createdAt": "2026-03-01T08:00:00Z",
            "labels": [{"name": one} for one in these],
        }
        for n, these in enumerate(labels)
    ]
    trial = try_mapping(save(rows), "winget_pull_requests")

    assert trial.skipped == 2
    assert told(trial) == [
        ("success",),
        ("failure", (None, "installation_error")),
        ("failure", (None, "hash_mismatch")),
    ]
    names = [(one["application_name"], one.get("application_version")) for one in trial.records]
    assert names == [("A.B", "1.10"), ("Fix A.B", None), ("A.B", "1.10")]


def test_debian_and_koji(save):
    row = {"package": "ledger", "suite": "trixie", "architecture": "amd64", "version": "1:2.10-1"}
    rows = [
        {**row, "status": "reproducible", "build_date": "2026-03-01 08:15"},
        {**row, "status": "FTBR", "build_date": "2026-03-02 08:15"},
        {**row, "status": "blacklisted", "build_date": None},
    ]
    debian = try_mapping(save(rows), "debian_reproducible")
    assert (told(debian), debian.skipped) == ([("success",), ("failure", (None, "not_reproducible"))], 1)
    assert debian.records[0]["occurred_at"] == "2026-03-01T08:15:00+00:00"

    build = {
        "name": "ledger",
        "version": "2.10",
        "task_id": 7,
        "completion_ts": 1772352900.5,
        "owner_name": "kim",
    }
    builds = [{**build, "build_id": n, "state": n} for n in range(5)]
    koji = try_mapping(save(builds), "koji_builds")
    assert (told(koji), koji.skipped) == ([("success",), ("failure", (None, "build_failed"))], 3)
    assert koji.records[0]["application_version"] == "2.10"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_configmgr_deployments(save, encoding):
    lines = ['"AppName";"MachineName";"AppStatusType";"EnforcementState";"ErrorCode";"StartTime"']
    cells = [(1, 0), (1, 3010), (5, -2016410844), (5, 1603), (3, 0)]
    lines += [
        f'"Ledger";"PC-{n}";"{state}";"1";"{code}";"1{n}.03.2026 08:15:00"'
        for n, (state, code) in enumerate(cells)
    ]
    trial = try_mapping(save("\r\n".join(lines) + "\r\n", "a.csv", encoding), "configmgr_deployment_details")

    assert trial.skipped == 1
    assert told(trial) == [
        ("success",),
        ("success",),
        ("failure", ("0x87D00324", "not_detected_after_install")),
        ("failure", ("1603", "fatal_error")),
    ]
    assert trial.records[1]["performance_metrics"] == {"reboot_required": 1}
    assert "PC-" not in str(trial.records)
