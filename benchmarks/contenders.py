"""The ways of counting that are compared: each prepares data, counts (the timed part), returns a result.

A `Result` has one row per combination with enough attempts, in one order for all, so that equal counts have
equal digests.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.evidence.counting.joint_tables import joint_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from memory_pipeline.analysis.evidence import Evidence
    from memory_pipeline.analysis.evidence.counting.entries import JointTable

    Ints = NDArray[Any]

LENGTH = 3
"""Most columns in one combination."""
TEXT_DIGITS = 4


@dataclass(frozen=True)
class Problem:
    """Coded attempts, and the fewest attempts that a combination must have.

    Attributes
    ----------
    codes, sizes
        Level of each attempt by column, shape (columns, attempts) or a list of columns; and the levels.
    outcome, outcomes
        Outcome of each attempt, shape (attempts,), and the outcomes.
    first_level
        The first level of each column that makes a condition: 1 where 0 says that a list has no such item.
    parquet
        The same attempts as text, and with a unit and a month.
    """

    codes: Any
    sizes: list[int]
    outcome: Ints
    outcomes: int
    min_count: int
    first_level: list[int]
    parquet: Path


@dataclass(frozen=True)
class Result:
    """Combinations and their counts; `counts` has a column per outcome, or none."""

    items: Ints
    """Number of each level (over all columns), ascending, -1 before short ones; (combinations, LENGTH)."""
    n: Ints
    counts: Ints

    def digests(self) -> dict[str, str]:
        """Compute digests of the attempts and of those by outcome; equal where all counts are equal."""
        order = np.lexsort(self.items.T[::-1])
        items = self.items[order].astype(np.int64).tobytes()
        digests = {"combinations": str(len(self.n)), "attempts": _digest(items, self.n[order])}
        if self.counts.shape[1]:
            digests["outcomes"] = _digest(items, self.counts[order])
        return digests


class Way(NamedTuple):
    """A prepared way of counting."""

    count: Callable[[], Any]
    found: Callable[[Any], Result]


def _digest(items: bytes, values: Ints) -> str:
    content = items + np.ascontiguousarray(values, dtype=np.int64).tobytes()
    return hashlib.sha256(content).hexdigest()[:16]


def _first_items(problem: Problem) -> Ints:
    return np.concatenate([[0], np.cumsum(problem.sizes)[:-1]])


def ours(problem: Problem) -> Way:
    """Count by `joint_tables`."""
    usable = [
        np.arange(size) >= first for size, first in zip(problem.sizes, problem.first_level, strict=True)
    ]

    def count() -> list[JointTable]:
        return list(
            joint_tables(
                problem.codes,
                problem.sizes,
                problem.outcome,
                outcomes=problem.outcomes,
                max_conditions=LENGTH,
                min_count=problem.min_count,
                usable=usable,
            )
        )

    items = [
        first + np.arange(size) for first, size in zip(_first_items(problem), problem.sizes, strict=True)
    ]
    return Way(count, lambda tables: _result_of_tables(tables, items))


def _result_of_tables(tables: list[JointTable], items: list[Ints]) -> Result:
    """Join tables; `items` are the numbers of each column's levels."""
    parts = []
    for table in tables:
        levels = np.unravel_index(table.cells, [len(items[column]) for column in table.columns])
        numbers = np.full((len(table.cells), LENGTH), -1)
        for place, (column, level) in enumerate(zip(table.columns, levels, strict=True)):
            numbers[:, LENGTH - len(table.columns) + place] = items[column][level]
        parts.append(numbers)
    return Result(
        np.concatenate(parts),
        np.concatenate([table.n for table in tables]),
        np.concatenate([table.counts for table in tables]),
    )


