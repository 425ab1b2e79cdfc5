"""Read every setting of the project from the environment and the file under MEMORY_HOME.

What belongs here: names, defaults, limits and the meaning of each `MEMORY_*` variable.
What does not: anything that acts on a setting, and how one is shown or changed (`configuration`).
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from memory_pipeline.settings_file import FileSource, settings_file

DEFAULT_HOME = Path(".memory")
_CRON_FIELDS = 5
_INTERVAL_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Settings(BaseSettings):
    """Settings of the project, each from the variable `MEMORY_<NAME>`, else the file under MEMORY_HOME.

    Raises
    ------
    pydantic.ValidationError
        When a variable or a line holds a value outside its documented range.
    ValueError
        When the file is not TOML, or sets something unknown.
    """

    model_config = SettingsConfigDict(
        env_prefix="MEMORY_", extra="ignore", frozen=True, populate_by_name=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings are read: a caller's values, then the environment, then the file."""
        given = init_settings().get("home")
        home = home_of_environment() if given is None else Path(given)
        return init_settings, env_settings, FileSource(settings_cls, settings_file(home), variable_of)

    home: Path = Field(
        default=DEFAULT_HOME,
        description="Folder of the embedded database, the features, the evidence and Dagster's files.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL server to use (postgresql://user:password@host/database). "
        "Unset: an embedded server under MEMORY_HOME.",
    )
    storage_url: str | None = Field(
        default=None,
        description="Where features and evidence are kept as Parquet: a folder or any fsspec URL. "
        "Unset: MEMORY_HOME/storage.",
    )
    spark_master: str | None = Field(
        default=None,
        min_length=1,
        description="Master of a Spark cluster whose workers count the history, such as spark://host:7077; "
        "they have to reach MEMORY_STORAGE_URL under the same name. Unset: this process counts.",
    )
    min_sample_size: int = Field(
        default=30, ge=2, description="Fewest attempts behind a pattern or a recommendation."
    )
    min_units: int = Field(
        default=5,
        ge=2,
        description="Fewest different applications (evidence units) behind a pattern.",
    )
    confidence_threshold: float = Field(
        default=0.7, ge=0, le=1, description="Confidence below which no approach is recommended."
    )
    exploration: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="0: always the best approach. Above 0: an approach is drawn with the probability that it "
        "is the best (Thompson sampling), and with this share evenly among all.",
    )
    control_share: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of the answers that are withheld at random, so that the effect of advice can be "
        "measured as in an experiment.",
    )
    evidence_half_life: str | None = Field(
        default=None,
        description="Time after which an attempt counts half for advice, such as 365d; unset: never. "
        "Changes are detected either way.",
    )
    max_patterns: int = Field(
        default=100, ge=1, description="Patterns that are kept active, the most confident first."
    )
    max_columns: int = Field(
        default=40,
        ge=4,
        description="Condition columns that are analysed at most: of more, those that go with success most "
        "by themselves. The others are stored and named in `memory-pipeline status`.",
    )
    false_discovery_rate: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Expected share of false findings among the reported ones, over everything searched.",
    )
    pattern_tier: Literal["strict", "default", "exploratory"] = Field(
        default="default",
        description="How sure a pattern must at least be: strict (no false one at all, with probability 1 - "
        "MEMORY_FALSE_DISCOVERY_RATE), default (about that share false), or exploratory (leads to follow).",
    )
    update_interval: str = Field(
        default="24h",
        description="When the schedule rebuilds the analysis, in UTC: every so often (a number and m, h or "
        "d), or a cron string such as `0 6 * * 1-5`.",
    )
    update_after_outcomes: int = Field(
        default=100, ge=1, description="New or corrected outcomes after which the sensor starts a rebuild."
    )
    unit: str = Field(
        default="application_name",
        description="Column whose values are the evidence units: attempts with the same value count as one "
        "witness.",
    )
    name_versions: Literal["strip", "keep"] = Field(
        default="strip",
        description="Whether a version and an architecture at the end of an application's name are left out "
        "(strip), so that `Viewer 1.8 (x64)` and `Viewer 1.9` are one witness, or count (keep).",
    )
    vocabulary: Path | None = Field(
        default=None,
        description="YAML file of the labels of members that mean the same, and of the areas that they are "
        "in. Unset: data_contracts/vocabulary.yaml.",
    )
    min_group_size: int = Field(
        default=8,
        ge=3,
        description="Fewest members of a pattern among members; smaller groups are never shown, which "
        "protects individuals.",
    )
    member_strata: str = Field(
        default="source",
        description="Attributes (or source) by which members were asked in different ways, separated by "
        "commas. Significance is tested within the groups that these form.",
    )
    community_name: str = Field(
        default="the community", max_length=100, description="Name of the members' community."
    )
    community_description: str = Field(
        default="",
        max_length=2000,
        description="What the community is and does, in a few sentences; Claude reads it.",
    )
    anthropic_api_key: SecretStr | None = Field(
        default=None,
        validation_alias="ANTHROPIC_API_KEY",
        description="Key of the Claude API for `memory-pipeline discover`. "
        "Unset: statistics alone find member patterns.",
    )
    discovery_model: str = Field(
        default="claude-sonnet-5-5", min_length=1, description="Claude model that looks for member patterns."
    )
    discovery_effort: Literal["low", "medium", "high", "xhigh", "max"] | None = Field(
        default=None,
        description="Effort of the model: low, medium, high, xhigh or max. Unset: the model's own default.",
    )
    discovery_max_turns: int = Field(
        default=25, ge=1, le=200, description="Answers of Claude after which a discovery ends."
    )
    discovery_max_tokens: int = Field(
        default=400_000,
        ge=2_000,
        description="Most tokens, read and written together, that a discovery may use.",
    )
    discovery_max_cost: float = Field(
        default=1.0,
        gt=0,
        description="Most US dollars that a discovery may cost; applies to models whose price is known.",
    )
    discovery_timeout: float = Field(
        default=300.0, gt=0, le=3600, description="Most seconds that one answer of Claude may take."
    )
    discovery_streaming: bool = Field(
        default=True,
        description="Whether answers are read as a stream; turn it off for a gateway that cannot stream.",
    )
    discovery_interval: str = Field(
        default="7d",
        description="When the discovery schedule runs once it is turned on, in UTC: every so often (a number "
        "and m, h or d), or a cron string such as `0 6 * * 1`.",
    )
    backup_folder: Path | None = Field(
        default=None,
        description="Folder of scheduled backups. Unset: nothing is backed up by itself.",
    )
    backup_interval: str = Field(
        default="24h",
        description="When a backup is written to MEMORY_BACKUP_FOLDER, in UTC: every so often (a number and "
        "m, h or d), or a cron string such as `0 2 * * *`.",
    )
    keep_backups: int = Field(
        default=14, ge=1, description="Backups that stay in MEMORY_BACKUP_FOLDER, the newest."
    )
    keep_served_days: int | None = Field(
        default=None,
        ge=1,
        description="Days after which a served answer is removed that no outcome names. Unset: never.",
    )
    keep_quarantine_days: int | None = Field(
        default=None, ge=1, description="Days that a refused record stays in quarantine. Unset: for ever."
    )
    keep_run_days: int | None = Field(
        default=None,
        ge=1,
        description="Days that the record of a run stays: of rebuilds, discoveries, backups and jobs of the "
        "server. The newest rebuild that succeeded stays always. Unset: for ever.",
    )
    keep_audit_days: int | None = Field(
        default=None, ge=1, description="Days that an entry of the audit log stays. Unset: for ever."
    )
    alert_urls: SecretStr | None = Field(
        default=None,
        description="Where alerts are sent: addresses as Apprise writes them (mailto://…, msteams://…, "
        "slack://…, json://host/path …), separated by spaces. Needs `pip install 'memory-pipeline[alerts]'`. "
        "Unset: alerts are shown and not sent.",
    )
    dagster_ui_url: str | None = Field(
        default=None,
        description="Address of Dagster's UI, such as http://127.0.0.1:3000, to which pages link the runs of "
        "rebuilds. Unset: no links.",
    )

    @field_validator("home")
    @classmethod
    def _home_is_a_folder(cls, value: Path) -> Path:
        if value.exists() and not value.is_dir():
            msg = "it is a file; name a folder, which is created if it does not exist"
            raise ValueError(msg)
        return value

    @field_validator("database_url")
    @classmethod
    def _database_is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"postgres(ql)?(\+\w+)?://", value.get_secret_value()):
            msg = "it is not the address of a PostgreSQL server; write postgresql://user:password@host:5432/database"
            raise ValueError(msg)
        return value

    @field_validator("alert_urls")
    @classmethod
    def _alerts_have_addresses(cls, value: SecretStr | None) -> SecretStr | None:
        urls = [] if value is None else value.get_secret_value().split()
        if not all(re.match(r"[A-Za-z][\w.+-]*://", one) for one in urls):
            msg = "one of the addresses has no scheme; write addresses such as mailto://… or json://host/path"
            raise ValueError(msg)
        return value if urls else None

    @field_validator("dagster_ui_url")
    @classmethod
    def _dagster_is_a_web_address(cls, value: str | None) -> str | None:
        if not value:  # an empty variable is an unset one
            return None
        if not re.match(r"https?://[^/\s]", value):
            msg = "it is not a web address; write http://host:port or https://host"
            raise ValueError(msg)
        return value.rstrip("/")

    @field_validator("evidence_half_life")
    @classmethod
    def _interval_is_readable(cls, value: str | None) -> str | None:
        if value is not None:
            parse_interval(value)
        return value

    @field_validator("update_interval", "discovery_interval", "backup_interval")
    @classmethod
    def _schedule_is_readable(cls, value: str) -> str:
        parse_schedule(value)
        return value

    @property
    def update_every(self) -> timedelta | str:
        """Return `update_interval` as a duration, or as a cron string."""
        return parse_schedule(self.update_interval)

    @property
    def discover_every(self) -> timedelta | str:
        """Return `discovery_interval` as a duration, or as a cron string."""
        return parse_schedule(self.discovery_interval)

    @property
    def back_up_every(self) -> timedelta | str:
        """Return `backup_interval` as a duration, or as a cron string."""
        return parse_schedule(self.backup_interval)

    @property
    def alert_addresses(self) -> tuple[str, ...]:
        """Return `alert_urls` one by one; they hold secrets."""
        return () if self.alert_urls is None else tuple(self.alert_urls.get_secret_value().split())

    @property
    def strata(self) -> tuple[str, ...]:
        """Return `member_strata` as names."""
        return tuple(filter(None, (one.strip() for one in self.member_strata.split(","))))

    @property
    def storage(self) -> str:
        """Return the folder or URL under which features and evidence are stored."""
        return self.storage_url or str(self.home.absolute() / "storage")


