"""Count months on the workers of a Spark cluster (extra `spark`).

Spark schedules and repeats what a lost worker had; counting is our own code (`rebuild.collapsers`), which
gets the place of a file and not its rows: to pass ten million rows through Spark takes several times as long
as to count them.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from memory_pipeline.rebuild.collapsers import (
    count_part,
    merge_all,
    name_counts,
    read_counted,
    table_of,
)
from memory_pipeline.store.frames import COUNTED_MONTHS, FrameStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from memory_pipeline.analysis.evidence import Evidence
    from memory_pipeline.analysis.features.encoding import Encoding
    from memory_pipeline.store.frames import FramePart

_LOOPBACK = ("local", "spark://127.0.0.1", "spark://localhost")


class SparkWorkers:
    """Counts on the workers of a cluster; starts a Spark application when there is something to count.

    Parameters
    ----------
    storage
        Folder or fsspec URL of the frames, which the workers reach under the same name.
    master
        Master of the cluster: `spark://host:7077`, `local[2]`, or what else Spark takes.
    """

    def __init__(self, storage: str, master: str) -> None:
        self._storage, self._master = storage, master
        self._context: Any = None

    def value_tables(
        self, parts: Sequence[FramePart], columns: Sequence[str], unit: str
    ) -> list[pd.DataFrame]:
        """Count how often each value of some columns occurs, a task per part."""
        storage, wanted = self._storage, list(columns)
        tables = self._run(lambda part: table_of(FrameStore(storage), part, wanted, unit), parts)
        return list(tables)

    def collapse(self, parts: Sequence[FramePart], unit: str, encoding: Encoding) -> Evidence:
        """Count the parts, a task each, and add up what the workers wrote.

        Raises
        ------
        RuntimeError
            When what is read is not what a worker says that it wrote.
        """
        frames, storage, rules = FrameStore(self._storage), self._storage, encoding.to_dict()
        remove_counts(frames)
        jobs = [(part, name_counts(part)) for part in parts]
        try:
            counted = self._run(lambda job: count_part(storage, job[0], job[1], unit, rules), jobs)
            found = [read_counted(frames, part, one) for part, one in zip(parts, counted, strict=True)]
        finally:
            remove_counts(frames)
        return merge_all(found)

    def close(self) -> None:
        """End the Spark application, where one was started."""
        if self._context is not None:
            self._context.stop()
            self._context = None

    def _run(self, task: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        if self._context is None:
            self._context = _start(self._master)
        found: list[Any] = self._context.parallelize(list(items), len(items)).map(task).collect()
        return found


def remove_counts(frames: FrameStore) -> None:
    """Remove the counts of parts that workers wrote, also those of a rebuild that was killed."""
    for name in frames.names(f"{COUNTED_MONTHS}."):
        frames.remove(name)


def _start(master: str) -> Any:
    """Start a Spark application.

    Raises
    ------
    RuntimeError
        When pyspark is not installed, or Spark does not start.
    """
    try:
        # Rows are not passed through Spark, so that it does not matter how well it knows pandas.
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        from pyspark import SparkConf, SparkContext  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = (
            f"MEMORY_SPARK_MASTER is {master}, and pyspark is not installed; install the extra "
            "(`pip install 'memory-pipeline[spark]'`) or unset MEMORY_SPARK_MASTER"
        )
        raise RuntimeError(msg) from error
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if master.startswith(_LOOPBACK):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    conf = SparkConf().setMaster(master).setAppName("memory_pipeline")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Workers import the same code as this process, from where it is on theirs.
        "spark.executorEnv.PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "spark.log.level": "ERROR",
    }.items():
        conf.setIfMissing(name, value)
    try:
        return SparkContext(conf=conf)
    except Exception as error:
        msg = (
            f"MEMORY_SPARK_MASTER is {master}, and Spark does not start there "
            f"({str(error).splitlines()[0]}); it needs Java 17 or later here and a master that answers"
        )
        raise RuntimeError(msg) from error
