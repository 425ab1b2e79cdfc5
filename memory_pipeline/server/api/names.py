"""Which names count as one, through a program: what is read as one, and what persons decide about it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from memory_pipeline.server.dependencies import Decider, OpenedMemory, Reader
from memory_pipeline.server.documentation import table_answers
from memory_pipeline.server.pages import descending
from memory_pipeline.server.schemas.names import (
    Decision,
    NameDecision,
    NameDecisionPage,
    NameMerge,
    NameMergePage,
)
from memory_pipeline.server.tables import PageQuery, Table, answer_table

router = APIRouter(prefix="/api/memory/names", tags=["names"])
Text = Annotated[str | None, Query(max_length=500)]
MERGES = Table(
    NameMerge,
    ("column_name", "raw_name", "name", "why", "attempts"),
    lambda row: (-row["attempts"], row["column_name"], row["raw_name"], row["id"]),
)
DECISIONS = Table(
    NameDecision,
    ("column_name", "name", "decision", "other_name", "decided_by"),
    lambda row: (descending(row["decided_at"]), -row["id"]),
)


class NamesToDecide(BaseModel):
    """What is decided about two names of a column."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "column_name": "application_vendor",
                    "name": "Contoso Ltd",
                    "other_name": "Contoso",
                    "decision": "same",
                    "note": "one company",
                }
            ]
        },
    )

    column_name: str = Field(min_length=1, max_length=300, description="Such as `application_name`.")
    name: str = Field(min_length=1, max_length=300, description="The name that is decided about.")
    other_name: str = Field(
        min_length=1, max_length=300, description="As which it counts, or from which it is apart."
    )
    decision: Decision = Field(description="`reset` withdraws what was decided about the two.")
    note: str | None = Field(None, max_length=2_000, description="Why.")
    on_behalf_of: str | None = Field(
        None, min_length=1, max_length=100, description="The person for whom a program decides."
    )


@router.get(
    "",
    summary="Names that are read as another",
    response_model=None,
    responses=table_answers(NameMerge, NameMergePage),
)
def names(
    memory: OpenedMemory,
    _: Reader,
    query: Annotated[PageQuery, Depends()],
    column: Annotated[Text, Query(description="Only names of this column.")] = None,
    why: Annotated[Text, Query(description="Only those with this reason, such as `looks alike`.")] = None,
) -> Response:
    """List which names are read as another, and which look alike, the most frequent first."""
    return answer_table(
        query, MERGES, memory.version("names"), lambda: memory.name_merges(column=column, why=why)
    )


@router.get(
    "/decisions",
    summary="What persons decided about names",
    response_model=None,
    responses=table_answers(NameDecision, NameDecisionPage),
)
def decisions(memory: OpenedMemory, _: Reader, query: Annotated[PageQuery, Depends()]) -> Response:
    """List the decisions about names, the newest first."""
    return answer_table(query, DECISIONS, memory.version("names"), memory.name_decisions)


@router.post("/decisions", response_model=NameDecision, status_code=201)
def decide(sent: NamesToDecide, memory: OpenedMemory, who: Decider) -> Any:
    """Decide whether two names are one, from the next rebuild on; what was recorded stays as it is."""
    by = who.name if sent.on_behalf_of is None else f"{who.name} for {sent.on_behalf_of}"
    return memory.decide_name(
        sent.column_name, sent.name, sent.other_name, sent.decision, by=by, note=sent.note
    )
