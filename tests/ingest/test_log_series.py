"""Logs that are rotated or grow: files together in order, records over a seam, and no record twice."""

from __future__ import annotations

import pytest

from memory_pipeline.ingest import IngestError, ingest_file
from memory_pipeline.ingest.log_files import LogForm, open_log
from memory_pipeline.ingest.log_series import in_series, log_files_of
from memory_pipeline.ingest.mapping import OutcomeMapping

LINE = r"^(?P<time>\S+ \S+) \[(?P<job>\w+)\] (?P<message>.*)$"
FORM = LogForm(LINE, r"^begin (?P<app>.+)", r"^end (?P<code>\d+)", by="job")
MAPPING = OutcomeMapping.model_validate(
    {
        "name": "jobs",
        "description": "Jobs.",
        "kind": "outcomes",
        "source": "jobs",
        "timezone": "UTC",
        "record_id": ["job", "first_time"],
        "log": {"line": LINE, "start": FORM.start, "end": FORM.end, "by": "job"},
        "renames": {"application_name": "app", "occurred_at": "first_time"},
        "value_maps": [
            {"column": "has_end", "values": {"true": {}, "false": "skip"}},
            {
                "column": "code",
                "values": {0: {"outcome_status": "success"}},
                "otherwise": {"outcome_status": "failure", "reason": "other"},
                "missing": "skip",
            },
        ],
        "columns": {"code": {"as": "code", "optional": True}},
        "unmapped": "ignore",
    }
)
LINES = [
    "2026-03-01 10:00:00 [a] begin Viewer\n",
    "2026-03-01 10:00:05 [b] begin Editor\n",
    "2026-03-01 10:00:09 [b] end 1603\n",
    "2026-03-01 10:00:10 [b] begin Ledger\n",
    "2026-03-01 10:00:30 [a] end 0\n",
    "2026-03-01 10:00:31 [b] end 5\n",
]


@pytest.fixture
def write(tmp_path):
    """A function that writes files into one folder, and gives it."""

    def write(**texts):
        folder = tmp_path / "logs"
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return write


def found(path):
    with open_log(path, FORM) as file:
        records = [(one["app"], one.get("code"), one.get("seconds")) for one in file.read(None)]
        return records, file.notes, file.share()


@pytest.mark.parametrize(
    "names",
    [
        ["app.log.10", "app.log.2", "app.log.1", "app.log"],
        ["app.2.log", "app.1.log", "app.log"],
        ["app-20251231.log", "app-20260101.log", "app-20260101-083000.log", "app.log"],
        ["app.log-2025-12-31", "app.log.2026-01-01", "app.log"],
        ["App_2025-12-31_08-30.log", "App_2026-01-01_07-00.log", "App.log"],
        ["AppEnforce.lo_", "AppEnforce.log"],
    ],
)
def test_the_files_of_a_series_are_in_order(tmp_path, names):
    (series,) = in_series([tmp_path / name for name in reversed(names)])

    assert [path.name for path in series] == names


def test_other_names_are_other_series(tmp_path):
    names = ["Ledger_1.2.log", "Ledger_1.3.log", "Viewer.log", "Viewer.log.1"]
    series = in_series([tmp_path / name for name in names])

    assert [[path.name for path in files] for files in series] == [
        ["Ledger_1.2.log"],
        ["Ledger_1.3.log"],
        ["Viewer.log.1", "Viewer.log"],
    ]


@pytest.mark.parametrize("cuts", [(1, 3), (2, 4), (3, 5)])
@pytest.mark.parametrize("end", ["", "/app.log*", "/app.[l]og*"])
def test_records_over_a_seam_are_one(write, cuts, end):
    first, second = cuts
    parts = {
        "app.log.2": LINES[:first],
        "app.log.1": LINES[first:second],
        "app.log": LINES[second:],
    }
    folder = write(**{name: "".join(lines) for name, lines in parts.items()}, readme="Not a log.\n")
    records, notes, share = found(folder / end.removeprefix("/") if end else folder)

    assert records == [("Editor", "1603", 4), ("Viewer", "0", 30), ("Ledger", "5", 21)]
    assert notes == ["3 files were read, in this order: app.log.2, app.log.1, app.log"]
    assert share == 1


def test_a_record_does_not_go_over_to_another_log(write):
    folder = write(**{"app.log": LINES[0], "other.log": LINES[4]})
    with open_log(folder, FORM) as file:
        records = [(one.get("app"), one["has_start"], one["has_end"]) for one in file.read(None)]

    assert records == [("Viewer", True, False), (None, False, True)]


def test_other_files_of_a_folder_are_passed_over_and_named(write):
    folder = write(**{"app.log": "".join(LINES), "app.log.1": "", "noise.log": "nothing\n"})
    records, notes, _ = found(folder)

    assert len(records) == 3
    assert notes == [f"noise.log: no line is in the form {LINE!r}, so nothing was read of it"]


def test_what_holds_no_log_is_refused(write):
    folder = write(notes="x")
    with pytest.raises(IngestError, match="is a folder without files whose names are those of logs"):
        log_files_of(folder)
    with pytest.raises(IngestError, match=r"no file fits .*app\*; name a file, another folder or a pattern"):
        log_files_of(folder / "app*")
    with pytest.raises(IngestError, match=r"the 1 files of .* are empty"):
        log_files_of(write(**{"app.log": ""}))
    (folder / "app.log").write_text("nothing\n", encoding="utf-8")
    with pytest.raises(IngestError, match="no line of logs is in the form"):
        found(folder)


