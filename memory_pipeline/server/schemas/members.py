"""What members have in common; nobody who may not be seen is named."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from memory_pipeline.server.schemas.common import Count, Decided, Page, Row, Share

Category = Literal[
    "skill_cluster", "interest_theme", "collaboration_opportunity", "community_strength", "cross_domain"
]


class MemberPattern(Decided):
    """A pattern among the members of a community, with questions worth asking."""

    id: int = Field(description="Identity of the pattern.")
    name: str = Field(max_length=255, description="Its name; no other has it.")
    description: str = Field(description="What it is and what to do with it.")
    category: Category = Field(description="What kind of pattern it is.")
    member_count: Count = Field(description="Members that it covers.")
    related_member_ids: list[int] = Field(description="Their ids; those who may not be seen are left out.")
    evidence: dict[str, Any] | None = Field(description="Expected count, lift, p and q values, and the rule.")
    question_prompts: list[str] = Field(description="Questions worth asking these members.")
    found_by: str = Field(description="Who found it.", examples=["statistics"])
    is_active: bool = Field(description="Whether it is in use.")
    created_at: datetime = Field(description="When it was first found.")
    updated_at: datetime = Field(description="When it was changed last.")


class MemberPatternPage(Page):
    """A page of member patterns, the largest first."""

    items: list[MemberPattern]


class MemberPatternDetail(MemberPattern):
    """One pattern among the members of a community, with everything behind it."""

    model_config = ConfigDict(json_schema_extra=None)


class Question(Row):
    """A question worth asking members, with the pattern behind it."""

    id: int = Field(description="Number of the question.")
    pattern_name: str = Field(description="The pattern that it comes from.")
    category: Category = Field(description="What kind of pattern that is.")
    question: str = Field(description="The question.")
    audience: str = Field(description="Whom to ask.")
    why: str = Field(description="What the answers are good for.")
    found_by: str = Field(description="Who wrote it.", examples=["statistics"])
    created_at: datetime = Field(description="When.")


class QuestionPage(Page):
    """A page of questions."""

    items: list[Question]


class LabelMerge(Row):
    """A label as members wrote it, and the label as which it is read."""

    id: int = Field(description="Number of the entry.")
    field: str = Field(description="Where it was written.", examples=["skills"])
    raw_label: str = Field(description="The label as it was written.")
    label: str | None = Field(description="As what it is read; null: as nothing.")
    why: str = Field(description="The reason; `looks alike` was not merged, a person decides.")
    members: Count = Field(description="Members who wrote it.")
    similarity: Share | None = Field(description="How alike the two are, where that is the reason.")
    created_at: datetime = Field(description="When it was noted.")


class LabelMergePage(Page):
    """A page of merged labels, the most frequent first."""

    items: list[LabelMerge]


class DiscoveryRun(Row):
    """One run of the pattern finder: how it ended, what it used, and what became of its claims."""

    id: str = Field(description="Identity of the run.")
    status: str = Field(description="How it ended.", examples=["completed"])
    message: str = Field(description="Why, as a sentence.")
    model: str | None = Field(description="The model that was asked.")
    focus_areas: list[str] = Field(description="What it was told to look at.")
    turns: Count = Field(description="Turns of the conversation.")
    requests: Count = Field(description="Requests to the model.")
    retries: Count = Field(description="Requests that had to be repeated.")
    refusals: Count = Field(description="Requests that the model refused.")
    input_tokens: Count = Field(description="Tokens sent.")
    output_tokens: Count = Field(description="Tokens received.")
    cache_write_tokens: Count = Field(description="Tokens written to the cache.")
    cache_read_tokens: Count = Field(description="Tokens read from it.")
    cost_usd: float | None = Field(ge=0, description="Cost in US dollars; null where prices are not known.")
    patterns_created: Count = Field(description="Patterns that it added.")
    patterns_updated: Count = Field(description="Patterns that it told better.")
    claims_refused: Count = Field(description="Claims that the data did not bear out.")
    claims: list[Any] = Field(description="Each claim, and what became of it.")
    summary: str | None = Field(description="What the model reported.")
    started_at: datetime = Field(description="When it began.")
    finished_at: datetime | None = Field(description="When it ended; null while it runs.")


class DiscoveryRunPage(Page):
    """A page of runs of the pattern finder, the newest first."""

    items: list[DiscoveryRun]
