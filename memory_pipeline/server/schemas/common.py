"""What the models of rows share."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Difference = Annotated[float, Field(ge=-1, le=1)]
Count = Annotated[int, Field(ge=0)]


def _all_optional(schema: dict[str, Any]) -> None:
    """Document that a row has the fields that were asked for: with `fields=` or `detail=brief`, not all."""
    schema.pop("required", None)


class Row(BaseModel):
    """A row of a list; it has the fields that were asked for."""

    model_config = ConfigDict(json_schema_extra=_all_optional)


class Decided(Row):
    """What a person decided about a finding."""

    decision: Literal["activate", "retire", "confirm", "suppress"] | None = Field(
        description="What a person decided about it; null: the rebuilds decide."
    )
    note: str | None = Field(description="What a person noted about it.")
    decided_by: str | None = Field(description="Who decided or noted.")
    decided_at: datetime | None = Field(description="When.")


class DecisionEntry(BaseModel):
    """One decision or note about a finding."""

    decision: str | None = Field(description="The decision from then on; null: the rebuilds decide.")
    note: str | None = Field(description="The note from then on.")
    decided_by: str = Field(description="Who.", examples=["ann"])
    decided_at: datetime = Field(description="When.")


class Page(BaseModel):
    """A page of a list; the models of pages add the items."""

    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null on the last page."
    )
    total: Count = Field(description="Rows that the filters select, as of the first page.", examples=[128])
