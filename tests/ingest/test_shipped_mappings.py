"""The shipped mappings: on files as Intune exports them, and on the real histories they were written for."""

from __future__ import annotations

import csv
import io

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from memory_pipeline.ingest import ingest_file

INTUNE_HEADER = [
    *("AppName", "Publisher", "AppVersion", "DeviceName", "UserPrincipalName", "Platform"),
    *("InstallState", "InstallStateDetail", "ErrorCode", "LastModifiedDateTime"),
]
TIME = "2026-03-01T08:21:33.0000000Z"
# device, state, detail, code, status (None: skipped), reason, metrics
INTUNE_ROWS = [
    ("PC-01", "installed", "noAdditionalDetails", "0", "success", None, None),
    ("PC-02", "Installed", "", "3010", "success", None, {"reboot_required": 1}),
    ("PC-03", "installed", "", "1641", "success", None, {"reboot_required": 1}),
    (
        "PC-04",
        "failed",
        "seeInstallErrorCode",
        "-2016345060",
        "failure",
        ("0x87D1041C", "not_detected_after_install"),
        None,
    ),
    ("PC-05", "failed", "", "0x87D1041C", "failure", ("0x87D1041C", "not_detected_after_install"), None),
    # -2147023293 is 0x80070643, the HRESULT of the Windows Installer's 1603.
    ("PC-06", "failed", "", "-2147023293", "failure", ("0x80070643", "fatal_error"), None),
    ("PC-07", "failed", "", "1618", "failure", ("1618", "another_installation_running"), None),
    ("PC-08", "failed", "", "-2016330000", "failure", ("0x87D13EF0", "other_error_code"), None),
    ("PC-09", "failed", "", "", "failure", (None, "unspecified"), None),
    ("PC-10", "uninstallFailed", "", "0", "failure", ("0", "uninstall_failed"), None),
    ("PC-11", "notInstalled", "", "0", None, None, None),
    ("PC-12", "pendingInstall", "", "", None, None, None),
    ("PC-13", "notApplicable", "", "0", None, None, None),
    ("PC-14", "unknown", "", "0", None, None, None),
]


@pytest.fixture(params=["utf-8", "utf-8-sig", "utf-16"])
def intune_csv(request, tmp_path):
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(INTUNE_HEADER)
    for device, state, detail, code, *_ in INTUNE_ROWS:
        user = f"anna.{device.lower()}@example.org"
        writer.writerow(["7-Zip", "Igor Pavlov", "26.00", device, user, "Windows", state, detail, code, TIME])
    writer.writerow(["7-Zip", "", "26.00", "PC-15", "", "Windows", "exploded", "", "0", TIME])
    path = tmp_path / "DeviceInstallStatus.csv"
    path.write_bytes(file.getvalue().encode(request.param))
    return path


def test_intune(store, rows, intune_csv):
    report = ingest_file(store, "outcomes", intune_csv, mapping="intune_device_install_status")
    again = ingest_file(store, "outcomes", intune_csv, mapping="intune_device_install_status")

    assert (report.read, report.new, report.skipped, report.quarantined) == (15, 10, 4, 1)
    assert (again.new, again.unchanged, again.skipped, again.already_quarantined) == (0, 10, 4, 1)
    found = sorted(
        (
            row["outcome_status"],
            str(row["failure_reasons"] and [(one["code"], one["reason"]) for one in row["failure_reasons"]]),
            str(row["performance_metrics"]),
        )
        for row in rows("packaging_outcomes")
    )
    assert found == sorted(
        (status, str(reason and [reason]), str(metrics))
        for *_, status, reason, metrics in INTUNE_ROWS
        if status
    )
    (row, *_) = rows("packaging_outcomes")
    assert row["application_name"] == "7-Zip"
    assert row["application_version"] == "26.00"
    assert row["application_vendor"] == "Igor Pavlov"
    assert row["context"] == {"platform": "Windows"}
    assert row["occurred_at"].isoformat() == "2026-03-01T08:21:33+00:00"
    (refused,) = report.problems
    assert (refused.field, refused.value) == ("AppInstallState", "exploded")


