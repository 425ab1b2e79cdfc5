"""Workers of a real Spark cluster count the same evidence, to the byte, also when one of them is lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from spark_cluster import spark_cluster, spark_packages

from memory_pipeline.analysis.features import Encoding
from memory_pipeline.analysis.features.flatten import condition_columns
from memory_pipeline.rebuild import collapsers
from memory_pipeline.rebuild.evidence import update_evidence
from memory_pipeline.settings import Settings
from memory_pipeline.store.frames import COUNTED_MONTHS, OUTCOME_EVIDENCE, OUTCOME_FEATURES, FrameStore
from memory_pipeline.store.session import Session
from memory_pipeline.worlds import sample_organisation

COUNT = Path(__file__).parents[1] / "count_on_cluster.py"
needs_spark = pytest.mark.skipif(
    spark_packages() is None or shutil.which("java") is None,
    reason="needs the extra `spark` (pyspark) and Java 17",
)


def write_features(frames):
    """Write a generated history as features, a part per month."""
    history = sample_organisation(seed=3).attempts_frame()
    approach = ["silent_switch", "detection_method", "repackaged"]
    context = [c for c in condition_columns(history, unit="application_name") if c not in approach]
    info = {"columns": list(history), "context": context, "approach": approach}
    months = history["occurred_at"].dt.strftime("%Y-%m")
    parts = [frames.write_part(OUTCOME_FEATURES, month, part, {}) for month, part in history.groupby(months)]
    frames.set_parts(OUTCOME_FEATURES, parts, info)
    return len(history)


def count(folder, **settings):
    """Count a history into a folder; returns its frames."""
    frames = FrameStore(str(folder))
    attempts = write_features(frames)
    made = Settings(_env_file=None, home=folder, storage_url=str(folder), **settings)
    evidence = update_evidence(Session(made, None, frames)).evidence
    assert int(evidence.n.sum()) == attempts
    return frames


def evidence_of(frames):
    """Return the rows of the evidence and what it says of them, but for the names of the parts."""
    rows, about = frames.read(OUTCOME_EVIDENCE)
    return rows, {key: about[key] for key in (*collapsers.BESIDE_ROWS, "encoding")}


def test_a_missing_library_and_a_master_that_does_not_answer_are_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(RuntimeError, match=r"MEMORY_SPARK_MASTER is local\[1\].*memory-pipeline\[spark\]"):
        count(tmp_path, spark_master="local[1]")


def test_counts_of_another_file_are_refused(tmp_path):
    frames = FrameStore(str(tmp_path))
    write_features(frames)
    part = next(iter(frames.parts(OUTCOME_FEATURES)[0].values()))
    encoding = Encoding({}).to_dict()
    name = collapsers.name_counts(part)
    counted = collapsers.count_part(str(tmp_path), part, name, "application_name", encoding)
    assert counted.attempts == part.rows == int(collapsers.read_counted(frames, part, counted).n.sum())
    again = collapsers.count_part(str(tmp_path), part, name, "application_name", encoding)
    assert again == counted
    path = tmp_path / f"{name}.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(RuntimeError, match=f"the counts of {part.key} are not what a worker wrote"):
        collapsers.read_counted(frames, part, counted)


@needs_spark
def test_a_cluster_counts_the_same_to_the_byte_also_when_a_worker_is_lost(tmp_path):
    own = count(tmp_path / "own")
    with spark_cluster(tmp_path, workers=2) as cluster:
        lost = threading.Thread(target=lose_a_worker, args=(tmp_path, cluster))
        lost.start()
        by_spark = FrameStore(str(tmp_path / "spark"))
        attempts = write_features(by_spark)
        counted = subprocess.run(
            [sys.executable, COUNT, tmp_path / "spark", cluster.url],
            env=cluster.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert counted.returncode == 0, counted.stderr
        assert counted.stdout.split()[-1] == str(attempts)
        lost.join()
        assert cluster.workers[1].poll() is not None
        assert cluster.workers[0].poll() is None
    rows, about = evidence_of(own)
    others, others_about = evidence_of(by_spark)
    pd.testing.assert_frame_equal(rows, others, check_exact=True)
    assert about == others_about
    assert by_spark.names(COUNTED_MONTHS) == []


def lose_a_worker(folder, cluster):
    """Kill a worker while months are being counted: the first counts are there, the others are not."""
    deadline = time.monotonic() + 120
    while not list(folder.glob(f"spark/{COUNTED_MONTHS}*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    cluster.kill_worker(1)
