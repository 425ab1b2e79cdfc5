"""What a rebuild costs by step and by size, beside what mlxtend takes to count alone.

    python benchmarks/rebuild.py [--attempts 4 8000 20000 100000] [--new 0.01] [--yardstick 100000]

Each size is measured in a process of its own, one at a time, on the generated organisation: rebuilt once from
nothing, once more with nothing new, and once with new outcomes in the newest month. Printed are CPU seconds
of this process by step (the database's are apart), the most memory, and how the cost grows: the exponent b
of cost = a * attempts^b between neighbouring sizes. The yardstick is mlxtend's `fpgrowth` on the same
attempts and 20 columns (combinations of at most three values in 0.5 % of the attempts), supports alone.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory_pipeline.memory import Memory
from memory_pipeline.settings import Settings
from memory_pipeline.worlds import APPROACH_COLUMNS, CONTEXT_COLUMNS, sample_organisation

if TYPE_CHECKING:
    from memory_pipeline.rebuild import StepEvent

SUPPORT = 0.005
COLUMNS = 20
LENGTH = 3
LEAST = 200
"""Fewest attempts that `sample_organisation` generates; fewer are the first of so many."""


def records_of(attempts: int) -> list[dict[str, Any]]:
    """Generate attempts, as many as asked for."""
    return sample_organisation(attempts=max(attempts, LEAST), members=50).outcomes[:attempts]


def later_copies(records: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return the newest records again as new ones, a minute later each: new outcomes of the newest month."""
    newest = sorted(records, key=lambda one: one["occurred_at"])[-count:]
    return [
        {
            **one,
            "source_record_id": f"new-{number}",
            "occurred_at": one["occurred_at"] + timedelta(seconds=number % 50),
        }
        for number, one in enumerate(newest)
    ]


class Stopwatch:
    """CPU seconds of this process by step of a rebuild."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = 0.0

    def __call__(self, event: StepEvent) -> None:
        """Take the time where a step begins and ends."""
        if event.state == "started":
            self._began = time.process_time()
        else:
            name = event.step if event.kind == "asset" else "contracts"
            self.seconds[name] = self.seconds.get(name, 0) + time.process_time() - self._began


def rebuilt(memory: Memory) -> dict[str, Any]:
    """Rebuild once, and return the CPU seconds in all and by step, and the seconds by the clock."""
    watch, cpu, clock = Stopwatch(), time.process_time(), time.perf_counter()
    memory.rebuild(on_step=watch)
    return {
        "cpu": time.process_time() - cpu,
        "clock": time.perf_counter() - clock,
        "steps": watch.seconds,
    }


def measure(attempts: int, new: float) -> dict[str, Any]:
    """Measure one size: from nothing, with nothing new, and with a share of new outcomes."""
    with tempfile.TemporaryDirectory() as folder, Memory.open(Settings(home=Path(folder))) as memory:
        records = records_of(attempts)
        memory.ingest(records, source="sample")
        found = {"whole": rebuilt(memory), "nothing new": rebuilt(memory)}
        if more := later_copies(records, round(attempts * new)):
            memory.ingest(more, source="sample")
            found["new"] = rebuilt(memory)
    return {**found, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def yardstick(attempts: int) -> float:
    """Return the CPU seconds of mlxtend's counting on the flat attempts, the encoding not counted."""
    import pandas as pd  # noqa: PLC0415 - only this process needs them
    from mlxtend.frequent_patterns import fpgrowth  # noqa: PLC0415

    from memory_pipeline.analysis.features import encode  # noqa: PLC0415

    frame = sample_organisation(attempts=attempts, members=50).attempts_frame()
    names = [name for name in (*CONTEXT_COLUMNS, *APPROACH_COLUMNS) if name in frame]
    encoded = encode(frame, names, min_count=max(1, int(SUPPORT * attempts))).frame.iloc[:, :COLUMNS]
    table = pd.get_dummies(encoded, dtype=bool)
    before = time.process_time()
    fpgrowth(table, min_support=SUPPORT, max_len=LENGTH)
    return time.process_time() - before


def in_a_process(*arguments: str) -> Any:
    """Run this script on one measurement, and return what it prints as JSON."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def table(results: dict[int, dict[str, Any]], compared: float | None) -> list[str]:
    """Return the lines of the Markdown table: a column for each size."""
    lines = ["| CPU seconds | " + " | ".join(f"{size:,}" for size in results) + " |"]
    lines.append("| --- |" + " ---: |" * len(results))

    def row(name: str, values: list[Any], form: str = "{:.1f}") -> None:
        cells = ["" if value is None else form.format(value) for value in values]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")

    ones = list(results.values())
    row("**whole rebuild**", [one["whole"]["cpu"] for one in ones])
    steps = sorted(ones[-1]["whole"]["steps"], key=lambda name: -ones[-1]["whole"]["steps"][name])
    for step in steps:
        row(step, [one["whole"]["steps"].get(step) for one in ones])
    row("nothing new", [one["nothing new"]["cpu"] for one in ones])
    row("new outcomes in the newest month", [one.get("new", {}).get("cpu") for one in ones])
    row("whole rebuild, seconds by the clock", [one["whole"]["clock"] for one in ones])
    row("most memory, GB", [one["peak"] for one in ones], "{:.2f}")
    sizes = list(results)
    row(
        "growth exponent from the size before",
        [None]
        + [
            math.log(ones[i]["whole"]["cpu"] / ones[i - 1]["whole"]["cpu"])
            / math.log(sizes[i] / sizes[i - 1])
            for i in range(1, len(sizes))
        ],
        "{:.2f}",
    )
    if compared is not None:
        row("mlxtend's counting of the yardstick", [None] * (len(ones) - 1) + [compared])
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attempts", type=int, nargs="+", default=[4, 8_000, 20_000, 100_000])
    parser.add_argument("--new", type=float, default=0.01, help="new outcomes, as a share of the attempts")
    parser.add_argument("--yardstick", type=int, default=100_000, help="attempts mlxtend counts; 0 for none")
    parser.add_argument("--one", choices=["rebuild", "mlxtend"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one == "rebuild":
        print(json.dumps(measure(options.attempts[0], options.new)))
    elif options.one == "mlxtend":
        print(json.dumps(yardstick(options.yardstick)))
    else:
        shared = ("--new", str(options.new), "--yardstick", str(options.yardstick))
        results = {
            size: in_a_process("--one", "rebuild", "--attempts", str(size), *shared)
            for size in options.attempts
        }
        compared = in_a_process("--one", "mlxtend", *shared) if options.yardstick else None
        print("\n".join(table(results, compared)))


if __name__ == "__main__":
    main()