def ours_from_parquet(problem: Problem) -> Way:
    """Read the text columns, count the evidence by unit and month, then every combination."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - only where it is measured

    names = _names(problem)

    def count() -> tuple[Evidence, list[JointTable]]:
        everything = [*names, "outcome", "unit", "month"]
        table = pq.read_table(problem.parquet, columns=everything, read_dictionary=everything)
        frame = table.to_pandas(self_destruct=True)
        del table
        evidence = count_evidence(frame, conditions=names, outcome="outcome", unit="unit", period="month")
        del frame
        return evidence, list(evidence.joint_tables(min_count=problem.min_count))

    def found(answer: tuple[Evidence, list[JointTable]]) -> Result:
        evidence, tables = answer
        items = [
            first + _codes_of_texts(evidence.codes(name)[1])
            for first, name in zip(_first_items(problem), names, strict=True)
        ]
        return _result_of_tables(tables, items)

    return Way(count, found)


def _codes_of_texts(texts: Iterable[str]) -> Ints:
    """Read the codes that the texts of the problem end in."""
    return np.array([int(text[-TEXT_DIGITS:]) for text in texts])


def _names(problem: Problem) -> list[str]:
    return [f"c{column:02d}" for column in range(len(problem.sizes))]


def _sets(problem: Problem) -> list[tuple[str, ...]]:
    names = _names(problem)
    return [chosen for length in range(1, LENGTH + 1) for chosen in combinations(names, length)]


def _duckdb(problem: Problem) -> Any:
    import duckdb  # noqa: PLC0415 - only where it is measured

    connection = duckdb.connect()
    columns = dict(zip(_names(problem), problem.codes, strict=True))
    frame = pd.DataFrame({**columns, "outcome": problem.outcome})
    connection.register("frame", frame)
    connection.execute("create table attempts as select * from frame")
    connection.unregister("frame")
    return connection


def _grouping_sets(problem: Problem, source: str, sums: str) -> str:
    names = ", ".join(_names(problem))
    sets = ", ".join(f"({', '.join(chosen)})" for chosen in _sets(problem))
    return (
        f"select {names}, count(*) n {sums} from {source} group by grouping sets ({sets}) "  # noqa: S608
        f"having count(*) >= {problem.min_count}"
    )


def _outcome_sums(values: Iterable[Any]) -> str:
    """Return SQL that counts all outcomes but the last, in the form that is quickest in DuckDB."""
    *known, _ = values
    return "".join(f", sum((outcome = {value!r})::int)::bigint k{i}" for i, value in enumerate(known))


def _result_of_groups(answer: dict[str, Any], problem: Problem) -> Result:
    """Convert DuckDB's wide result (null where a column is not in the group) to combinations."""
    columns = []
    for name, first in zip(_names(problem), _first_items(problem), strict=True):
        values = answer[name]
        mask = np.ma.getmaskarray(values)
        if values.dtype == object:
            values = _codes_of_texts(np.where(mask, "0", np.ma.getdata(values)))
        columns.append(np.where(mask, -1, np.ma.getdata(values).astype(np.int64) + first))
    items = np.sort(np.column_stack(columns), axis=1)[:, -LENGTH:]
    n = np.asarray(answer["n"], dtype=np.int64)
    known = [np.asarray(answer[name], dtype=np.int64) for name in sorted(answer) if name.startswith("k")]
    counts = np.column_stack([*known, n - sum(known)]) if known else np.zeros((len(n), 0))
    return Result(items, n, counts)


def duckdb_grouping_sets(problem: Problem) -> Way:
    """Count attempts and outcomes by one query over grouping sets."""
    connection = _duckdb(problem)
    query = _grouping_sets(problem, "attempts", _outcome_sums(range(problem.outcomes)))
    return Way(
        lambda: connection.execute(query).fetchnumpy(), lambda answer: _result_of_groups(answer, problem)
    )


def duckdb_attempts_only(problem: Problem) -> Way:
    """Count attempts alone, which is less than the others do."""
    connection = _duckdb(problem)
    query = _grouping_sets(problem, "attempts", "")
    return Way(
        lambda: connection.execute(query).fetchnumpy(), lambda answer: _result_of_groups(answer, problem)
    )


def duckdb_group_bys(problem: Problem) -> Way:
    """Count attempts and outcomes by one query per combination of columns."""
    connection = _duckdb(problem)
    sums = _outcome_sums(range(problem.outcomes))
    queries = [
        f"select {names}, count(*) n {sums} from attempts group by {names} "  # noqa: S608 - our own names
        f"having count(*) >= {problem.min_count}"
        for names in (", ".join(chosen) for chosen in _sets(problem))
    ]

    def found(answers: list[dict[str, Any]]) -> Result:
        parts = []
        for answer in answers:
            null = np.ma.masked_all(len(answer["n"]), dtype=np.int64)
            parts.append(_result_of_groups({**dict.fromkeys(_names(problem), null), **answer}, problem))
        return Result(
            np.concatenate([part.items for part in parts]),
            np.concatenate([part.n for part in parts]),
            np.concatenate([part.counts for part in parts]),
        )

    return Way(lambda: [connection.execute(query).fetchnumpy() for query in queries], found)


