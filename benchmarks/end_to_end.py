"""Time and memory from a frame of attempts to patterns; `python benchmarks/end_to_end.py --rows 10000000`.

The attempts are those of `counting.py`: 12 columns, 3 outcomes, 5,000 units of very unequal size. Printed
per stage: seconds, and the most memory that the process held so far (which includes drawing the attempts).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from counting import MONTHS, SIZES, UNITS, narrow_problem

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.evidence.combinations import count_combinations
from memory_pipeline.analysis.features import encode
from memory_pipeline.analysis.patterns import search_patterns
from memory_pipeline.analysis.patterns.search import Limits, search_evidence

if TYPE_CHECKING:
    from collections.abc import Callable

SUPPORT = 0.005
LABELS = ("failure;timeout;", "partial;;", "success;;")


def attempts(rows: int) -> pd.DataFrame:
    """Draw attempts as a frame of categories, shape (rows, 15)."""
    with tempfile.TemporaryDirectory() as folder:
        problem = narrow_problem(rows, Path(folder), with_parquet=False)
    rng = np.random.default_rng(rows)
    columns = {
        f"c{i:02d}": (codes, size) for i, (codes, size) in enumerate(zip(problem.codes, SIZES, strict=True))
    }
    share = 1 / np.arange(1, UNITS + 1)
    unit = np.searchsorted(np.cumsum(share / share.sum())[:-1], rng.random(rows, dtype=np.float32))
    columns["application_name"] = (unit.astype(np.int16), UNITS)
    columns["month"] = (rng.integers(0, MONTHS, rows, dtype=np.int8), MONTHS)
    frame = {
        name: pd.Categorical.from_codes(codes.astype(np.int16), [f"{name} {i:04d}" for i in range(size)])
        for name, (codes, size) in columns.items()
    }
    frame["outcome"] = pd.Categorical.from_codes(np.asarray(problem.outcome, dtype=np.int8), list(LABELS))
    return pd.DataFrame(frame)


def peak_memory() -> float:
    """Return the most memory that this process held, in GB."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 2**20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    print(f"{rows:,} attempts\n\n| stage | seconds | most memory so far, GB |\n|---|---:|---:|", flush=True)

    def stage(name: str, work: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        start = time.perf_counter()
        result = work(*arguments, **more)
        print(f"| {name} | {time.perf_counter() - start:.1f} | {peak_memory():.2f} |", flush=True)
        return result

    frame = stage("draw (not part of it)", attempts, rows)
    names = [name for name in frame if name.startswith("c")]
    least = int(rows * SUPPORT)
    encoded = stage("encode", encode, frame, names, min_count=least).frame
    for name in ("application_name", "month", "outcome"):
        encoded[name] = frame[name]
    del frame
    keys = {"outcome": "outcome", "unit": "application_name", "period": "month"}
    conditions = [name for name in encoded if name.startswith("c")]
    evidence = stage("count the evidence", count_evidence, encoded, conditions=conditions, **keys)
    del encoded
    print(f"| ({len(evidence):,} collapsed rows) | | |")
    belongs = {"success": np.array([label.startswith("success") for label in evidence.outcomes])}
    tally = stage("count combinations", count_combinations, evidence, belongs, min_sample_size=least)
    print(f"| ({len(tally.n):,} combinations) | | |")
    del tally
    limits = {"success": Limits(least, 5, 0.02, 0.05)}
    stage("count, test and select", search_evidence, evidence, belongs, limits)
    described = "the same, with halves, intervals and adjusted differences"
    found = stage(described, search_patterns, evidence, min_sample_size=least)
    print(f"\n{len(found)} patterns, for instance: {found.iloc[0]['sentence'] if len(found) else '-'}")


if __name__ == "__main__":
    main()
