"""How quick counting is compared with other programs: `python benchmarks/counting.py`.

Everything runs in one tree of processes: each program in a process of its own, so that its memory can
be measured, one at a time. Programs take turns, so that other load on the machine affects all of them,
and the best time of each counts. All must find the same combinations with the same counts, or the
benchmark fails.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from contenders import CONTENDERS, TEXT_DIGITS, Problem

SIZES = (8, 40, 5, 6, 4, 3, 10, 2, 2, 2, 5, 12)
WIDE_SIZES = (*SIZES, 3, 4, 2, 6, 2, 3, 8, 5, 2, 4, 3, 2, 10, 2, 5)
SUPPORT = 0.005
UNITS, MONTHS = 5000, 36
OURS = "memory-pipeline"
NARROW = {
    1_000_000: [
        OURS,
        "mlxtend fpgrowth (attempts only)",
        "pyfim fpgrowth",
        "DuckDB grouping sets",
        "DuckDB grouping sets (attempts only)",
        "DuckDB 298 group-bys",
    ],
    10_000_000: [
        OURS,
        "DuckDB grouping sets",
        "DuckDB grouping sets (attempts only)",
        "DuckDB 298 group-bys",
    ],
}
FROM_PARQUET = ["memory-pipeline, Parquet to evidence and counts", "DuckDB grouping sets, Parquet to counts"]
HARD = [OURS, "pyfim fpgrowth (attempts only)"]
SLOW = frozenset({"mlxtend fpgrowth (attempts only)", "pyfim fpgrowth", "pyfim fpgrowth (attempts only)"})


def narrow_problem(attempts: int, folder: Path, *, with_parquet: bool) -> Problem:
    """Draw 12 columns with Zipf-like shares; three follow another one, and the outcome follows two."""
    rng = np.random.default_rng(attempts)
    codes = np.array([_zipf(rng, size, attempts) for size in SIZES])
    for column, source in ((2, 1), (7, 0), (10, 11)):
        follows = rng.random(attempts) < 0.5  # noqa: PLR2004 - half of them
        codes[column][follows] = codes[source][follows] % SIZES[column]
    bad = 0.1 + 0.3 * (codes[0] == 1) + 0.2 * (codes[6] > 4)  # noqa: PLR2004 - about a third of them
    draw = rng.random(attempts)
    outcome = np.where(draw < bad, 0, np.where(draw < bad + 0.05, 1, 2)).astype(np.uint8)
    parquet = folder / f"narrow-{attempts}.parquet"
    if with_parquet:
        _write_texts(parquet, rng, codes, outcome)
    least = int(attempts * SUPPORT)
    return Problem(codes, list(SIZES), outcome, 3, least, [0] * len(SIZES), parquet)


def hard_problem(attempts: int, folder: Path) -> Problem:
    """Draw 30 columns: 27 small ones, one with 2,000 values, and two of lists with 200 items each."""
    rng = np.random.default_rng(attempts + 1)
    codes = [_zipf(rng, size, attempts) for size in WIDE_SIZES]
    sizes, first_level = list(WIDE_SIZES), [0] * len(WIDE_SIZES)
    codes.append(_zipf(rng, 2000, attempts))
    sizes.append(2000)
    first_level.append(0)
    for _ in range(2):
        share = 1 / np.arange(1, 201)
        for one in np.minimum(5 * share / share.sum(), 0.9):  # about five items a list
            codes.append((rng.random(attempts) < one).astype(np.uint8))
            sizes.append(2)
            first_level.append(1)
    outcome = _zipf(rng, 3, attempts)
    least = int(attempts * SUPPORT)
    return Problem(codes, sizes, outcome, 3, least, first_level, folder / "none.parquet")


def _zipf(rng: np.random.Generator, size: int, attempts: int) -> Any:
    share = 1 / np.arange(1, size + 1)
    kind = np.uint8 if size <= 2**8 else np.uint16
    return np.searchsorted(np.cumsum(share / share.sum())[:-1], rng.random(attempts)).astype(kind)


def _write_texts(path: Path, rng: np.random.Generator, codes: Any, outcome: Any) -> None:
    """Write the attempts as text columns, as an export of another program would have them."""
    import pyarrow as pa  # noqa: PLC0415 - in the parent only
    import pyarrow.parquet as pq  # noqa: PLC0415

    columns = {f"c{number:02d}": column for number, column in enumerate(codes)}
    columns["unit"] = _zipf(rng, UNITS, len(outcome))
    columns["month"] = rng.integers(0, MONTHS, len(outcome)).astype(np.uint8)
    schema = pa.schema([(name, pa.string()) for name in (*columns, "outcome")])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for low in range(0, len(outcome), 2**20):
            part = slice(low, low + 2**20)
            texts = {name: _texts(name, column[part]) for name, column in columns.items()}
            texts["outcome"] = np.array(["outcome 0", "outcome 1", "outcome 2"])[outcome[part]]
            writer.write_table(pa.Table.from_pandas(pd.DataFrame(texts), schema=schema))


def _texts(name: str, codes: Any) -> Any:
    return np.array([f"{name} value {code:0{TEXT_DIGITS}d}" for code in range(int(codes.max()) + 1)])[codes]


def measure_here(problem_file: str, contender: str, repeats: int) -> None:
    """Measure one contender in this process, and print what was found as JSON."""
    with Path(problem_file).open("rb") as file:
        problem = pickle.load(file)  # noqa: S301 - written by the parent
    if isinstance(problem.codes, str):
        problem = replace(problem, codes=np.load(problem.codes))
    way = CONTENDERS[contender](problem)
    seconds, processor = [], []
    for _ in range(repeats):
        wall, busy = time.perf_counter(), time.process_time()
        answer = way.count()
        seconds.append(time.perf_counter() - wall)
        processor.append(time.process_time() - busy)
    peak = _peak_memory()
    found = way.found(answer).digests()
    print(json.dumps({"seconds": seconds, "processor": processor, "peak": peak, **found}))


def _peak_memory() -> int:
    """Return the most memory that this process held, in KiB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the parent's memory too
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def compare(problem: Problem, contenders: list[str], folder: Path, rounds: int) -> dict[str, dict[str, Any]]:
    """Measure contenders by turns; the slow ones once.

    Raises
    ------
    SystemExit
        When two contenders found different counts.
    """
    file = folder / "problem.pickle"
    if isinstance(problem.codes, np.ndarray):  # a matrix is mapped quicker than it is unpickled
        np.save(folder / "codes.npy", problem.codes)
        problem = replace(problem, codes=str(folder / "codes.npy"))
    with file.open("wb") as target:
        pickle.dump(problem, target)
    results: dict[str, dict[str, Any]] = {}
    for turn in range(rounds):
        for contender in contenders:
            if turn and contender in SLOW:
                continue
            repeats = 1 if contender in SLOW else 3
            command = [sys.executable, __file__, "--measure", str(file), contender, str(repeats)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            one = json.loads(output.splitlines()[-1])
            best = results.setdefault(contender, {**one, "first": one["seconds"][0]})
            best["first"] = min(best["first"], one["seconds"][0])
            best["seconds"] = [min(*best["seconds"], *one["seconds"])]
            best["processor"] = [min(*best["processor"], *one["processor"])]
            best["peak"] = max(best["peak"], one["peak"])
    for key in ("combinations", "attempts", "outcomes"):
        found = {name: one[key] for name, one in results.items() if key in one}
        if len(set(found.values())) > 1:
            sys.exit(f"the contenders do not agree on {key}: {found}")
    return results


def table(results: dict[str, dict[str, Any]]) -> str:
    """Return results as a Markdown table; ratios are to the first."""
    ours = next(iter(results.values()))["seconds"][0]
    lines = [
        "| | best, s | times as long | first call, s | processor, s | peak memory, MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, one in results.items():
        best, busy = one["seconds"][0], one["processor"][0]
        lines.append(
            f"| {name} | {best:.3f} | {best / ours:.1f} | {one['first']:.2f} | {busy:.2f} | "
            f"{one['peak'] / 1024:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=3, help="turns of each program")
    parser.add_argument("--without", nargs="*", default=[], choices=["narrow", "parquet", "hard", "slow"])
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        file, contender, repeats = arguments.measure
        measure_here(file, contender, int(repeats))
        return
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; Python {sys.version.split()[0]}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for attempts in arguments.rows:
            problem = narrow_problem(attempts, folder, with_parquet="parquet" not in arguments.without)
            contenders = NARROW[min(NARROW, key=lambda known: abs(known - attempts))]
            if "slow" in arguments.without:
                contenders = [one for one in contenders if one not in SLOW]
            if "narrow" not in arguments.without:
                results = compare(problem, contenders, folder, arguments.rounds)
                found = results[OURS]["combinations"]
                print(f"## {attempts:,} attempts, 12 columns: {found} combinations\n\n{table(results)}\n")
            if "parquet" not in arguments.without:
                results = compare(problem, FROM_PARQUET, folder, arguments.rounds)
                print(f"## {attempts:,} attempts, from text columns in Parquet\n\n{table(results)}\n")
        if "hard" not in arguments.without:
            problem = hard_problem(1_000_000, folder)
            contenders = HARD[:1] if "slow" in arguments.without else HARD
            results = compare(problem, contenders, folder, arguments.rounds)
            found = results[OURS]["combinations"]
            print(f"## 1,000,000 attempts, 30 columns (two of lists): {found} combinations\n")
            print(f"{table(results)}\n")


if __name__ == "__main__":
    main()