def duckdb_from_parquet(problem: Problem) -> Way:
    """Count attempts and outcomes from text columns by one query over grouping sets."""
    import duckdb  # noqa: PLC0415 - only where it is measured

    connection = duckdb.connect()
    outcomes = [f"outcome {number}" for number in range(problem.outcomes)]
    query = _grouping_sets(problem, f"read_parquet('{problem.parquet}')", _outcome_sums(outcomes))
    return Way(
        lambda: connection.execute(query).fetchnumpy(), lambda answer: _result_of_groups(answer, problem)
    )


def mlxtend_fpgrowth(problem: Problem) -> Way:
    """Count attempts of one-hot columns."""
    from mlxtend.frequent_patterns import fpgrowth  # noqa: PLC0415 - only where it is measured

    first = _first_items(problem)
    one_hot = pd.DataFrame(
        {
            first[column] + level: problem.codes[column] == level
            for column, size in enumerate(problem.sizes)
            for level in range(problem.first_level[column], size)
        }
    )
    rows = len(one_hot)

    # A hair below the threshold: the support is a quotient in floating point.
    least = (problem.min_count - 0.5) / rows

    def found(sets: pd.DataFrame) -> Result:
        n = np.rint(sets["support"].to_numpy() * rows)
        items = _padded(one_hot.columns[list(chosen)] for chosen in sets["itemsets"])
        return Result(items, n, np.zeros((len(n), 0)))

    return Way(lambda: fpgrowth(one_hot, min_support=least, max_len=LENGTH), found)


def _padded(itemsets: Iterable[Iterable[Any]]) -> Ints:
    rows = [sorted(int(item) for item in items) for items in itemsets]
    return np.array([[-1] * (LENGTH - len(row)) + row for row in rows])


def _transactions(problem: Problem, *, with_outcome: bool) -> list[tuple[int, ...]]:
    first, rows = _first_items(problem), len(problem.outcome)
    items: list[list[int]] = [[] for _ in range(rows)]
    for column in range(len(problem.sizes)):
        codes = np.asarray(problem.codes[column]).astype(np.int64)
        for row in np.flatnonzero(codes >= problem.first_level[column]).tolist():
            items[row].append(int(first[column]) + int(codes[row]))
    if with_outcome:
        for row, outcome in enumerate(problem.outcome.tolist()):
            items[row].append(-1 - outcome)
    return [tuple(row) for row in items]


def pyfim_rules(problem: Problem) -> Way:
    """Count attempts and outcomes as rules of which the outcome is the head."""
    import fim  # noqa: PLC0415 - only where it is measured

    transactions = _transactions(problem, with_outcome=True)
    roles = {None: "i", **{-1 - outcome: "o" for outcome in range(problem.outcomes)}}

    def count() -> list[tuple[Any, ...]]:
        sizes = {"zmin": 2, "zmax": LENGTH + 1}
        return fim.fpgrowth(
            transactions, target="r", supp=-problem.min_count, conf=0, report="ab", appear=roles, **sizes
        )

    def found(rules: list[tuple[Any, ...]]) -> Result:
        bodies = {body: place for place, body in enumerate(dict.fromkeys(rule[1] for rule in rules))}
        n = np.zeros(len(bodies), dtype=np.int64)
        counts = np.zeros((len(bodies), problem.outcomes), dtype=np.int64)
        for head, body, both, inside in rules:
            n[bodies[body]] = inside
            counts[bodies[body], -1 - head] = both
        return Result(_padded(bodies), n, counts)

    return Way(count, found)


def pyfim_sets(problem: Problem) -> Way:
    """Count attempts of frequent sets."""
    import fim  # noqa: PLC0415 - only where it is measured

    transactions = _transactions(problem, with_outcome=False)

    def count() -> list[tuple[Any, ...]]:
        return fim.fpgrowth(transactions, supp=-problem.min_count, zmin=1, zmax=LENGTH, report="a")

    def found(sets: list[tuple[Any, ...]]) -> Result:
        n = np.array([number for _, number in sets], dtype=np.int64)
        return Result(_padded(items for items, _ in sets), n, np.zeros((len(n), 0)))

    return Way(count, found)


CONTENDERS: dict[str, Callable[[Problem], Way]] = {
    "memory-pipeline": ours,
    "mlxtend fpgrowth (attempts only)": mlxtend_fpgrowth,
    "pyfim fpgrowth": pyfim_rules,
    "pyfim fpgrowth (attempts only)": pyfim_sets,
    "DuckDB grouping sets": duckdb_grouping_sets,
    "DuckDB grouping sets (attempts only)": duckdb_attempts_only,
    "DuckDB 298 group-bys": duckdb_group_bys,
    "memory-pipeline, Parquet to evidence and counts": ours_from_parquet,
    "DuckDB grouping sets, Parquet to counts": duckdb_from_parquet,
}
