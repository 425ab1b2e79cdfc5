"""From the features of many attempts to tested findings: by this process, and by the workers of a cluster.

    python benchmarks/scale.py [--attempts 10000000] [--workers 2] [--without-spark]

Features of 24 months are written as a rebuild writes them, a Parquet file each: 12 conditions of 2 to 12
values, in 95% of the attempts that which is usual for the application, 5,000 applications of unequal size,
one condition that matters. Then, each way in a process of its own:

- values and counts: how often each value occurs (from which the coding of conditions is learned), and the
  evidence, read from the files and written;
- search: what is found in that evidence.

Printed are seconds, CPU seconds of all processes that worked (of a cluster too, its start included), the most
memory of this process, and whether the evidence of both ways is the same to the byte. The cluster is a
standalone one on loopback with a core per worker; it needs the extra `spark` and Java.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.rebuild.collapsers import BESIDE_ROWS
from memory_pipeline.rebuild.evidence import read_evidence, update_evidence
from memory_pipeline.settings import Settings
from memory_pipeline.store.frames import OUTCOME_EVIDENCE, OUTCOME_FEATURES, FrameStore
from memory_pipeline.store.session import Session

if TYPE_CHECKING:
    import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

MONTHS, UNITS = 24, 5_000
FREE = 0.05
"""Share of the attempts in which a condition is not what is usual for the application."""
SIZES = (2, 3, 3, 4, 4, 5, 6, 6, 8, 8, 10, 12)
COLUMNS = tuple(f"c{number:02d}" for number in range(len(SIZES)))


def write_features(frames: FrameStore, attempts: int) -> None:
    """Draw a history and write it as features, a part per month."""
    share = 1 / np.arange(1, UNITS + 1)
    share /= share.sum()
    parts = []
    for month in range(MONTHS):
        rng = np.random.default_rng(month)
        size = attempts // MONTHS
        start = pd.Timestamp("2024-01-01", tz="UTC") + pd.DateOffset(months=month)
        unit = rng.choice(UNITS, size, p=share)
        columns = {}
        for place, (name, levels) in enumerate(zip(COLUMNS, SIZES, strict=True)):
            weights = np.arange(levels, 0, -1) / (levels * (levels + 1) / 2)
            usual = np.random.default_rng([99, place]).choice(levels, UNITS, p=weights)[unit]
            free = rng.random(size) < FREE
            columns[name] = np.where(free, rng.choice(levels, size, p=weights), usual)
        ease = np.random.default_rng(99).normal(0.8, 0.7, UNITS)[unit] + 0.4 * (columns["c00"] == 1)
        won = rng.random(size) < 1 / (1 + np.exp(-ease))
        frame = pd.DataFrame(
            {
                "occurred_at": start + pd.to_timedelta(rng.integers(0, 28 * 86_400, size), "s"),
                "application_name": _text("app", unit, UNITS),
                "outcome_status": pd.Categorical.from_codes(won.astype(np.int8), ["failure", "success"]),
                "failure_reason": pd.Categorical.from_codes(np.where(won, -1, 0).astype(np.int8), ["other"]),
                "needed_intervention": np.zeros(size, dtype=bool),
                "intervention_kind": pd.Categorical.from_codes(np.full(size, -1, dtype=np.int8), ["hand"]),
                **{name: _text(name, codes, SIZES[i]) for i, (name, codes) in enumerate(columns.items())},
            }
        )
        parts.append(frames.write_part(OUTCOME_FEATURES, start.strftime("%Y-%m"), frame, {}))
    info = {"columns": ["application_name", *COLUMNS], "context": [], "approach": list(COLUMNS)}
    frames.set_parts(OUTCOME_FEATURES, parts, info)


def _text(name: str, codes: np.ndarray, levels: int) -> pd.Categorical:
    return pd.Categorical.from_codes(codes.astype(np.int16), [f"{name} {one:04d}" for one in range(levels)])


def count(folder: Path, master: str | None) -> dict[str, Any]:
    """Count the features of a folder, then search what was counted."""
    from memory_pipeline.analysis.patterns import search_patterns  # noqa: PLC0415 - not part of the start

    frames = FrameStore(str(folder))
    settings = Settings(_env_file=None, home=folder, storage_url=str(folder), spark_master=master)
    started, used = time.perf_counter(), time.process_time()
    counted = update_evidence(Session(settings, None, frames))
    counting = time.perf_counter() - started, time.process_time() - used
    evidence, _ = read_evidence(frames)
    started, used = time.perf_counter(), time.process_time()
    found = search_patterns(evidence, min_sample_size=int(evidence.n.sum()) // 200, is_adjusted=True)
    searching = time.perf_counter() - started, time.process_time() - used
    rows, about = frames.read(OUTCOME_EVIDENCE)
    content = pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes()
    beside = repr({key: about[key] for key in (*BESIDE_ROWS, "encoding")}).encode()
    return {
        "counting": counting,
        "searching": searching,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "rows": counted.rows,
        "found": len(found),
        "digest": hashlib.sha256(content + beside).hexdigest()[:12],
    }


def in_own_process(folder: Path, master: str | None) -> dict[str, Any]:
    """Run `count` in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: dict[str, Any] = pool.apply(count, (folder, master))
        return found


def cpu_of(processes: list[psutil.Process]) -> float:
    """Return the CPU seconds that processes and all below them used so far."""
    total = 0.0
    for process in processes:
        for one in (process, *process.children(recursive=True)):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attempts", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--without-spark", action="store_true")
    arguments = parser.parse_args()
    head = (
        "way",
        "values and counts, s",
        "CPU s",
        "search, s",
        "CPU s",
        "memory, GB",
        "rows",
        "patterns",
        "evidence",
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        write_features(FrameStore(name), arguments.attempts)
        size = sum(path.stat().st_size for path in folder.glob("*.parquet")) / 2**20
        print(f"{arguments.attempts:,} attempts, {size:,.0f} MB of Parquet, drawn in ", end="")
        print(f"{time.perf_counter() - started:.0f} s\n\n| " + " | ".join(head) + " |")
        print("|---" * len(head) + "|", flush=True)
        show("this process", in_own_process(folder, None), 0.0)
        if not arguments.without_spark:
            from spark_cluster import spark_cluster  # noqa: PLC0415 - beside the tests

            for path in (*folder.glob(f"{OUTCOME_EVIDENCE}*"), *folder.glob("outcome_values*")):
                path.unlink()
            with spark_cluster(folder, workers=arguments.workers) as cluster:
                before = cpu_of(cluster.processes)
                found = in_own_process(folder, cluster.url)
                show(f"Spark, {arguments.workers} workers", found, cpu_of(cluster.processes) - before)


def show(name: str, found: dict[str, Any], more: float) -> None:
    """Print one row."""
    (seconds, used), (searching, search_used) = found["counting"], found["searching"]
    print(
        f"| {name} | {seconds:.1f} | {used + more:.1f} | {searching:.1f} | {search_used:.1f} | "
        f"{found['memory']:.2f} | {found['rows']:,} | {found['found']} | {found['digest']} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
