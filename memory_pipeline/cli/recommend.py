"""`recommend`: print advice for a described application, with its reasons and the past cases behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from memory_pipeline.analysis.text import attempts_behind, confidence_text
from memory_pipeline.cli.context import json_option, opened_memory, output, print_json
from memory_pipeline.cli.tables import percent, settings_text

if TYPE_CHECKING:
    from memory_pipeline.analysis.recommendations import Advice
    from memory_pipeline.memory import Answer


@click.command()
@click.option("--vendor", "application_vendor", help="Application vendor.")
@click.option("--application-type", help="Application type, such as developer_tools.")
@click.option("--installer-type", help="Installer type, such as msi.")
@click.option(
    "--set", "others", multiple=True, metavar="KEY=VALUE", help="Anything else that is known beforehand."
)
@click.option("--look", is_flag=True, help="Do not log the answer; it gets no id.")
@json_option
def recommend(as_json: bool, look: bool, others: tuple[str, ...], **known: str | None) -> None:
    """Recommend how to package an application, from what is known about it."""
    context: dict[str, Any] = {key: value for key, value in known.items() if value is not None}
    for one in others:
        key, equals, value = one.partition("=")
        if not key or not equals:
            msg = f"--set {one!r} is not KEY=VALUE; for example --set architecture=x64"
            raise click.UsageError(msg)
        context[key.strip()] = value.strip()
    with opened_memory() as memory:
        answer = memory.recommend(context, log=not look)
    if as_json:
        print_json(answer.to_dict())
        return
    print_answer(answer)


def print_answer(answer: Answer) -> None:
    """Print an answer for a person: what to do, what to expect, why, what to avoid, and past cases."""
    advice = answer.advice
    output.print(Text(f"For {settings_text(advice.context) or 'any application'}", style="bold"))
    for note in answer.notes:
        output.print(Text(f"  {note}", style="yellow"))
    _print_approach(answer)
    if not answer.withheld:
        _print_expectation(advice)
    for reason in advice.reasons:
        output.print(Text(f"  - {reason}"))
    for avoided in advice.avoid_approach or []:
        output.print(Text(f"  - {_avoided(avoided)}", style="red"))
    if answer.cases:
        output.print("  Past cases:")
    for case in answer.cases:
        reason = f" ({case.failure_reason})" if case.failure_reason else ""
        like = (
            f", {case.settings_agreeing} of {case.settings_advised} settings" if case.settings_advised else ""
        )
        said = f"{case.occurred_at:%Y-%m-%d} {case.application_name}: {case.outcome_status}{reason}{like}"
        output.print(Text(f"  - {said}", style="dim"))
    if answer.recommendation_id is not None:
        said = f"report the outcome with recommendation_id {answer.recommendation_id}"
        output.print(Text(f"  {said}", style="dim"))


def _print_approach(answer: Answer) -> None:
    if answer.withheld:
        output.print(Text("  Withheld for the control share.", style="yellow"))
    elif answer.advice.recommended_approach is None:
        output.print(Text("  No approach is recommended.", style="yellow"))
    else:
        for key, value in answer.advice.recommended_approach.items():
            output.print(Text(f"  {key}: {settings_text({'': value}).removeprefix('=')}"))


def _print_expectation(advice: Advice) -> None:
    output.print(
        f"  expected success {percent(advice.success_rate)} "
        f"(95% interval {percent(advice.ci_low)} to {percent(advice.ci_high)}), "
        f"confidence {confidence_text(advice.confidence)}, "
        f"{attempts_behind(advice.sample_size, advice.attempts_in_context)}",
        highlight=False,
    )


def _avoided(avoided: dict[str, Any]) -> str:
    return str(avoided["sentence"]) if "sentence" in avoided else settings_text(avoided)
