"""Logs: several lines become one record, by patterns whose time is bounded; the shipped mappings of logs."""

from __future__ import annotations

import pytest
import yaml

from memory_pipeline.ingest import IngestError, MappingError
from memory_pipeline.ingest.log_files import LogForm, group_names, open_log
from memory_pipeline.ingest.mapping import load_mapping
from memory_pipeline.ingest.trial import try_mapping


def cmtrace(message, time="10:00:00.000", thread="1", date="3-1-2026"):
    tags = f'component="c" context="" type="1" thread="{thread}" file=""'
    return f'<![LOG[{message}]LOG]!><time="{time}" date="{date}" {tags}>\n'


@pytest.fixture
def log(tmp_path):
    def write(*lines, encoding="utf-8"):
        path = tmp_path / "a.log"
        path.write_text("".join(lines), encoding=encoding)
        return path

    return write


def records(path, form):
    with open_log(path, form) as file:
        return list(file.read(None))


PLAIN = LogForm(
    r"^(?P<time>\S+ \S+) \[(?P<job>\w+)\] (?P<message>.*)$",
    r"^begin (?P<app>.+)",
    r"^end (?P<code>\d+)",
    (r"switch (?P<switch>\S+)",),
    by="job",
)


def test_runs_side_by_side_with_times_and_columns(log):
    path = log(
        "2026-03-01 10:00:00 [a] begin Viewer 2\n",
        "2026-03-01 10:00:05 [b] begin Editor\n",
        "    a line without a time\n",
        "2026-03-01 10:00:06 [a] switch /S\n",
        "2026-03-01 10:00:09 [b] end 1603\n",
        "2026-03-01 10:00:30 [a] end 0\n",
        "2026-03-01 10:00:31 [c] end 5\n",
        "2026-03-01 10:00:32 [c] switch /stray\n",
        "2026-03-01 10:00:40 [a] begin Cut\n",
    )
    found = records(path, PLAIN)

    assert [(one.get("app"), one.get("code"), one.get("switch")) for one in found] == [
        ("Editor", "1603", None),
        ("Viewer 2", "0", "/S"),
        (None, "5", None),
        ("Cut", None, None),
    ]
    assert [(one["has_start"], one["has_end"], one["first_line"]) for one in found] == [
        (True, True, 2),
        (True, True, 1),
        (False, True, 7),
        (True, False, 9),
    ]
    assert (found[1]["first_time"], found[1]["last_time"]) == ("2026-03-01 10:00:00", "2026-03-01 10:00:30")
    assert found[1]["seconds"] == 30


def test_a_start_closes_the_record_before_it(log):
    path = log(
        "2026-03-01 10:00:00 [a] begin X\n",
        "2026-03-01 10:00:01 [a] begin Y\n",
        "2026-03-01 10:00:02 [a] end 1\n",
    )

    assert [(one["app"], one["has_end"]) for one in records(path, PLAIN)] == [("X", False), ("Y", True)]


def test_cmtrace_entries_over_several_lines_and_their_bias(log):
    lines = [
        cmtrace("begin A", "23:30:00.250+300"),
        cmtrace("first\nsecond\nend 7\nlast", "23:40:00.500+300"),
        cmtrace("begin B", "09:00:00.12360"),
        cmtrace("end 8", "09:00:01"),
    ]
    form = LogForm(None, r"begin (?P<app>\w+)", r"(?m)^end (?P<code>\d+)$", has_bias=True)
    for encoding in ("utf-8", "utf-16"):
        first, second = records(log(*lines, encoding=encoding), form)
        assert (first["app"], first["code"], first["component"]) == ("A", "7", "c")
        assert first["first_time"] == "2026-03-02T04:30:00.250000+00:00"
        assert first["seconds"] == 600.25
        assert second["first_time"] == "2026-03-01T09:00:00.123000"
    local = LogForm(None, form.start, form.end)
    assert records(log(*lines), local)[0]["first_time"] == "2026-03-01T23:30:00.250000"


def test_a_file_that_is_another_log(log):
    with pytest.raises(IngestError, match=r"no line of a\.log is in CMTrace's form; choose the mapping"):
        records(log("2026-03-01 INFO x\n"), LogForm(None, None, "end"))


def test_an_endless_entry_is_refused(log):
    with pytest.raises(IngestError, match="line 2: an entry is longer than 1,000,000 characters"):
        records(log("<![LOG[x\n", "y" * 1_000_001), LogForm(None, None, "end"))


