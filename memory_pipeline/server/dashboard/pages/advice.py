"""Advice: describe an application, see what to do and what to expect, and say what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.analysis.names import STANDARD_CONTEXT
from memory_pipeline.server.dashboard.attempt_reports import record_of
from memory_pipeline.server.dashboard.forms import SentForm, see
from memory_pipeline.server.dashboard.lists import part_of
from memory_pipeline.server.dashboard.outcome_filters import Field
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dependencies import OpenedMemory, Reader, Reporter
from memory_pipeline.server.metrics import count_outcomes
from memory_pipeline.server.problems import FieldError, ProblemError
from memory_pipeline.service.descriptions import DescriptionError
from memory_pipeline.service.records import to_records
from memory_pipeline.service.what_if import approaches_with, settings_of
from memory_pipeline.store.served import Asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from memory_pipeline.memory import Memory

router = APIRouter(prefix="/advice")
CONTEXT, WHAT_IF = "context.", "if."
_MOST_CHANGES = 100
_MOST_ALIKE = 5


@router.get("")
def advice(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show the form and, where an application is described, what would be answered; nothing is logged."""
    query = request.query_params.multi_items()
    application = request.query_params.get("application", "").strip()
    context, is_looked_up = _described(query), False
    if application and not context:
        context, is_looked_up = _newest_context(memory, application), True
    answer, problems = None, []
    if context or "look" in request.query_params:
        try:
            answer = memory.serving.recommend(context, log=False).to_dict(is_full=True)
        except DescriptionError as error:
            problems = [vars(one) for one in error.problems]
        except FileNotFoundError:
            answer = None
    version = memory.version("recommendations", "features", "verification")
    table, attempts, changes = request.app.state.kept.get("advice", version, lambda: _table(memory))
    contexts, following = part_of(list(zip(table, attempts, strict=True)), request)
    return render(
        request,
        "advice.html",
        fields=_fields(memory),
        applications=[one["value"] for one in memory.vocabulary()["applications"]],
        application=application,
        context=context,
        is_looked_up=is_looked_up,
        is_asked=bool(context or application or "look" in request.query_params),
        answer=answer,
        problems=problems,
        patterns=_patterns(memory, answer),
        what_if=None if answer is None else _what_if(memory, answer, query),
        contexts=[
            {**row, "attempts": number, "address": _address(row["conditions"])} for row, number in contexts
        ],
        contexts_total=len(table),
        following=following,
        changes=changes[:_MOST_CHANGES],
        changes_total=len(changes),
    )


@router.post("")
def ask(memory: OpenedMemory, grant: Reader, sent: SentForm) -> Response:
    """Serve an answer, which is logged so that an outcome can name it."""
    try:
        asked = Asked("page", grant.name)
        given = memory.serving.recommend(_described(sent.items()), asked=asked)
    except DescriptionError as error:
        problems = tuple(FieldError(one.column, one.value, one.remedy, one.nearest) for one in error.problems)
        raise ProblemError(422, str(error), problems) from error
    query = {"application": sent["application"]} if sent.get("application") else {}
    return see(f"/advice/{given.recommendation_id}{'?' if query else ''}{urlencode(query)}")


@router.get("/{identity}")
def served(request: Request, memory: OpenedMemory, _: Reader, identity: str) -> Response:
    """Show an answer as it was served, and ask what came of it."""
    found = memory.served(identity)
    now = None
    if not found["withheld"]:
        now = _as_of_now(memory, found)
    chosen = next(iter(approaches_with(found["candidates"], found["recommended_approach"] or {})), None)
    words = memory.vocabulary()
    return render(
        request,
        "advice_served.html",
        served={name: value for name, value in found.items() if name != "candidates"},
        expected=None if found["withheld"] else chosen,
        answer=now,
        patterns=_patterns(memory, now),
        what_if=None,
        again=_address(found["context"]),
        outcomes=to_records(memory.outcomes(recommendation_id=identity)),
        settings=_settings_to_report(found, words),
        application=request.query_params.get("application", ""),
        applications=[one["value"] for one in words["applications"]],
        statuses=[one["value"] for one in words["statuses"]],
        reasons=[one["value"] for one in words["failure_reasons"]],
        interventions=[one["value"] for one in words["intervention_kinds"]],
    )


