"""Settings in a file under MEMORY_HOME: read, shown with their source, checked, and changed by a command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from memory_pipeline.cli import main
from memory_pipeline.configuration import OTHER_VARIABLES, describe_settings
from memory_pipeline.settings import Settings, variable_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the file of settings is looked for."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("MEMORY_HOME", str(home))
    return home / "settings.toml"


def shown(name: str) -> tuple[str | None, str]:
    """Return value and source of a setting as they are shown."""
    rows = {one["variable"]: one for one in describe_settings(Settings())}
    return rows[name]["value"], rows[name]["source"]


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(file, monkeypatch):
    file.write_text('min_units = 7\nunit = "application_vendor"\nanthropic_api_key = "hidden-word"\n')
    monkeypatch.setenv("MEMORY_UNIT", "application_type")
    settings = Settings()
    assert (settings.min_units, settings.unit, settings.min_sample_size) == (7, "application_type", 30)
    assert settings.anthropic_api_key.get_secret_value() == "hidden-word"
    assert shown("MEMORY_MIN_UNITS") == ("7", "file")
    assert shown("MEMORY_UNIT") == ("application_type", "environment")
    assert shown("MEMORY_MIN_SAMPLE_SIZE") == ("30", "default")
    assert shown("ANTHROPIC_API_KEY") == ("(set, not shown)", "file")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "other-word")
    assert Settings().anthropic_api_key.get_secret_value() == "other-word"


def test_a_home_that_is_given_has_its_own_file(file, tmp_path):
    file.write_text("min_units = 7\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "settings.toml").write_text("min_units = 9\n")
    assert Settings(home=tmp_path / "other").min_units == 9
    assert Settings(min_units=4).min_units == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("min_unit = 7\n", "sets 'min_unit', which cannot be set there; did you mean min_units"),
        ("home = 'x'\n", "sets 'home', which cannot be set there"),
        ("min_units = \n", r"settings\.toml is not TOML \(Invalid value \(at line 1"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(file, text, message):
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        Settings()


def test_a_command_writes_the_file_and_keeps_the_rest_of_it(file, capsys):
    file.write_text("# mine\nunit = 'application_type'   # why\nmin_sample_size = 40")
    main_ends(["config", "set", "MEMORY_MIN_UNITS", "7"], 0)
    main_ends(["config", "set", "unit", 'a"b'], 0)
    main_ends(["config", "set", "discovery-streaming", "no"], 0)
    assert file.read_text() == (
        '# mine\nunit = "a\\"b"\nmin_sample_size = 40\nmin_units = 7\ndiscovery_streaming = false\n'
    )
    assert (Settings().unit, Settings().min_units, Settings().discovery_streaming) == ('a"b', 7, False)
    main_ends(["config", "unset", "unit"], 0)
    assert Settings().unit == "application_name"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    capsys.readouterr()
    main_ends(["config", "show", "min_units", "--json"], 0)
    assert [one["source"] for one in json.loads(capsys.readouterr().out)] == ["file"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["set", "min_unit", "7"], "there is no setting 'min_unit'; did you mean min_units?"),
        (["set", "min_units", "1"], "min_units: Input should be greater than or equal to 2"),
        (["set", "home", "/elsewhere"], "set the variable MEMORY_HOME"),
        (["unset", "min_units"], "does not set min_units"),
        (["show", "colour"], "there is no setting 'colour'"),
    ],
)
def test_a_wrong_name_or_value_changes_nothing(file, capsys, arguments, message):
    main_ends(["config", *arguments], 1)
    assert message in " ".join(capsys.readouterr().err.split())
    assert not file.exists()


def test_a_value_out_of_range_is_named_with_where_it_stands(file, capsys, monkeypatch):
    file.write_text("min_units = 1\n")
    main_ends(["config", "validate"], 1)
    said = " ".join(capsys.readouterr().err.split())
    assert "MEMORY_MIN_UNITS is '1' in" in said
    assert "settings.toml: Input should be greater" in said.replace(" settings.toml", "settings.toml")
    monkeypatch.setenv("MEMORY_MIN_UNITS", "many")
    main_ends(["config", "validate"], 1)
    assert "MEMORY_MIN_UNITS is 'many': Input should be a valid integer" in capsys.readouterr().err
    file.unlink()
    monkeypatch.setenv("MEMORY_DATABASE_URL", "mysql://ana:hidden-word@db/x")
    with pytest.raises(ValidationError):
        Settings()
    main_ends(["config", "validate"], 1)
    assert "hidden-word" not in capsys.readouterr().err


def test_a_variable_that_nothing_reads_is_found(file, capsys, monkeypatch):
    main_ends(["config", "validate"], 0)
    monkeypatch.setenv("MEMORY_MIN_UNIT", "7")
    main_ends(["config", "validate"], 1)
    assert "did you mean MEMORY_MIN_UNITS?" in " ".join(capsys.readouterr().err.split())


def test_no_secret_is_shown(file, capsys, monkeypatch):
    monkeypatch.setattr("click.prompt", lambda *_, **given: "hidden-word" if given["hide_input"] else "")
    main_ends(["config", "set", "anthropic_api_key"], 0)
    main_ends(["config", "show"], 0)
    main_ends(["config", "show", "--json"], 0)
    said = capsys.readouterr()
    assert "hidden-word" not in said.out + said.err
    assert "ANTHROPIC_API_KEY" in said.out


def test_other_variables_are_no_settings():
    assert OTHER_VARIABLES.isdisjoint(variable_of(name) for name in Settings.model_fields)


def main_ends(arguments: list[str], code: int) -> None:
    """Run the command line; its exit code is as expected."""
    if code == 0:
        main(arguments)
        return
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == code
