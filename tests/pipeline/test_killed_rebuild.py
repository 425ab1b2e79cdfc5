"""A rebuild that is killed (SIGKILL) at any moment leaves a state from which the next one finishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dagster import DagsterRunStatus, RunsFilter
from quick_rebuilds import leave_out
from sqlalchemy import text

from memory_pipeline.pipeline.instance import open_instance
from memory_pipeline.pipeline.run import rebuild
from memory_pipeline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memory_pipeline.store import Store

ATTEMPTS = 200
TESTS = str(Path(__file__).resolve().parents[1])
MOMENTS = (
    "started outcome_features",
    "writing outcome_evidence",
    "committing success_factors",
    "succeeded approach_recommendations",
)

# One process imports everything and has a child of its own rebuild for each moment that it reads. The
# child prints its number and each moment, and stops at the one it was told, until it is killed. What takes
# longest is left out, here and in this process.
PARENT = """
import os
import signal
import sys

import pyarrow.parquet
import pytest
from sqlalchemy import event

sys.path.insert(0, sys.argv[1])
from quick_rebuilds import leave_out

from memory_pipeline.pipeline import assets, build, run
from memory_pipeline.settings import Settings
from memory_pipeline.store import open_store

leave_out(pytest.MonkeyPatch())

def rebuild(stop_at):
    step = ""

    def moment(name):
        print(name, flush=True)
        if name == stop_at:
            signal.pause()

    def on_step(one):
        nonlocal step
        step = one.step
        moment(f"{one.state} {one.step}")

    class Writer(pyarrow.parquet.ParquetWriter):
        def close(self):
            moment(f"writing {step}")
            super().close()

    pyarrow.parquet.ParquetWriter = Writer
    settings = Settings()
    store = open_store(settings)
    event.listen(store.engine, "commit", lambda connection: moment(f"committing {step}"))
    run.rebuild(settings, store, on_step=on_step)
    print("finished", flush=True)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        print(os.getpid(), flush=True)
        try:
            rebuild(line.strip())
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)
"""


@pytest.fixture(autouse=True, scope="module")
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        leave_out(patch)
        yield


@pytest.fixture
def kill_at(settings: Settings) -> Iterator[Callable[[str], list[str]]]:
    """Start a rebuild in a process, kill it at a moment, and return the moments before."""
    assert settings.database_url is not None
    environment = {
        **os.environ,
        "MEMORY_HOME": str(settings.home),
        "MEMORY_DATABASE_URL": settings.database_url.get_secret_value(),
    }
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, TESTS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as parent:
        stdin, stdout = parent.stdin, parent.stdout
        assert stdin is not None
        assert stdout is not None

        def kill(moment: str) -> list[str]:
            print(moment, file=stdin, flush=True)
            child = int(stdout.readline())
            seen: list[str] = []
            for line in stdout:
                seen.append(line.strip())
                if seen[-1] == moment:
                    os.kill(child, signal.SIGKILL)
                    break
            assert seen[-1] == moment
            assert stdout.readline() == f"ended {-signal.SIGKILL}\n"
            return seen

        yield kill
        stdin.close()


def findings(store: Store) -> dict[str, list[tuple[str, int]]]:
    """Identity and sample of everything found, by table."""
    with store.transaction() as connection:
        return {
            table: [
                (str(row[0]), int(row[1]))
                for row in connection.execute(text(f"select id, sample_size from {table} {order}"))  # noqa: S608
            ]
            for table, order in {
                "pattern_identifications": "where active order by id",
                "success_factors": "order by id",
                "approach_recommendations": "order by id",
            }.items()
        }


def half_written(settings: Settings) -> list[str]:
    return [one.name for one in Path(settings.storage).glob("*.part")]


def status_of_newest_run(settings: Settings, store: Store) -> DagsterRunStatus:
    with open_instance(settings, store) as instance:
        return instance.get_runs(limit=1)[0].status


def test_rebuilds_that_are_killed_leave_what_was_there_and_the_next_finishes(
    settings: Settings,
    store: Store,
    add_outcomes: Callable[..., None],
    kill_at: Callable[[str], list[str]],
) -> None:
    add_outcomes(ATTEMPTS)
    undisturbed = rebuild(settings, store)
    old = findings(store)
    add_outcomes(ATTEMPTS, first=ATTEMPTS)
    killed = 0
    for moment in MOMENTS:
        seen = kill_at(moment)
        killed += 1
        assert bool(half_written(settings)) == moment.startswith("writing")
        assert f"succeeded {moment.split()[1]}" not in seen[:-1]
        assert status_of_newest_run(settings, store) == DagsterRunStatus.STARTED
        if moment != MOMENTS[-1]:
            # Each table is replaced in one transaction: what did not commit is as it was.
            assert findings(store)["approach_recommendations"] == old["approach_recommendations"]
        if moment == "committing success_factors":
            assert findings(store)["success_factors"] == old["success_factors"]

    assert half_written(settings) == []  # the later children removed what the earlier one had begun
    report = rebuild(settings, store)
    assert len(report.abandoned_runs) == 1  # each killed run was marked by the next one
    with open_instance(settings, store) as instance:
        failed = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.FAILURE]))
        assert len(failed) == killed
        assert instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED])) == []
    assert report.rows["outcome_features"] == 2 * ATTEMPTS == 2 * undisturbed.rows["outcome_features"]
    after = findings(store)
    assert {table: report.rows[table] for table in after} == {t: len(rows) for t, rows in after.items()}
    assert [table for table in after if after[table] == old[table]] == []

    # What the killed ones left makes no difference: a memory that was never disturbed finds the same.
    fresh = Settings(home=settings.home / "fresh", database_url=settings.database_url)
    assert rebuild(fresh, store).rows == report.rows
    assert findings(store) == after
