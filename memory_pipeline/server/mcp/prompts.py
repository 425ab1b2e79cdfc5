"""The prompt that takes an agent through one package: ask, check, act, report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import mcp_types as types

from memory_pipeline.server.mcp.arguments import unknown
from memory_pipeline.server.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "package_application"
INSTRUCTIONS = """\
This is the organisation's memory of packaging attempts. Ask get_advice before packaging, check_approach \
before a packaging command runs, and report_outcome after every attempt, success or not, with the \
recommendation_id and whether the advice was followed: that is how the memory learns whether its advice \
helps."""
_ARGUMENTS = {
    "application_name": "Name of the application.",
    "installer_type": "Such as msi, exe or msix.",
    "application_type": "What kind of application it is, such as erp.",
    "application_vendor": "Who makes it.",
    "task": "What else is wanted.",
}
_LONGEST = 500
_TEXT = """\
Package {application}.{task}

1. Call get_advice with the context {context}, and what else you know about it (memory_status lists the \
columns).
2. Follow the advice where nothing speaks against it; leave as they are the settings that it leaves open. \
Where you choose otherwise, note why.
3. Before you run a packaging command, call check_approach with the command. Where it failed before, \
choose another way or ask the person you work for.
4. After the attempt, call report_outcome: outcome_status success, failure or partial, the settings that \
were used (or the command), failure_reasons where it failed, manual_interventions where a person had to \
help, the recommendation_id, and recommendation_followed. Do so for a failed attempt too, before you try \
again.
5. Tell the person what was advised, what you did, and how it ended."""


def prompts() -> list[types.Prompt]:
    """Return the prompts that there are."""
    return [
        types.Prompt(
            name=NAME,
            title="Package an application",
            description="Ask the memory, act, and report the outcome.",
            arguments=[
                types.PromptArgument(name=name, description=said, required=name == "application_name")
                for name, said in _ARGUMENTS.items()
            ],
        )
    ]


def read_prompt(name: str, given: Mapping[str, str]) -> types.GetPromptResult:
    """Return a prompt with its arguments filled in.

    Raises
    ------
    ProblemError
        When there is no such prompt or argument, or a required one is missing.
    """
    if name != NAME:
        raise ProblemError(404, f"there is no prompt {name[:100]!r}; the only one is {NAME}")
    for one in given:
        if one not in _ARGUMENTS:
            error = unknown(one[:100], one, _ARGUMENTS)
            raise ProblemError(422, f"{NAME} has no argument {one[:100]!r}: {error.remedy}", (error,))
    known = {one: " ".join(value.split())[:_LONGEST] for one, value in given.items() if value.strip()}
    if "application_name" not in known:
        raise ProblemError(422, f"{NAME} needs application_name: name the application to package")
    context = {one: value for one, value in known.items() if one not in {"application_name", "task"}}
    text = _TEXT.format(
        application=known["application_name"],
        task=f" {known['task']}" if "task" in known else "",
        context=json.dumps(context, ensure_ascii=False),
    )
    message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
    return types.GetPromptResult(description=f"Package {known['application_name']}", messages=[message])
