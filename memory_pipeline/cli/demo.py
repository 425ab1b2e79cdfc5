"""`demo`: run the whole pipeline on a generated sample organisation."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from memory_pipeline.cli import tables
from memory_pipeline.cli.context import console, opened_memory, output
from memory_pipeline.cli.recommend import print_answer
from memory_pipeline.cli.run import rebuild_with_progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from memory_pipeline.ingest import IngestReport
    from memory_pipeline.memory import Memory

SOURCE = "sample"
WHAT_ADVICE_TAKES = (
    "outcome_features",
    "outcome_evidence",
    "approach_recommendations",
)
ADVISED, DAYS = 2_000, 80
CONTROL_SHARE = 0.3
EXAMPLE = {"application_type": "developer_tools", "installer_type": "msi"}


@click.command()
def demo() -> None:
    """Generate a sample organisation, learn from its history, and show what was learned."""
    with opened_memory() as memory:
        _check_no_other_data(memory)
        console.print(
            "A synthetic organisation that packages Windows applications; every record is generated."
        )
        reports = _load_sample(memory)
        is_new = any(report.new + report.changed for report in reports)
        if memory.advised_outcomes().empty:
            console.print("Learning from it what advice needs:")
            rebuild_with_progress(memory.settings, memory.store, only=WHAT_ADVICE_TAKES)
            console.print(Text(_continue_with_advice(memory)))
            is_new = True
        if is_new or not memory.is_rebuilt():
            console.print("Learning from everything:")
            rebuild_with_progress(memory.settings, memory.store)
        else:
            console.print("Nothing new since the last rebuild: its findings are current.")
        _print_results(memory)
        _print_next_steps()


def _check_no_other_data(memory: Memory) -> None:
    others = [source for source in memory.sources() if source != SOURCE]
    if others:
        msg = (
            f"this memory holds outcomes of {', '.join(others)}; the demo would mix its synthetic ones into "
            "them. Give it a home of its own: MEMORY_HOME=.memory-demo memory-pipeline demo"
        )
        raise click.ClickException(msg)


def _load_sample(memory: Memory) -> list[IngestReport]:
    """Write the sample as files and ingest them, as a user would with files of their own."""
    from memory_pipeline.ingest import ingest_file  # noqa: PLC0415 - keeps `--help` quick
    from memory_pipeline.worlds import sample_organisation  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder, console.status("generating and loading the sample"):
        outcomes, members = sample_organisation().to_files(Path(folder))
        reports = [
            ingest_file(memory.store, "outcomes", outcomes, source=SOURCE),
            ingest_file(memory.store, "members", members, source=SOURCE),
        ]
    for report in reports:
        console.print(
            f"  {report.kind}: {report.new:,} new, {report.changed:,} changed, {report.unchanged:,} known",
            highlight=False,
        )
    return reports


def _print_results(memory: Memory) -> None:
    from memory_pipeline.analysis.learning.trend_text import describe_change  # noqa: PLC0415 - SciPy, Numba

    _title("What makes attempts succeed or fail (strongest patterns)")
    patterns = memory.patterns()
    output.print(tables.patterns(patterns[patterns["target"] == "success"].head(6)))
    _title("What single settings change, everything else being equal (top factors)")
    output.print(tables.factors(memory.factors().head(6), width=output.width))
    _title("Advice for one application")
    print_answer(memory.recommend(EXAMPLE))
    _title("Does the advice help?")
    output.print(Text(f"Verified: {memory.advice_verifications()['reason'].iloc[0]}"))
    _title("How results developed")
    measures = memory.learning("success_rate")
    output.print(tables.success_by_month(measures))
    output.print(Text(f"In all: {describe_change(measures)}"))
    for team in sorted(set(measures.loc[measures["segment_column"] == "team", "segment_value"])):
        part = measures[(measures["segment_column"] == "team") & (measures["segment_value"] == team)]
        output.print(Text(f"{team}: {describe_change(part.assign(segment_column='', segment_value=''))}"))


def _continue_with_advice(memory: Memory) -> str:
    """Generate attempts made with advice, a share of it withheld, and return its true effect as a text."""
    import numpy as np  # noqa: PLC0415

    from memory_pipeline.ingest import ingest_file  # noqa: PLC0415
    from memory_pipeline.worlds import Answer, continue_with_advice, sample_organisation, write_records  # noqa: PLC0415

    organisation = sample_organisation()
    # Withheld answers are drawn from a fixed seed, so that every run of the demo prints the same.
    random = np.random.default_rng(organisation.seed)
    withheld = 0

    def ask(contexts: Sequence[Mapping[str, Any]]) -> list[Answer]:
        nonlocal withheld
        answers = memory.recommend_all(contexts, control_share=CONTROL_SHARE, rng=random)
        withheld = sum(answer.withheld for answer in answers)
        return [
            Answer(str(answer.recommendation_id), answer.advice.recommended_approach) for answer in answers
        ]

    with (
        tempfile.TemporaryDirectory() as folder,
        console.status(f"{ADVISED:,} further attempts, each after asking for advice"),
    ):
        went_on = continue_with_advice(organisation, ask, attempts=ADVISED, days=DAYS)
        path = write_records(Path(folder) / "advised.jsonl", went_on.outcomes)
        ingest_file(memory.store, "outcomes", path, source=SOURCE)
    others = went_on.without - withheld
    unknown = f"; in {others:,} cases the evidence was not enough for advice" if others else ""
    return (
        f"The organisation made {ADVISED:,} further attempts and asked for advice before each. "
        f"{withheld:,} answers were withheld, as a control; {went_on.followed:,} were followed, "
        f"{went_on.not_followed:,} were not{unknown}. What the answers truly changed, which only "
        f"the generator knows: {100 * went_on.true_gain:+.1f} points of success."
    )


def _print_next_steps() -> None:
    _title("Where to look next")
    for command, what in (
        ("make dashboard", "pages in the browser, at http://127.0.0.1:8017: outcomes, findings, advice"),
        ("make dev", "the whole graph in the Dagster UI: tables, pictures, checks"),
        ("make notebook", "learning charts in JupyterLab"),
        (
            "memory-pipeline show patterns",
            "everything that was found; also factors, recommendations, learning",
        ),
        ("memory-pipeline recommend --installer-type exe", "advice for another application"),
    ):
        output.print(Text(f"  {command:<34} {what}"))


def _title(text: str) -> None:
    output.print()
    output.print(Text(text, style="bold underline"))