def test_intune_keeps_no_person_and_no_device(store, rows, intune_csv):
    ingest_file(store, "outcomes", intune_csv, mapping="intune_device_install_status")

    everything = str(
        [rows(table) for table in ("packaging_outcomes", "quarantined_records", "ingests")]
    ).lower()
    assert "pseudonym:" in everything
    assert [word for word in ("anna", "example.org", "pc-0", "pc-1") if word in everything] == []


CONDITIONS = """
select key, count(*)
from packaging_outcomes, jsonb_object_keys(context || approach_details) as key group by 1
"""


def counted(store, statement):
    with store.transaction() as connection:
        return {tuple(key): count for *key, count in connection.execute(text(statement))}


STATUSES = "select outcome_status, count(*) from packaging_outcomes group by 1"
REASONS = """
select one->>'reason', count(*)
from packaging_outcomes, jsonb_array_elements(failure_reasons) as one group by 1
"""


@pytest.fixture
def sample(shared_data, tmp_path):
    """Every eighth row of a real file, as a file and as a frame to compare with."""

    def take(name):
        table = pq.read_table(shared_data / name)
        part = table.take(list(range(0, table.num_rows, 8)))
        path = tmp_path / "part.parquet"
        pq.write_table(part, path)
        return path, part.to_pandas()

    return take


def test_chocolatey_au_package_days(store, sample):
    path, frame = sample("choco_unibas/package_days.parquet")
    report = ingest_file(store, "outcomes", path, mapping="chocolatey_au_package_days")

    assert (report.read, report.new, report.quarantined) == (len(frame), len(frame), 0)
    assert counted(store, STATUSES) == {(key,): n for key, n in frame["status"].value_counts().items()}
    assert counted(store, REASONS) == {(key,): n for key, n in frame["error_class"].value_counts().items()}
    edited = (
        'select count(*) from packaging_outcomes where manual_interventions @> \'[{"kind": "recipe_edit"}]\''
    )
    assert counted(store, edited) == {(): (frame["human_edits"] > 0).sum()}
    days = "select occurred_at at time zone 'UTC', count(*) from packaging_outcomes group by 1"
    assert counted(store, days) == {(key,): n for key, n in frame["day"].value_counts().items()}
    names = {name for (name,) in counted(store, CONDITIONS)}
    known_later = {
        "error_class",
        "error",
        "n_error",
        "n_runs",
        "n_ignored",
        "packaged_new_version",
        "push_failed",
    }
    known_later |= {"version", "remote_version", "au_version", "human_edits", "title"}
    assert names & known_later == set()
    recipe = set(frame) - known_later - {"repo", "day", "package", "status", "vendor", "installer_type"}
    assert names == recipe | {"repo"}


def test_dataverse_r_runs(store, sample):
    path, frame = sample("dataverse_r/runs.parquet")
    report = ingest_file(store, "outcomes", path, mapping="dataverse_r_runs")

    assert (report.read, report.new, report.quarantined) == (len(frame), len(frame), 0)
    statuses = frame["status"].replace("timeout", "failure").value_counts()
    assert counted(store, STATUSES) == {(key,): n for key, n in statuses.items()}
    assert counted(store, REASONS)["timeout",] == (frame["status"] == "timeout").sum()
    years = (
        "select (context->'has_publication_year')::bool, "
        "extract(year from occurred_at at time zone 'UTC')::int, count(*) "
        "from packaging_outcomes group by 1, 2"
    )
    expected = {(True, int(year)): n for year, n in frame["publication_year"].value_counts().items()}
    assert counted(store, years) == expected | {(False, 2018): frame["publication_year"].isna().sum()}


def test_rstudio_members(store, rows, shared_data):
    path = shared_data / "rstudio_members" / "members.parquet"
    report = ingest_file(store, "members", path, mapping="rstudio_members")
    again = ingest_file(store, "members", path, mapping="rstudio_members")

    assert (report.read, report.new, report.quarantined, again.unchanged) == (5_100, 5_100, 0, 5_100)
    first = rows("members")[0]
    assert (first["source_record_id"], first["skills"]) == ("r2018-0000", ["Excel", "SPSS"])
    assert first["attributes"]["role"] == "Researcher"
    assert "tools" in first["other_sets"]
