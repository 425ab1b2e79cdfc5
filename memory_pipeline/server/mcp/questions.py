"""What the tools ask the memory, as plain values: the one place where they meet `Memory`."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.canonical_json import record_id_of
from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.server.mcp.arguments import refuse, unknown
from memory_pipeline.server.problems import FieldError, ProblemError
from memory_pipeline.service.records import to_json, to_records
from memory_pipeline.store import reads
from memory_pipeline.store.models import ServedRecommendation
from memory_pipeline.store.served import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from memory_pipeline.memory import Memory

    Position = tuple[datetime, str]

_NOT_FOUND = 404
_NOT_READY = 409


def ask_advice(memory: Memory, context: Mapping[str, Any], *, asked_by: str) -> dict[str, Any]:
    """Return advice as `Answer.to_dict` has it, and log it with the name of the token that asked."""
    with _answered():
        _check_columns("get_advice", context, known_columns(memory)[0])
        return memory.serving.recommend(context, asked=Asked("mcp", asked_by)).to_dict()


def check_approach(memory: Memory, context: Mapping[str, Any], approach: Mapping[str, Any]) -> dict[str, Any]:
    """Return what became of attempts with an approach, as `ApproachCheck.to_dict` has it."""
    with _answered():
        _check_columns("check_approach", context, known_columns(memory)[0])
        return _document(memory.check_approach(context, approach).to_dict())


def known_columns(memory: Memory) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the context columns and the settings that advice is about; none before the first rebuild."""
    try:
        policy = memory.current_policy.read()
    except FileNotFoundError:
        return (), ()
    return tuple(policy.context), tuple(policy.approach)


def store_outcome(memory: Memory, record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Store one outcome under the contract of outcomes.

    Returns
    -------
    dict
        `status` (`stored`, `changed`, `unchanged` or `quarantined`), `id` and, where it was refused,
        `problem`.
    """
    with _answered():
        report = memory.ingest([dict(record)], name=name)
    if report.quarantined:
        return {"status": "quarantined", "id": None, "problem": report.problems[0]}
    status = "stored" if report.new else "changed" if report.changed else "unchanged"
    return {"status": status, "id": report.stored_ids[0], "problem": None}


def stored_outcome(memory: Memory, source: str, record_id: str) -> dict[str, Any] | None:
    """Return the outcome that a source reported under an id; None where there is none."""
    return _outcome(memory, record_id_of(source, record_id))


def is_served(memory: Memory, recommendation_id: str) -> bool:
    """Return whether an answer with this id was given; asked after `store_outcome`."""
    return bool(reads.count_rows(memory.store, ServedRecommendation, id=recommendation_id))


def read_outcome(memory: Memory, identity: str) -> dict[str, Any]:
    """Return one outcome with everything that is known about it.

    Raises
    ------
    ProblemError
        When there is none.
    """
    found = _outcome(memory, identity)
    if found is None:
        msg = f"no outcome has the id {identity!r}; search_cases lists ids"
        raise ProblemError(_NOT_FOUND, msg)
    return found


def _outcome(memory: Memory, identity: str) -> dict[str, Any] | None:
    found = to_records(reads.outcomes_by_id(memory.store, [identity]))
    return _document(found[0]) if found else None


def read_batch(
    memory: Memory, filters: Mapping[str, Any], after: Position | None, size: int
) -> list[dict[str, Any]]:
    """Return outcomes, the newest first, that come after a position.

    Parameters
    ----------
    filters
        `status`, `failure_reason`, `since`; None selects all, and others are not looked at.
    after
        Time and id of the outcome after which to begin.
    size
        Most outcomes that are looked at.
    """
    wanted = {name: filters.get(name) for name in ("status", "failure_reason", "since")}
    with _answered():
        return to_records(memory.outcomes(**wanted, sort="-occurred_at", after=after, limit=size))


def explain_pattern(memory: Memory, identity: str) -> dict[str, Any]:
    """Return a pattern with everything behind it."""
    with _answered():
        return _document(memory.pattern(identity))


def explain_factor(memory: Memory, identity: str) -> dict[str, Any]:
    """Return a factor with everything behind it."""
    with _answered():
        return _document(memory.factor(identity))


def explain_month(memory: Memory, month: str) -> dict[str, Any]:
    """Return why success in a month differs from up to twelve months before it."""
    with _answered():
        return _document(memory.explain_change(after=month).to_dict())


def explain_member_pattern(memory: Memory, identity: str) -> dict[str, Any]:
    """Return a member pattern; who opted out is not in it, and nobody is named.

    Raises
    ------
    ProblemError
        When there is none that may be shown.
    """
    rows = to_records(memory.member_patterns(include_retired=True))
    found = [_document(row) for row in rows if str(row["id"]) == identity]
    if not found:
        msg = f"no member pattern has the id {identity!r}; `memory-pipeline show member-patterns` lists them"
        raise ProblemError(_NOT_FOUND, msg)
    return {name: value for name, value in found[0].items() if name != "related_member_ids"}


def read_status(memory: Memory) -> dict[str, Any]:
    """Return what the memory holds, and `is_rebuilt`."""
    return {**_document(memory.status()), "is_rebuilt": memory.is_rebuilt()}


@contextmanager
def _answered() -> Iterator[None]:
    """Raise what the memory says about a question as a problem; anything else is a failure of its own."""
    try:
        yield
    except (FileNotFoundError, RuntimeError) as error:
        raise ProblemError(_NOT_READY, str(error)) from error
    except KeyError as error:
        raise ProblemError(_NOT_FOUND, str(error.args[0])) from error
    except (IngestError, ValueError) as error:
        raise ProblemError(422, str(error)) from error


def _check_columns(tool: str, context: Mapping[str, Any], known: tuple[str, ...]) -> None:
    wrong: list[FieldError] = [
        unknown(f"context.{name}", name, known) for name in context if known and name not in known
    ]
    if wrong:
        raise refuse(tool, *wrong)


def _document(value: Any) -> dict[str, Any]:
    """Return a dict with its values as JSON has them."""
    document: dict[str, Any] = json.loads(to_json(value, indent=None))
    return document


def in_utc(moment: datetime) -> datetime:
    """Return a time with its zone; one without a zone is taken for UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
