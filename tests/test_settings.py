"""Settings: each is read from the environment, checked, and documented."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from memory_pipeline.configuration import describe_settings
from memory_pipeline.settings import Settings, contracts_folder, parse_schedule


def test_every_setting_is_read_from_its_variable(monkeypatch):
    monkeypatch.setenv("MEMORY_MIN_SAMPLE_SIZE", "7")
    monkeypatch.setenv("MEMORY_CONFIDENCE_THRESHOLD", "0.9")
    monkeypatch.setenv("MEMORY_UPDATE_INTERVAL", "30m")
    monkeypatch.setenv("MEMORY_MAX_PATTERNS", "3")
    settings = Settings()
    assert (settings.min_sample_size, settings.confidence_threshold, settings.max_patterns) == (7, 0.9, 3)
    assert settings.update_every == timedelta(minutes=30)


def test_strata_are_names_with_commas_between(monkeypatch):
    assert Settings().strata == ("source",)
    monkeypatch.setenv("MEMORY_MEMBER_STRATA", "source, wave,")
    assert Settings().strata == ("source", "wave")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UPDATE_INTERVAL", "soon"),
        ("UPDATE_INTERVAL", "0h"),
        ("UPDATE_INTERVAL", "0 25 * * *"),
        ("UPDATE_INTERVAL", "0 6 * * * *"),
        ("DISCOVERY_INTERVAL", "@sometimes"),
        ("EVIDENCE_HALF_LIFE", "0 6 * * *"),
        ("MIN_SAMPLE_SIZE", "1"),
        ("CONFIDENCE_THRESHOLD", "2"),
        ("MIN_GROUP_SIZE", "2"),
    ],
)
def test_a_value_out_of_range_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"MEMORY_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_what_is_due_is_an_interval_or_a_cron_string():
    assert parse_schedule("90m") == timedelta(minutes=90)
    assert parse_schedule("0 6 * * 1-5") == "0 6 * * 1-5"
    assert Settings(discovery_interval="@weekly").discover_every == "@weekly"
    with pytest.raises(
        ValueError, match=r"'daily' is not an interval; .* or a cron string, for example '0 6"
    ):
        parse_schedule("daily")
    with pytest.raises(ValueError, match=r"'0 25 \* \* \*' is not a cron string; write minute, hour,"):
        parse_schedule("0 25 * * *")


def test_the_password_of_the_database_is_not_shown():
    settings = Settings(database_url="postgresql://u:secret@localhost/db")
    assert "secret" not in repr(settings)


def test_another_database_and_a_file_as_home_are_refused(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ValidationError, match="not the address of a PostgreSQL server"):
        Settings(database_url="mysql://u@localhost/db")
    with pytest.raises(ValidationError, match="name a folder"):
        Settings(home=file)


def test_every_setting_says_what_it_means():
    assert all(field.description for field in Settings.model_fields.values())


def test_the_contracts_are_found():
    assert (contracts_folder() / "mappings").is_dir()


def test_settings_in_force_are_described_without_what_is_secret(monkeypatch):
    monkeypatch.setenv("MEMORY_DATABASE_URL", "postgresql://ana:hidden-word@db/memory")
    monkeypatch.setenv("MEMORY_STORAGE_URL", "s3://key:hidden-word@bucket/memory")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "hidden-word")
    monkeypatch.setenv("MEMORY_MIN_UNITS", "7")
    rows = {one["variable"]: one for one in describe_settings(Settings())}
    assert "hidden-word" not in str(rows)
    assert rows["ANTHROPIC_API_KEY"]["value"] == rows["MEMORY_DATABASE_URL"]["value"] == "(set, not shown)"
    assert rows["MEMORY_STORAGE_URL"]["value"] == "s3://(not shown)@bucket/memory"
    assert (rows["MEMORY_MIN_UNITS"]["value"], rows["MEMORY_MIN_UNITS"]["is_default"]) == ("7", False)
    assert rows["MEMORY_MIN_UNITS"]["source"] == "environment"
    assert (rows["MEMORY_UNIT"]["value"], rows["MEMORY_UNIT"]["is_default"]) == ("application_name", True)
    assert rows["MEMORY_VOCABULARY"]["value"] is None
    assert all(one["description"] for one in rows.values())


def test_pages_link_to_web_addresses_alone(monkeypatch):
    monkeypatch.setenv("MEMORY_DAGSTER_UI_URL", "http://127.0.0.1:3000/")
    assert Settings().dagster_ui_url == "http://127.0.0.1:3000"
    monkeypatch.setenv("MEMORY_DAGSTER_UI_URL", "javascript:alert(1)")
    with pytest.raises(ValidationError, match="it is not a web address"):
        Settings()