def variable_of(name: str) -> str:
    """Return the environment variable of a setting.

    >>> variable_of("home"), variable_of("anthropic_api_key")
    ('MEMORY_HOME', 'ANTHROPIC_API_KEY')
    """
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"MEMORY_{name.upper()}"


def home_of_environment() -> Path:
    """Return the folder of the memory, as the environment names it: where the file of settings is."""
    found = [value for name, value in os.environ.items() if name.upper() == "MEMORY_HOME"]
    return Path(found[0]) if found else DEFAULT_HOME


def parse_interval(text: str) -> timedelta:
    """Read a duration such as `30m`, `24h` or `7d`.

    Raises
    ------
    ValueError
        When the text is not a whole positive number followed by m, h or d.
    """
    match = re.fullmatch(r"\s*([1-9]\d*)\s*([mhd])\s*", text)
    if match is None:
        msg = f"{text!r} is not an interval; write a whole number and m, h or d, for example 24h"
        raise ValueError(msg)
    return timedelta(**{_INTERVAL_UNITS[match[2]]: int(match[1])})


def parse_schedule(text: str) -> timedelta | str:
    """Read when something is due: an interval such as `24h`, or a cron string such as `0 6 * * 1-5`.

    Returns
    -------
    timedelta or str
        The interval, or the cron string as Dagster takes it.

    Raises
    ------
    ValueError
        When the text is neither.
    """
    cron = text.strip()
    if not cron.startswith("@") and len(cron.split()) < _CRON_FIELDS:
        try:
            return parse_interval(text)
        except ValueError as error:
            raise ValueError(f"{error}, or a cron string, for example '0 6 * * 1-5'") from error
    from croniter import croniter  # noqa: PLC0415 - few settings are cron strings

    # Dagster takes five fields or a name such as @daily; the library would take seconds and years too.
    if len(cron.split()) > _CRON_FIELDS or not croniter.is_valid(cron):
        raise ValueError(
            f"{text!r} is not a cron string; write minute, hour, day of the month, month and day of the "
            "week, for example '0 6 * * 1-5' (06:00 UTC from Monday to Friday)"
        )
    return cron


@cache
def contracts_folder() -> Path:
    """Return the folder of the data contracts and mappings, of a checkout or an installed package."""
    package = Path(__file__).resolve().parent
    for folder in (package.parent / "data_contracts", package / "_contracts"):
        if folder.is_dir():
            return folder
    msg = f"data_contracts was found neither beside nor inside {package}; install the package again"
    raise FileNotFoundError(msg)
