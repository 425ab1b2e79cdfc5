"""Every setting of the project, read from the environment in one place.

What belongs here: names, defaults, limits and the meaning of each `MEMORY_*` variable.
What does not: anything that acts on a setting.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_INTERVAL_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Settings(BaseSettings):
    """What can be configured, each with its environment variable `MEMORY_<NAME>`.

    Raises
    ------
    pydantic.ValidationError
        When a variable holds a value outside its documented range.
    """

    model_config = SettingsConfigDict(env_prefix="MEMORY_", extra="ignore", frozen=True)

    home: Path = Field(
        default=Path(".memory"),
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
    min_sample_size: int = Field(
        default=30, ge=2, description="Attempts that a pattern or a recommendation must at least rest on."
    )
    min_units: int = Field(
        default=5,
        ge=2,
        description="Different applications (evidence units) that a pattern must at least rest on.",
    )
    confidence_threshold: float = Field(
        default=0.7, ge=0, le=1, description="Confidence below which no approach is recommended."
    )
    exploration: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="0: always the best approach. Above: answers are drawn by how probable it is that each "
        "approach is the best (Thompson sampling), and this share of them evenly.",
    )
    control_share: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of the answers that are withheld at random, so that what advice changes can be "
        "measured like in an experiment.",
    )
    evidence_half_life: str | None = Field(
        default=None,
        description="Time after which an attempt counts half for advice, such as 365d; unset: for ever. "
        "Changes are detected either way.",
    )
    max_patterns: int = Field(
        default=100, ge=1, description="Patterns that are kept active, the most confident first."
    )
    false_discovery_rate: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Expected share of false findings among the reported ones, over everything searched.",
    )
    update_interval: str = Field(
        default="24h", description="How often the schedule rebuilds the analysis: a number and m, h or d."
    )
    update_after_outcomes: int = Field(
        default=100, ge=1, description="New or corrected outcomes after which the sensor asks for a rebuild."
    )
    unit: str = Field(
        default="application_name",
        description="The column whose values repeat and count as one witness each (the evidence unit).",
    )
    community_name: str = Field(default="the community", description="What the members' community is called.")

    @field_validator("home")
    @classmethod
    def _home_is_a_folder(cls, value: Path) -> Path:
        if value.exists() and not value.is_dir():
            msg = "it is a file; name a folder, which is made where it is missing"
            raise ValueError(msg)
        return value

    @field_validator("database_url")
    @classmethod
    def _database_is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"postgres(ql)?(\+\w+)?://", value.get_secret_value()):
            msg = "it names no PostgreSQL server; write postgresql://user:password@host:5432/database"
            raise ValueError(msg)
        return value

    @field_validator("update_interval", "evidence_half_life")
    @classmethod
    def _interval_is_readable(cls, value: str | None) -> str | None:
        if value is not None:
            parse_interval(value)
        return value

    @property
    def update_every(self) -> timedelta:
        """`update_interval` as a duration."""
        return parse_interval(self.update_interval)

    @property
    def storage(self) -> str:
        """Folder or URL under which features and evidence are kept."""
        return self.storage_url or str(self.home.absolute() / "storage")


def parse_interval(text: str) -> timedelta:
    """Read a duration such as `30m`, `24h` or `7d`.

    Raises
    ------
    ValueError
        When the text is not a whole positive number followed by m, h or d.
    """
    match = re.fullmatch(r"\s*([1-9]\d*)\s*([mhd])\s*", text)
    if match is None:
        msg = f"{text!r} is no interval; write a whole number and m, h or d, for example 24h"
        raise ValueError(msg)
    return timedelta(**{_INTERVAL_UNITS[match[2]]: int(match[1])})


@cache
def contracts_folder() -> Path:
    """Folder of the data contracts and mappings, in a checkout or in an installed package."""
    package = Path(__file__).resolve().parent
    for folder in (package.parent / "data_contracts", package / "_contracts"):
        if folder.is_dir():
            return folder
    msg = f"data_contracts was found neither beside nor inside {package}; install the package again"
    raise FileNotFoundError(msg)
