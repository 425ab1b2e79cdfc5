"""The commands of an administrator, as they are typed: what they print, and what they leave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from memory_pipeline.cli import main
from memory_pipeline.ingest import ingest_records
from memory_pipeline.store.columns import count_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store

OUTCOME = {
    "application_name": "Ledger",
    "approach_details": {"tool": "psadt"},
    "outcome_status": "success",
    "occurred_at": "2026-05-01T00:00:00+00:00",
}


@pytest.fixture
def run(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[str, str]]:
    """Return a function that runs a command and returns what it printed, and what it said."""
    assert settings.database_url is not None
    monkeypatch.setenv("MEMORY_HOME", str(settings.home))
    monkeypatch.setenv("MEMORY_DATABASE_URL", settings.database_url.get_secret_value())
    ingest_records(store, "outcomes", [OUTCOME, OUTCOME | {"application_name": "Other"}], source="s")

    def ran(*arguments: str) -> tuple[str, str]:
        main(arguments)
        said = capsys.readouterr()
        return said.out, " ".join(said.err.split())

    return ran


def test_a_backup_is_written_and_older_ones_go(run, settings, tmp_path):
    out, _ = run("backup", "--json")
    written = json.loads(out)
    assert written["file"].startswith(str(settings.home / "backups"))
    assert written["tables"]["public.packaging_outcomes"] == 2
    folder = tmp_path / "copies"
    folder.mkdir()
    (folder / "memory-20250101T000000Z.zip").touch()
    _, said = run("backup", str(folder), "--keep", "1")
    assert "restore them with `memory-pipeline restore" in said
    assert "removed" in said
    assert len(list(folder.iterdir())) == 1
    assert run("restore", "--list") == ("", "")


@pytest.mark.parametrize("arguments", [[], ["x.zip", "--list"], ["--list", "--drop", "x"]])
def test_a_restore_does_one_thing(run, capsys, arguments):
    with pytest.raises(SystemExit) as end:
        main(["restore", *arguments])
    assert end.value.code == 2
    assert "name a FILE, --list, or --drop NAME" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["restore", "import"])
def test_a_file_that_is_not_there_is_named(run, capsys, command):
    with pytest.raises(SystemExit) as end:
        main([command, "nothing.zip"])
    assert end.value.code == 1
    assert "nothing.zip does not exist; check the path" in " ".join(capsys.readouterr().err.split())


def test_an_import_says_first_what_it_would_do(run, store, tmp_path):
    file = str(tmp_path / "memory.zip")
    out, _ = run("export", file)
    assert "outcomes.jsonl" in out
    ingest_records(store, "outcomes", [OUTCOME | {"application_name": "Third"}], source="s")
    out, said = run("import", file, "--dry-run")
    assert out.splitlines()[1].split() == ["outcomes", "0", "0", "2"]
    assert "Nothing was stored" in said
    out, _ = run("import", file, "--json")
    assert json.loads(out)["tables"][0] == {
        "name": "outcomes",
        "new": 0,
        "changed": 0,
        "unchanged": 2,
        "left_out": 0,
    }


def test_forgetting_says_first_what_it_would_do(run, store):
    out, said = run("forget", "application", "ledger", "--dry-run")
    assert out.split() == ["packaging_outcomes", "1"]
    assert "taken for it: Ledger" in said
    assert "Nothing was removed" in said
    assert count_rows(store, "packaging_outcomes") == 2
    out, _ = run("forget", "person", "Nobody", "--dry-run", "--json")
    assert json.loads(out)["rows"] == {}


def test_forgetting_asks_before_it_removes(run, store, monkeypatch):
    monkeypatch.setattr("click.confirm", refuse)
    with pytest.raises(SystemExit) as end:
        main(["forget", "application", "Ledger"])
    assert end.value.code == 130
    assert count_rows(store, "packaging_outcomes") == 2


def test_what_is_forgotten_is_rebuilt_without_it(run, store, monkeypatch):
    rebuilt = []
    monkeypatch.setattr("memory_pipeline.cli.run.rebuild_with_progress", lambda *_: rebuilt.append(True))
    _, said = run("forget", "application", "Ledger", "--yes")
    assert "Restart servers" in said
    assert rebuilt == [True]
    assert count_rows(store, "packaging_outcomes") == 1


def refuse(*_: object, **__: object) -> None:
    """Answer no, as click does where it is told to abort then."""
    from click import Abort  # noqa: PLC0415

    raise Abort


def test_retention_without_a_limit_keeps_everything(run, monkeypatch):
    assert "Everything is kept" in run("retention")[1]
    monkeypatch.setenv("MEMORY_KEEP_AUDIT_DAYS", "30")
    out, _ = run("retention", "--dry-run", "--json")
    assert json.loads(out) == {"is_dry_run": True, "removed": {"audit_log": 0}}


def test_evidence_is_exported_listed_and_refused_where_it_is_ones_own(run, settings, store, tmp_path):
    from memory_pipeline.rebuild.evidence import update_evidence  # noqa: PLC0415 - for this test alone
    from memory_pipeline.rebuild.features import update_features  # noqa: PLC0415
    from memory_pipeline.store.session import open_session  # noqa: PLC0415

    session = open_session(settings, store)
    update_features(session)
    update_evidence(session)
    file = str(tmp_path / "ours.zip")
    out, _ = run("evidence", "export", file, "--least-units", "1")
    assert "2 attempts of 2 units (pseudonyms), 2026-05 to 2026-05, 0 conditions, k = 1" in " ".join(
        out.split()
    )
    assert run("evidence", "list") == ("", "nothing is imported")
    with pytest.raises(SystemExit):
        run("evidence", "import", file)
    with pytest.raises(SystemExit):
        run("evidence", "withdraw", "0" * 12)