def test_patterns_take_bounded_time(log):
    # A matcher that tries every split of the letters would need about 2^30 steps for this line.
    path = log("x " + "a" * 30 + "!\n")
    assert records(path, LogForm("^(?P<message>.*)$", None, r"^x (?P<word>(?:a+)+)$")) == []
    assert group_names(r"(?P<a>x)(?:y)(?P<b>z)?") == ("a", "b")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"end": r"(\d+)"}, "has a group without a name; write"),
        ({"end": r"(?P<a>x)\1"}, "is not a pattern that can be searched in bounded time"),
        ({"end": "(?=x)"}, "is not a pattern that can be searched in bounded time"),
        ({"end": "x", "by": "job"}, "by: 'job' is not a group of `line`; its groups are message, time"),
        ({"end": "x", "begin": "y"}, "log.begin"),
    ],
)
def test_wrong_rules_are_named(tmp_path, rule, message):
    keys = {"name": "m", "description": "m", "kind": "outcomes", "renames": {"application_name": "a"}}
    path = tmp_path / "m.yaml"
    path.write_text(yaml.safe_dump({**keys, "log": rule}), encoding="utf-8")
    with pytest.raises(MappingError, match=message):
        load_mapping(path)


def test_a_log_without_a_mapping(log):
    with pytest.raises(IngestError, match="is a log; choose a mapping with the key `log`"):
        try_mapping(log("x"), None)


def told(trial):
    return [
        (
            one["application_name"],
            one["outcome_status"],
            [(reason["code"], reason["reason"]) for reason in one.get("failure_reasons") or []],
        )
        for one in trial.records
    ]


def test_psadt(log):
    end = "[Finalization] :: [{}] {} in [{}] seconds with exit code [{}]."
    path = log(
        cmtrace('[Install] :: Executing [msiexec.exe /i "C:\\in\\ledger.msi" /qn TRANSFORMS=site.mst]...'),
        cmtrace(
            end.format("Acme_Ledger_7.10_x64_EN_02", "install completed", "41.5", "3010"), "10:01:00.000"
        ),
        cmtrace(end.format("Acme_Ledger_7.10_x64_EN_02", "uninstall completed", "4", "0"), "11:00:00.000"),
        cmtrace(end.format("Acme_Scanner_2.0_x86_DE_01", "install failed", "9.0", "60012"), "12:00:00.000"),
        cmtrace(end.format("Loose name", "Installation failed", "9.0", "1603"), "13:00:00.000"),
    )
    trial = try_mapping(path, "psadt_log")

    assert (trial.read, trial.accepted, trial.skipped) == (4, 2, 1)
    assert told(trial) == [("Ledger", "success", []), ("Scanner", "failure", [("60012", "deferred_by_user")])]
    ledger = trial.records[0]
    assert (ledger["application_vendor"], ledger["application_version"]) == ("Acme", "7.10")
    assert ledger["performance_metrics"] == {"duration_seconds": 41.5, "reboot_required": 1}
    assert ledger["approach_details"]["transforms"] == ["site.mst"]
    assert trial.problems[0].field == "application_name"


ID = "0a1b2c3d-0000-4000-8000-00000000000{}"


def test_intune_agent(log):
    start = (
        "[Win32App][ExecutionActionHandler] Handler invoked with execution type: {} for policy with id: {}"
    )
    lines = []
    for number, (kind, code, meaning) in enumerate(
        [
            ("Install", 0, "Success"),
            ("Install", 1603, "Failed"),
            ("Uninstall", 0, "Success"),
            ("Install", 3010, "SoftReboot"),
        ]
    ):
        lines += [
            cmtrace(start.format(kind, ID.format(number)), f"1{number}:00:00.0000000"),
            cmtrace("[Win32App] ===Step=== InstallBehavior User, Intent 3, x"),
            cmtrace(f"[Win32App] lpExitCode {code}", f"1{number}:00:10.0000000"),
            cmtrace(f"[Win32App] lpExitCode is defined as {meaning}", f"1{number}:00:11.0000000"),
        ]
    lines += [cmtrace(start.format("Install", ID.format(9))), cmtrace("[Win32App] lpExitCode 77")]
    lines += [cmtrace("[Win32App] Admin did NOT set mapping for lpExitCode: 77")]
    lines += [cmtrace(start.format("Install", ID.format(8)))]
    trial = try_mapping(log(*lines), "intune_ime_log")

    assert (trial.read, trial.skipped, trial.refused) == (6, 2, 0)
    assert told(trial) == [
        (ID.format(0), "success", []),
        (ID.format(1), "failure", [("1603", "fatal_error")]),
        (ID.format(3), "success", []),
        (ID.format(9), "failure", [("77", "unknown_exit_code")]),
    ]
    assert trial.records[0]["performance_metrics"] == {"duration_seconds": 11}


