"""How fast a file goes in, beside raw COPY of the same rows into a plain table.

    python benchmarks/ingest.py [--rows 200000] [--rounds 3]

A generated history as CSV and as Parquet, with other names than the contract's, read by a mapping into an
empty memory; and the same rows as PostgreSQL's `copy` takes them: the CSV file into a table of ten texts
without keys, and the stored outcomes, as `copy` wrote them, into a table with the columns, keys and indexes
of `packaging_outcomes`. Each round measures all ways one after the other. Printed are rows a second (median
of the rounds) and the ratios to both copies in the same round, with the least and the largest.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sqlalchemy import text

from memory_pipeline.memory import Memory
from memory_pipeline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAPPING = """
name: benchmark
description: Generated attempts under other names.
kind: outcomes
source: benchmark
timezone: UTC
record_id: number
renames:
  application_name: app
  application_vendor: vendor
  installer_type: installer
  occurred_at: begun
value_maps:
  - column: result
    values: {ok: {outcome_status: success}, broken: {outcome_status: failure, reason: other}}
approach: {switch: switch, wrapper: wrapper}
context: {team: team, architecture: architecture}
"""


def history(rows: int) -> pd.DataFrame:
    """Generate a history, shape (rows, 10)."""
    rng = np.random.default_rng(1)
    begun = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 700 * 86_400, rows), "s")
    return pd.DataFrame(
        {
            "number": np.arange(rows).astype(str),
            "app": np.char.add("application ", rng.integers(0, 5_000, rows).astype(str)),
            "vendor": np.char.add("vendor ", rng.integers(0, 300, rows).astype(str)),
            "installer": rng.choice(["msi", "exe", "msix"], rows),
            "begun": begun.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "result": rng.choice(["ok", "broken"], rows, p=[0.8, 0.2]),
            "switch": rng.choice(["/qn", "/S", "/quiet"], rows),
            "wrapper": rng.choice(["psadt", "none"], rows),
            "team": np.char.add("team ", rng.integers(0, 12, rows).astype(str)),
            "architecture": rng.choice(["x64", "arm64"], rows),
        }
    )


PLAIN, INDEXED = "raw COPY, texts without keys", "raw COPY, the columns and indexes of outcomes"


def ways(memory: Memory, folder: Path, frame: pd.DataFrame) -> dict[str, Callable[[], object]]:
    """Return what is measured, by name, on tables that are made here."""
    names = ", ".join(f'"{name}"' for name in frame)
    mapping = folder / "benchmark.yaml"
    memory.ingest(folder / "rows.parquet", mapping=mapping)
    with memory.store.transaction() as connection:
        columns = ", ".join(f'"{name}" text' for name in frame)
        connection.execute(text(f"create table plain_rows ({columns})"))
        connection.execute(text("create table indexed_rows (like packaging_outcomes including all)"))
    with (
        cursor_of(memory) as cursor,
        (folder / "stored").open("wb") as file,
        cursor.copy("copy packaging_outcomes to stdout (format binary)") as copy,
    ):
        for block in copy:
            file.write(block)

    def copied(file_name: str, command: str) -> None:
        with (
            cursor_of(memory) as cursor,
            (folder / file_name).open("rb") as file,
            cursor.copy(command) as copy,
        ):
            while block := file.read(2**20):
                copy.write(block)

    csv = f"copy plain_rows ({names}) from stdin (format csv, header)"
    return {
        PLAIN: lambda: copied("rows.csv", csv),
        INDEXED: lambda: copied("stored", "copy indexed_rows from stdin (format binary)"),
        "ingest of the CSV file": lambda: memory.ingest(folder / "rows.csv", mapping=mapping),
        "ingest of the Parquet file": lambda: memory.ingest(folder / "rows.parquet", mapping=mapping),
    }


@contextmanager
def cursor_of(memory: Memory) -> Iterator[Any]:
    """Open a cursor of the driver, and commit at its end."""
    connection = memory.store.engine.raw_connection()
    try:
        yield connection.cursor()
        connection.commit()
    finally:
        connection.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame = history(arguments.rows)
        frame.to_csv(folder / "rows.csv", index=False)
        frame.to_parquet(folder / "rows.parquet", index=False)
        (folder / "benchmark.yaml").write_text(MAPPING)
        settings = Settings(_env_file=None, home=folder / "home")
        with Memory.open(settings) as memory:
            measured: dict[str, list[float]] = {}
            tried = ways(memory, folder, frame)
            for _ in range(arguments.rounds):
                for way, run in tried.items():
                    with memory.store.transaction() as connection:
                        connection.execute(
                            text("truncate packaging_outcomes, plain_rows, indexed_rows cascade")
                        )
                    started = time.perf_counter()
                    run()
                    measured.setdefault(way, []).append(time.perf_counter() - started)
    print(f"{arguments.rows:,} rows, {arguments.rounds} rounds\n")
    print(f"| way | rows a second | of {PLAIN} | of {INDEXED} |\n|---|---|---|---|")
    for way, seconds in measured.items():
        cells = [f"{arguments.rows / statistics.median(seconds):,.0f}"]
        for raw in (PLAIN, INDEXED):
            ratios = [one / other for one, other in zip(measured[raw], seconds, strict=True)]
            cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
        print(f"| {way} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
