"""Charts that can be drawn."""

from pydantic import BaseModel, Field


class ChartParameter(BaseModel):
    """What a chart can be told."""

    name: str = Field(description="Name of the query parameter.", examples=["segment_column"])
    meaning: str = Field(description="What it decides.")
    values: list[str] = Field(description="Values that it takes; empty: a number.")


class ChartKind(BaseModel):
    """A kind of chart."""

    kind: str = Field(description="Its name in the address.", examples=["success_over_time"])
    title: str = Field(description="What it shows.")
    address: str = Field(
        description="Where it is.", examples=["/api/memory/visualizations/success_over_time"]
    )
    parameters: list[ChartParameter]


class ChartIndex(BaseModel):
    """All kinds of charts."""

    items: list[ChartKind]
    formats: list[str] = Field(
        description="Forms in which each can be had.", examples=[["json", "png", "svg"]]
    )
