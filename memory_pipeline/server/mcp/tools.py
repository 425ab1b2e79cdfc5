"""The six tools: what each does, who may use it, and how its answer is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memory_pipeline.server.mcp import questions
from memory_pipeline.server.mcp.answers import (
    AdviceAnswer,
    CheckAnswer,
    ExplainAnswer,
    ReportAnswer,
    SearchAnswer,
    StatusAnswer,
)
from memory_pipeline.server.mcp.arguments import (
    AdviceArguments,
    Arguments,
    CheckArguments,
    ExplainArguments,
    ReportArguments,
    SearchArguments,
    StatusArguments,
    check_names,
    read_arguments,
    refuse,
    unknown,
)
from memory_pipeline.server.mcp.budgets import rounded
from memory_pipeline.server.mcp.explaining import explain
from memory_pipeline.server.mcp.reports import build_report, read_command
from memory_pipeline.server.mcp.searching import search
from memory_pipeline.server.mcp.wording import brief_advice, brief_case, say_advice, say_status
from memory_pipeline.server.problems import FieldError, ProblemError
from memory_pipeline.store.access import add_audit
from memory_pipeline.store.models import OUTCOME_STATUSES, SCOPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel

    from memory_pipeline.ingest import Problem
    from memory_pipeline.memory import Memory
    from memory_pipeline.store.access import Grant

_OK, _REFUSED = 200, 422


@dataclass(frozen=True)
class Caller:
    """Who calls a tool: what they may do, and the id of their request."""

    grant: Grant
    request_id: str


@dataclass(frozen=True)
class Tool:
    """A tool as it is offered.

    Attributes
    ----------
    name, title, description
        What an agent reads.
    arguments, answer
        Models of what it takes and answers.
    scope
        What a token needs.
    run
        Makes the answer: a short text, and the values of the answer's model.
    """

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    answer: type[BaseModel]
    scope: str
    run: Callable[[Memory, Mapping[str, Any], Caller], tuple[str, dict[str, Any]]]


def get_advice(memory: Memory, sent: Mapping[str, Any], caller: Caller) -> tuple[str, dict[str, Any]]:
    """Advise on an application, and log the answer."""
    arguments = read_arguments(AdviceArguments, sent, "get_advice")
    answer = brief_advice(questions.ask_advice(memory, arguments.context, asked_by=caller.grant.name))
    return say_advice(answer), answer


def check_approach(memory: Memory, sent: Mapping[str, Any], _: Caller) -> tuple[str, dict[str, Any]]:
    """Return whether an approach failed before."""
    arguments = read_arguments(CheckArguments, sent, "check_approach")
    if bool(arguments.approach) == (arguments.command is not None):
        both = "send one of them" if arguments.approach else "send the settings, or a command line instead"
        raise refuse("check_approach", FieldError("approach", None, both))
    context, approach, read = dict(arguments.context), arguments.approach, None
    if arguments.command is not None:
        parsed = read_command("check_approach", arguments.command)
        read = {name: value for name, value in parsed.to_dict().items() if name not in {"tool", "action"}}
        del read["inferred"]
        approach = parsed.approach
        if not approach:
            raise refuse("check_approach", FieldError("command", parsed.command[:200], "it has no settings"))
        known = questions.known_columns(memory)[0]
        if parsed.installer_type is not None and (not known or "installer_type" in known):
            context.setdefault("installer_type", parsed.installer_type)
    found = rounded(questions.check_approach(memory, context, approach))
    answer = {name: found[name] for name in CheckAnswer.model_fields if name in found}
    answer |= {"cases": [brief_case(one) for one in found["cases"][:2]], "read_from_command": read}
    return str(found["sentence"]), answer


def report_outcome(memory: Memory, sent: Mapping[str, Any], caller: Caller) -> tuple[str, dict[str, Any]]:
    """Store an outcome, once; what breaks the contract waits in quarantine."""
    check_names(ReportArguments, sent, "report_outcome")
    report = build_report("report_outcome", sent, caller.grant.name, datetime.now(tz=UTC))
    record, notes = report.record, []
    earlier = questions.stored_outcome(memory, record["source"], record["source_record_id"])
    if earlier is not None and not report.is_timed:
        record["occurred_at"] = earlier["occurred_at"]
    stored = questions.store_outcome(memory, record, f"MCP ({caller.grant.name})")
    _audit(memory, caller, stored)
    problem = stored["problem"]
    if problem is not None:
        name, remedy = _mend(problem)
        said = remedy if name in remedy else f"{name}: {remedy}"
        raise ProblemError(
            _REFUSED,
            f"report_outcome stored nothing: {said}. What was sent waits in "
            f"quarantine; correct it and report again with the idempotency_key {report.key!r}",
            (FieldError(name, problem.value, remedy),),
        )
    if stored["status"] == "unchanged" and "idempotency_key" not in sent:
        notes.append(
            "An equal report was stored before. If this was another attempt, send its occurred_at, or an "
            "idempotency_key of its own."
        )
    named = record.get("recommendation_id")
    if named is not None and not questions.is_served(memory, named):
        notes.append(
            f"recommendation_id {named!r} is not the id of an answer that was given; the outcome is stored, "
            "and counts as advised once there is one."
        )
    answer = {
        "status": stored["status"],
        "outcome_id": stored["id"],
        "idempotency_key": report.key,
        "stored": report.shown(),
        "notes": notes,
    }
    return " ".join([f"{str(stored['status']).capitalize()} as outcome {stored['id']}.", *notes]), answer


def _mend(problem: Problem) -> tuple[str, str]:
    """Return the argument that broke the contract of outcomes, and what to send instead."""
    if problem.field == "outcome_status" and problem.value is not None:
        return problem.field, unknown(problem.field, problem.value, OUTCOME_STATUSES).remedy
    ours = ("approach_details", "approach")
    return problem.field.replace(*ours), problem.reason.replace(*ours)


def _audit(memory: Memory, caller: Caller, stored: Mapping[str, Any]) -> None:
    entry = {
        "actor": caller.grant.name,
        "door": "mcp",
        "action": "report_outcome",
        "target": stored["id"],
        "status": _OK if stored["problem"] is None else _REFUSED,
        "request_id": caller.request_id,
        "details": {"outcome": stored["status"]},
    }
    add_audit(memory.store, [entry])


def search_cases(memory: Memory, sent: Mapping[str, Any], _: Caller) -> tuple[str, dict[str, Any]]:
    """Return recorded attempts, the newest first."""
    return search(memory, read_arguments(SearchArguments, sent, "search_cases"))


def explain_finding(memory: Memory, sent: Mapping[str, Any], _: Caller) -> tuple[str, dict[str, Any]]:
    """Return what is behind a finding."""
    return explain(memory, read_arguments(ExplainArguments, sent, "explain_finding"))


def memory_status(memory: Memory, sent: Mapping[str, Any], caller: Caller) -> tuple[str, dict[str, Any]]:
    """Return what the memory holds, and what it is worth."""
    read_arguments(StatusArguments, sent, "memory_status")
    found = questions.read_status(memory)
    columns, settings = questions.known_columns(memory)
    same = {name: found[name] for name in StatusAnswer.model_fields if name in found}
    answer = {
        **same,
        "contexts_with_advice": found["recommendations_with_an_approach"],
        "context_columns": list(columns),
        "settings": list(settings),
        "you_may": [scope for scope in SCOPES if caller.grant.allows(scope)],
    }
    return say_status(answer), answer


TOOLS = {
    one.name: one
    for one in (
        Tool(
            "get_advice",
            "Ask how to package an application",
            "Ask before packaging: which settings succeed for an application like this one, what to "
            "expect of them, what to avoid, and past cases. Keep recommendation_id for report_outcome.",
            AdviceArguments,
            AdviceAnswer,
            "read",
            get_advice,
        ),
        Tool(
            "check_approach",
            "Check whether an approach failed before",
            "About to run a packaging command or to choose settings? This says whether that failed "
            "before: failed_before, worked_before or unknown, with counts and the two best cases.",
            CheckArguments,
            CheckAnswer,
            "read",
            check_approach,
        ),
        Tool(
            "report_outcome",
            "Report how an attempt ended",
            "Report after every attempt, success or not: the memory learns from it. With "
            "recommendation_id and recommendation_followed it also shows whether advice helps. Sending "
            "the same again changes nothing.",
            ReportArguments,
            ReportAnswer,
            "report",
            report_outcome,
        ),
        Tool(
            "search_cases",
            "Search past attempts",
            "Find recorded attempts by context, settings, status, failure reason or words; the newest "
            "first, at most 10 at a time.",
            SearchArguments,
            SearchAnswer,
            "read",
            search_cases,
        ),
        Tool(
            "explain_finding",
            "Explain a finding",
            "Explain a pattern, a success factor or a member pattern by its id: the sentence, the "
            "evidence, its caveats, what a person decided, and cases.",
            ExplainArguments,
            ExplainAnswer,
            "read",
            explain_finding,
        ),
        Tool(
            "memory_status",
            "What the memory holds",
            "What the memory holds, how current it is, how applications can be described to it, and "
            "what it is worth so far.",
            StatusArguments,
            StatusAnswer,
            "read",
            memory_status,
        ),
    )
}
"""All tools, by name."""
