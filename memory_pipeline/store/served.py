"""Log served answers, each once, and read them again by their id."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, text

from memory_pipeline.store.models import ServedCandidates, ServedRecommendation
from memory_pipeline.store.plain_values import plain_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from memory_pipeline.store.database import Store

# In one order, so that two processes that store the same candidates do not wait for each other.
_STORE_CANDIDATES = text("""
insert into served_candidates (id, candidates)
select distinct on (id) id, candidates
from jsonb_to_recordset(cast(:documents as jsonb)) as d (id text, candidates jsonb)
order by id
on conflict (id) do nothing
""")
_STORE_ANSWERS = text("""
insert into served_recommendations (
    id, context, candidates_id, recommended_approach, propensity, policy_version, withheld, control_share,
    served_at, door, asked_by, seconds)
select id, context, candidates_id, recommended_approach, propensity, policy_version, withheld, control_share,
    served_at, door, asked_by, seconds
from jsonb_to_recordset(cast(:documents as jsonb)) as d (
    id text, context jsonb, candidates_id text, recommended_approach jsonb, propensity float8,
    policy_version text, withheld boolean, control_share float8, served_at timestamptz,
    door text, asked_by text, seconds float8)
order by id
on conflict (id) do nothing
""")
LOGGED = ("context", "recommended_approach", "propensity", "policy_version")
"""What is logged of an advice, beside its candidates."""


@dataclass(frozen=True)
class Asked:
    """Who asked for an answer.

    Attributes
    ----------
    door
        Through which door: `command`, `http`, `mcp`, `page` or `program`.
    by
        Name of the token, where the door has tokens.
    """

    door: str = "program"
    by: str | None = None


BY_PROGRAM = Asked()
"""Of an answer that a program asked `Memory` for."""


def log_served(store: Store, served: Sequence[Mapping[str, Any]]) -> list[str]:
    """Log answers and return their ids.

    Parameters
    ----------
    store
        The store.
    served
        `LOGGED` and `candidates` of each; `withheld` (False), `control_share` (0), and `door`, `asked_by` and
        `seconds` (not known) may be left out.
    """
    if not served:
        return []
    now = datetime.now(tz=UTC).isoformat()
    answers, candidates = [], []
    for one in served:
        lists = candidates_document(one["candidates"])
        candidates.append(lists)
        answers.append(
            {
                "id": str(uuid.uuid4()),
                "withheld": False,
                "control_share": 0.0,
                **{name: value for name, value in plain_value(one).items() if name != "candidates"},
                "candidates_id": lists["id"],
                "served_at": now,
            }
        )
    with store.transaction() as connection:
        store_documents(connection, json.dumps(candidates), json.dumps(answers))
    return [str(one["id"]) for one in answers]


def candidates_document(candidates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return candidates with their id, a hash of what they are: a row of `served_candidates`."""
    plain = plain_value(list(candidates))
    content = json.dumps(plain, sort_keys=True, ensure_ascii=False)
    return {"candidates": plain, "id": hashlib.sha256(content.encode()).hexdigest()[:32]}


def store_documents(connection: Connection, candidates: str, answers: str) -> None:
    """Store lists of candidates and answers, each a JSON array; what is stored already stays as it is."""
    connection.execute(_STORE_CANDIDATES, {"documents": candidates})
    connection.execute(_STORE_ANSWERS, {"documents": answers})


def read_served(store: Store, identity: str) -> dict[str, Any]:
    """Read a served answer with its `candidates`: the columns of `served_recommendations` as a dict.

    Raises
    ------
    KeyError
        When no answer has that id.
    """
    served, lists = ServedRecommendation, ServedCandidates
    query = (
        select(*served.__table__.columns, lists.candidates)
        .outerjoin(lists, lists.id == served.candidates_id)
        .where(served.id == identity)
    )
    with store.transaction() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        raise KeyError(f"no answer was served under the id {identity!r}; it is in `recommendation_id`")
    return {name: value for name, value in row.items() if name != "candidates_id"}
