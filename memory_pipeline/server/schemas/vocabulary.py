"""What can be said."""

from pydantic import BaseModel, Field

from memory_pipeline.server.schemas.common import Count


class KnownValue(BaseModel):
    """A value that occurs."""

    value: str = Field(description="The value, as filters take it.", examples=["msi"])
    attempts: Count | None = Field(
        description="Attempts with it, as of the last rebuild; null: not counted yet."
    )


class KnownColumn(BaseModel):
    """A column of the context, or a setting, with the values that occur."""

    name: str = Field(description="Its name.", examples=["installer_type"])
    is_list: bool = Field(description="Whether an attempt can have several of the values.")
    distinct: Count = Field(description="Different values.")
    values: list[KnownValue] = Field(max_length=200, description="The most frequent values.")


class Vocabulary(BaseModel):
    """Columns, settings and values that attempts have, and the words that filters take."""

    context: list[KnownColumn] = Field(description="What describes an application: what advice is asked by.")
    approach: list[KnownColumn] = Field(description="Settings that can be chosen.")
    applications: list[KnownValue] = Field(max_length=200, description="Applications, the most frequent.")
    statuses: list[KnownValue] = Field(description="How attempts end.")
    failure_reasons: list[KnownValue] = Field(description="First reasons of failures.")
    intervention_kinds: list[KnownValue] = Field(description="First interventions of attempts.")
    sources: list[KnownValue] = Field(description="Where records came from.")
    measures: list[str] = Field(description="Learning measures.")
    pattern_types: list[str] = Field(description="Types of patterns.")
    member_pattern_categories: list[str] = Field(description="Categories of member patterns.")
