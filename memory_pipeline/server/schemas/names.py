"""Names that are read as another, names that look alike, and what persons decided about them."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from memory_pipeline.server.schemas.common import Count, Page, Row, Share

Decision = Literal["same", "different", "reset"]


class NameMerge(Row):
    """A name as it was recorded, and the name as which it is read, or which it looks like."""

    id: int = Field(description="Number of the entry.")
    column_name: str = Field(description="Which column the name is from.", examples=["application_vendor"])
    raw_name: str = Field(description="The name as recorded; of two that look alike, the rarer one.")
    name: str = Field(description="The name as which it is read; of two that look alike, the other one.")
    why: str = Field(
        description="`same spelling`, `version left out`, `decided`; `looks alike` was not merged.",
        examples=["same spelling"],
    )
    attempts: Count = Field(description="Attempts with the name as recorded.")
    similarity: Share | None = Field(description="How similar two names are that look alike.")
    created_at: datetime = Field(description="When it was read.")


class NameMergePage(Page):
    """A page of names that are read as another, the most frequent first."""

    items: list[NameMerge]


class NameDecision(Row):
    """A decision about two names of a column."""

    id: int = Field(description="Number of the decision.")
    column_name: str = Field(description="Which column the names are from.")
    name: str = Field(description="The name that was decided about.")
    other_name: str = Field(description="The name as which it counts, or from which it is apart.")
    decision: Decision = Field(description="`reset` withdraws what was decided about the two.")
    note: str | None = Field(description="Why.")
    decided_by: str = Field(description="Who decided.")
    decided_at: datetime = Field(description="When.")


class NameDecisionPage(Page):
    """A page of decisions about names, the newest first."""

    items: list[NameDecision]