@pytest.mark.parametrize("cut", range(1, len(LINES)))
def test_a_log_that_grew_is_read_again_without_doubles(store, rows, write, cut):
    path = write(**{"app.log": "".join(LINES[:cut])}) / "app.log"
    first = ingest_file(store, "outcomes", path, mapping=MAPPING)
    path.write_text("".join(LINES), encoding="utf-8")
    second = ingest_file(store, "outcomes", path, mapping=MAPPING)
    again = ingest_file(store, "outcomes", path, mapping=MAPPING)

    stored = sorted((row["application_name"], row["outcome_status"]) for row in rows("packaging_outcomes"))
    assert stored == [("Editor", "failure"), ("Ledger", "failure"), ("Viewer", "success")]
    assert (first.new + second.new, second.changed, second.quarantined) == (3, 0, 0)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 3)


def test_a_log_that_was_rotated_meanwhile_is_read_again_without_doubles(store, rows, write):
    folder = write(**{"app.log": "".join(LINES[:4])})
    ingest_file(store, "outcomes", folder / "app.log", mapping=MAPPING)
    write(**{"app.log.1": "".join(LINES[:5]), "app.log": LINES[5]})
    report = ingest_file(store, "outcomes", folder, mapping=MAPPING)

    assert (report.new, report.unchanged, report.file_name) == (2, 1, "logs")
    assert len(rows("packaging_outcomes")) == 3


def test_a_mapping_that_reads_the_files_name_reads_one(store, write):
    mapping = MAPPING.model_copy(update={"file_name": r"(?P<code>\d)"})
    with pytest.raises(IngestError, match="is more than one file, and the mapping reads the name of each"):
        ingest_file(store, "outcomes", write(**{"app.log": LINES[0]}), mapping=mapping)


def cmtrace(message, time):
    tags = 'component="c" context="" type="1" thread="7" file=""'
    return f'<![LOG[{message}]LOG]!><time="{time}.000-60" date="3-1-2026" {tags}>\n'


POLICY = "0a1b2c3d-0000-4000-8000-000000000001"
SHIPPED = {
    "intune_ime_log": [
        cmtrace(f"Handler invoked with execution type: Install for policy with id: {POLICY}", "10:00:00"),
        cmtrace("[Win32App] lpExitCode 1603", "10:00:10"),
        cmtrace("[Win32App] lpExitCode is defined as Failed", "10:00:11"),
    ],
    "configmgr_appenforce_log": [
        cmtrace('+++ Starting Install enforcement for App DT "Ledger" x', "10:00:00"),
        cmtrace("    Process 812 terminated with exitcode: 1603", "10:00:20"),
        cmtrace("Unmatched exit code (1603) is considered an execution failure.", "10:00:20"),
        cmtrace('++++++ App enforcement completed (20 seconds) for App DT "Ledger"', "10:00:21"),
    ],
    "chocolatey_log": [
        "2026-03-01 08:15:33,120 812 [INFO ] - ledger v7.10.0 [Approved]\n",
        '2026-03-01 08:15:34,001 812 [DEBUG] - Elevating permissions and running ["C:\\in\\s.exe" /S ].\n',
        "2026-03-01 08:15:39,001 812 [ERROR] - ERROR: that was not successful. Exit code was '1603'.\n",
        "2026-03-01 08:15:40,500 812 [ERROR] - The install of ledger was NOT successful.\n",
    ],
    "psadt_log": [
        cmtrace("[Install] :: Executing [setup.exe /S]...", "10:00:00"),
        cmtrace(
            "[Finalization] :: [Acme_Ledger_7.10_x64_EN_02] install failed in [41.5] seconds with exit code "
            "[1603].",
            "10:01:00",
        ),
    ],
    "msi_verbose_log": [
        "=== Verbose logging started: 3/1/2026  8:15:33  Build type: SHIP  Calling process: x ===\n",
        (
            "MSI (s) (A4:10): Windows Installer installed the product. Product Name: Ledger. "
            "Product Version: 7.10. Product Language: 1033. Manufacturer: Acme. "
            "Installation success or error status: 1603.\n"
        ),
        "=== Verbose logging stopped: 3/1/2026  8:15:40 ===\n",
    ],
}


@pytest.mark.parametrize("mapping", SHIPPED)
def test_shipped_mappings_read_a_log_that_grew_or_was_cut_into_files(store, rows, write, mapping):
    lines = SHIPPED[mapping]
    for cut in range(1, len(lines)):
        folder = write(**{"app.log": "".join(lines[:cut]), "app.log.1": ""})
        early = ingest_file(store, "outcomes", folder, mapping=mapping)
        write(**{"app.log.1": "".join(lines[:cut]), "app.log": "".join(lines[cut:])})
        late = ingest_file(store, "outcomes", folder, mapping=mapping)

        assert (early.changed, early.quarantined, late.changed, late.quarantined) == (0, 0, 0, 0)
    (stored,) = rows("packaging_outcomes")
    assert (stored["outcome_status"], stored["failure_reasons"][0]["code"]) == ("failure", "1603")