@router.post("/{identity}/report")
def report(memory: OpenedMemory, who: Reporter, sent: SentForm, identity: str) -> Response:
    """Store what came of an attempt after an answer."""
    record = record_of(sent, memory.served(identity), memory.vocabulary())
    result = memory.report_outcomes([record], source="dashboard", name=f"dashboard ({who.name})")
    count_outcomes(result)
    (stored,) = result.records
    if stored.problem is not None:
        problem = stored.problem
        raise ProblemError(
            422,
            f"{problem.reason}. The outcome waits in quarantine under {stored.quarantine_id}",
            (FieldError(problem.field, problem.value, problem.reason),),
        )
    done = {"done": "The outcome is stored; the next rebuild learns from it."}
    return see(f"/advice/{identity}?{urlencode(done)}")


def _described(query: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the context that an address or a form describes; several values of a column are a list."""
    context: dict[str, Any] = {}
    for name, text in query:
        value, column = text.strip(), name.removeprefix(CONTEXT)
        if not name.startswith(CONTEXT) or not value:
            continue
        earlier = context.get(column)
        context[column] = value if earlier is None else [*_as_list(earlier), value]
    return context


def _newest_context(memory: Memory, application: str) -> dict[str, Any]:
    """Return what the newest attempt with an application says about it, of what advice knows."""
    found = to_records(memory.outcomes(application=application, limit=1))
    if not found:
        return {}
    row = found[0]
    known = {**{name: row[name] for name in STANDARD_CONTEXT}, **(row["context"] or {})}
    columns = {field.name.removeprefix(CONTEXT) for field in _fields(memory)}
    return {name: value for name, value in known.items() if name in columns and value is not None}


def _fields(memory: Memory) -> list[Field]:
    """Return the columns that the policy knows, with the values that occur."""
    words = {one["name"]: one["values"] for one in memory.vocabulary()["context"]}
    try:
        columns = memory.current_policy.read().context
    except FileNotFoundError:
        columns = tuple(words)
    return [
        Field(f"{CONTEXT}{name}", name, tuple(str(one["value"]) for one in words.get(name, ())))
        for name in columns
    ]


def _what_if(
    memory: Memory, answer: Mapping[str, Any], query: Iterable[tuple[str, str]]
) -> dict[str, Any] | None:
    """Return what can be chosen otherwise and, where something is, what to expect of it."""
    advised = answer["advice"]
    candidates = advised.get("candidates") or []
    if not candidates:
        return None
    values = settings_of(candidates)
    start = advised["recommended_approach"] or {}
    picked = {
        name.removeprefix(WHAT_IF): text
        for name, text in query
        if name.startswith(WHAT_IF) and text in values.get(name.removeprefix(WHAT_IF), {})
    }
    settings = {name: values[name][text] for name, text in picked.items()}
    alike = approaches_with(candidates, settings) if settings else []
    return {
        "values": values,
        "picked": picked,
        "start": start,
        "alike": alike[:_MOST_ALIKE],
        "expected": alike[0] if alike else None,
        "check": memory.check_approach(advised["context"], settings) if settings else None,
    }


def _patterns(memory: Memory, answer: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    wanted = set() if answer is None else set(answer["advice"]["supporting_patterns"])
    return [row for row in to_records(memory.patterns()) if row["id"] in wanted] if wanted else []


def _as_of_now(memory: Memory, found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the answer with its reasons, where the policy that gave it still holds."""
    try:
        now = memory.serving.recommend(found["context"], log=False).to_dict(is_full=True)
    except (DescriptionError, FileNotFoundError):
        return None
    advised = now["advice"]
    is_same = advised["policy_version"] == found["policy_version"]
    return now if is_same and advised["recommended_approach"] == found["recommended_approach"] else None


def _settings_to_report(found: Mapping[str, Any], words: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each setting with the values that occur, filled in as it was advised."""
    advised = {} if found["withheld"] else found["recommended_approach"] or {}
    return [
        {
            "name": f"approach.{one['name']}",
            "label": one["name"],
            "values": [value["value"] for value in one["values"]],
            "is_list": one["is_list"],
            "advised": advised.get(one["name"]),
        }
        for one in words["approach"]
    ]


def _table(memory: Memory) -> tuple[list[dict[str, Any]], list[int | None], list[dict[str, Any]]]:
    """Return what is advised in all contexts, the attempts in each, and what rebuilds changed."""
    rows, changes = to_records(memory.recommendations()), to_records(memory.advice_changes())
    try:
        return rows, memory.attempts_in_contexts([row["conditions"] for row in rows]), changes
    except FileNotFoundError:
        return rows, [None] * len(rows), changes


def _address(context: Mapping[str, Any]) -> str:
    query = [(f"{CONTEXT}{name}", one) for name, value in context.items() for one in _as_list(value)]
    return f"/advice?{urlencode(query)}" if query else "/advice?look=yes"


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
