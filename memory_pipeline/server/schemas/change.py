"""Why success changed between two spans."""

from typing import Literal

from pydantic import BaseModel, Field

from memory_pipeline.server.schemas.common import Count, Difference, Share

Month = Field(description="A month.", examples=["2026-06"], pattern=r"^\d{4}-\d{2}$")


class ChangeSpan(BaseModel):
    """One of the two spans that are compared."""

    first: str = Month
    last: str = Month
    attempts: Count = Field(description="Attempts in it.")
    units: Count = Field(description="Different applications in it.")
    success_rate: Share = Field(description="Share of the attempts that succeeded.")


class ChangePart(BaseModel):
    """A part of the difference in success, in shares of the attempts."""

    change: Difference = Field(description="Later less earlier.")
    ci_low: Difference = Field(description="Lower end of its interval.")
    ci_high: Difference = Field(description="Upper end; all intervals of one answer hold together with 95%.")
    is_clear: bool = Field(description="Whether the interval leaves out 0; otherwise it is inconclusive.")


class ChangeContributor(ChangePart):
    """What one value of a column contributes."""

    kind: Literal["mix", "rate"] = Field(
        description="`mix`: its share of the attempts changed; `rate`: its success rate did."
    )
    column: str = Field(description="The column.", examples=["application_vendor"])
    value: str = Field(description="The value; `(other)`: all that fewer than five applications have.")
    share_before: Share = Field(description="Its share of the attempts of the earlier span.")
    share_after: Share = Field(description="Its share of those of the later one.")
    rate_before: Share | None = Field(description="Its success rate in the earlier span; null: no attempts.")
    rate_after: Share | None = Field(description="That in the later one.")
    units_before: Count = Field(description="Different applications with it in the earlier span.")
    units_after: Count = Field(description="Those in the later one.")


class ColumnMix(BaseModel):
    """How much of the difference the changed shares of one column's values explain."""

    column: str = Field(description="The column.")
    jointly: ChangePart = Field(description="Beside all other columns; these sum to the mix.")
    alone: ChangePart = Field(description="As if it were the only column.")


class Change(BaseModel):
    """The difference in success between two spans, and what it consists of."""

    before: ChangeSpan = Field(description="The earlier span.")
    after: ChangeSpan = Field(description="The later span.")
    unit: str = Field(description="Column of the evidence unit.", examples=["application_name"])
    total: ChangePart = Field(description="The difference in success: `mix` and `rate` sum to it.")
    mix: ChangePart = Field(description="What other cases explain: other vendors, types, settings came.")
    rate: ChangePart = Field(description="What is left: the same cases succeed more or less often.")
    same_units: ChangePart | None = Field(
        description="The change of applications with attempts in both spans; null: there are none."
    )
    n_same_units: Count = Field(description="How many these are.")
    columns: list[ColumnMix] = Field(description="The mix by column, the largest first.")
    contributors: list[ChangeContributor] = Field(
        description="By value of each column, the clear ones first and then the largest."
    )
    reason: str = Field(description="Why nothing can be concluded; empty where intervals tell.")
    sentences: list[str] = Field(description="All of it in words, the title first.")
    has_changed: bool = Field(description="Whether anything is clear.")