def test_configmgr_client(log):
    def run(name, code, verdict, thread):
        return [
            cmtrace(
                f'+++ Starting Install enforcement for App DT "{name}" x, Execution Context - System',
                thread=thread,
            ),
            cmtrace('    Executing Command line: "setup.exe" /S with user context', thread=thread),
            cmtrace(f"    Process 812 terminated with exitcode: {code}", "10:00:20.000-60", thread),
            cmtrace(f"    {verdict}", thread=thread),
            cmtrace(
                f'++++++ App enforcement completed (20 seconds) for App DT "{name}"',
                "10:00:21.000-60",
                thread,
            ),
        ]

    unmatched = "Unmatched exit code (1603) is considered an execution failure."
    one = run("Ledger - MSI", 1603, unmatched, "1")
    two = run("Viewer", 3010, "Matched exit code 3010 to a PendingSoftReboot entry in exit codes table.", "2")
    mixed = [line for pair in zip(one, two, strict=True) for line in pair]
    trial = try_mapping(log(*mixed), "configmgr_appenforce_log")

    assert told(trial) == [("Ledger - MSI", "failure", [("1603", "fatal_error")]), ("Viewer", "success", [])]
    assert trial.records[1]["performance_metrics"] == {"duration_seconds": 20, "reboot_required": 1}
    assert trial.records[0]["occurred_at"] == "2026-03-01T09:00:21+00:00"
    assert trial.records[0]["context"] == {"execution_context": "System"}


def test_windows_installer(log):
    product = "Product Name: Ledger. Product Version: 7.10.0. Product Language: 1033. Manufacturer: Acme Inc."
    path = log(
        "=== Verbose logging started: 3/1/2026  8:15:33  Build type: SHIP  Calling process: x ===\r\n",
        "Action ended 8:15:35: InstallFiles. Return value 3.\r\n",
        f"MSI (s) (A4:10): Windows Installer installed the product. {product} Installation success or error "
        "status: 1603.\r\n",
        "MainEngineThread is returning 1603\r\n",
        "=== Verbose logging stopped: 3/1/2026  8:15:40 ===\r\n",
        encoding="utf-16",
    )
    trial = try_mapping(path, "msi_verbose_log")

    assert told(trial) == [("Ledger", "failure", [("1603", "fatal_error")])]
    (stored,) = trial.records
    assert (stored["application_version"], stored["application_vendor"]) == ("7.10.0", "Acme Inc")
    assert stored["occurred_at"] == "2026-03-01T08:15:40+00:00"
    assert stored["failure_reasons"][0]["detail"] == "InstallFiles"


def test_chocolatey(log):
    def line(message, second, process=812, level="INFO "):
        return f"2026-03-01 08:15:{second:02d},120 {process} [{level}] - {message}\r\n"

    failed = "ERROR: Running [\"C:\\in\\setup.exe\" /S /D=C:\\x ] was not successful. Exit code was '1603'."
    path = log(
        line("============================================================", 1),
        line("Chocolatey v2.4.0", 1),
        line(
            'Command line: "C:\\ProgramData\\chocolatey\\choco.exe" install ledger viewer -y',
            2,
            level="DEBUG",
        ),
        line("ledger v7.10.0 [Approved]", 3),
        line("Chocolatey v2.4.0", 3, process=99),
        line("ledger package files install completed. Performing other installation steps.", 4),
        line('Elevating permissions and running ["C:\\in\\ledger.exe" /S ]. This may take a while.', 5),
        line(" The install of ledger was successful.", 6),
        line("viewer v1.2", 7),
        line(failed, 8, level="ERROR"),
        " See log for possible error messages.\r\n",
        line("The upgrade of other was successful.", 8, process=99),
        line("The install of viewer was NOT successful.", 9, level="ERROR"),
        line(
            "Error while running 'C:\\ProgramData\\chocolatey\\lib\\viewer\\tools\\chocolateyInstall.ps1'.", 9
        ),
        line("The uninstall of ledger was successful.", 10),
        line("half v3.0", 11),
    )
    trial = try_mapping(path, "chocolatey_log")

    assert sorted(told(trial)) == [
        ("ledger", "success", []),
        ("other", "success", []),
        ("viewer", "failure", [("1603", "fatal_error")]),
    ]
    stored = {one["application_name"]: one for one in trial.records}
    assert stored["ledger"]["application_version"] == "7.10.0"
    assert stored["ledger"]["approach_details"]["silent_switch"] == "/S"
    assert stored["viewer"]["application_version"] == "1.2"
    assert stored["viewer"]["occurred_at"] == "2026-03-01T08:15:09.120000+00:00"
    assert "application_version" not in stored["other"]
