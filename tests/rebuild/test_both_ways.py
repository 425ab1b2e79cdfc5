"""A rebuild without Dagster leaves what the Dagster job leaves, and each step reads what it declares."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from made_history import member_rows, outcome_rows
from pandas.testing import assert_frame_equal
from pydantic import SecretStr
from quick_rebuilds import leave_out, leave_out_looks
from sqlalchemy import event, insert, select, text

from memory_pipeline.analysis.learning import prognosis
from memory_pipeline.analysis.recommendations import current
from memory_pipeline.memory import Memory
from memory_pipeline.pipeline import run as dagster_run
from memory_pipeline.rebuild import rebuild
from memory_pipeline.rebuild.steps import SOURCES, STEPS
from memory_pipeline.settings import Settings
from memory_pipeline.store import Store
from memory_pipeline.store.frames import KEPT_RESULTS, FrameStore
from memory_pipeline.store.models import Base, Member, PackagingOutcome
from memory_pipeline.store.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memory_pipeline.rebuild import StepEvent

WRITTEN_TABLES = {table: one.name for one in STEPS for table in one.tables} | {one: one for one in SOURCES}
WRITTEN_FRAMES = {frame: one.name for one in STEPS for frame in one.frames}
NOW = {
    *("created_at", "updated_at", "recorded_at", "verified_at", "changed_at", "decided_at", "retired_at"),
    *("evaluated_at", "opened_at", "seen_at"),
}
"""Columns that hold when a row was written."""


def store_of(server: Store, name: str) -> Store:
    return Store(server.url.set(database=name))


def settings_of(store: Store, home: Path) -> Settings:
    return Settings(home=home, database_url=SecretStr(store.url.render_as_string(hide_password=False)))


def administer(server: Store, statement: str) -> None:
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))


def fill(settings: Settings, store: Store) -> None:
    """Store a history, members, a first rebuild, answers that were followed and withheld, and decisions."""
    with store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), outcome_rows(600))
        connection.execute(insert(Member), member_rows(60))
    session = open_session(settings, store)
    with pytest.MonkeyPatch.context() as patch:
        leave_out(patch)
        rebuild(session, contracts=())
    memory = Memory(settings, store)
    contexts = [
        {"installer_type": kind, "application_type": "browser", "size_class": "small"}
        for kind in ("msi", "exe", "msix")
        for _ in range(40)
    ]
    answers = memory.recommend_all(contexts, control_share=0.3, rng=np.random.default_rng(1))
    rows = [
        row | {"recommendation_id": answer.recommendation_id, "recommendation_followed": number % 4 > 0}
        for number, (row, answer) in enumerate(
            zip(outcome_rows(len(answers), first=600), answers, strict=True)
        )
    ]
    # One that is another spelling of a vendor, and one that only looks like it.
    rows[0]["application_vendor"] = rows[0]["application_vendor"].upper()
    rows[1]["application_vendor"] = rows[1]["application_vendor"].replace(" ", "-")
    with store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), rows)
    factors, patterns = memory.factors(), memory.patterns()
    memory.decide("factor", factors["id"].iloc[0], "suppress", by="Ada", note="not in this house")
    memory.decide("pattern", patterns["id"].iloc[-1], "activate", by="Ada")


@dataclass
class Recording:
    """What each step of a rebuild read and wrote, and which policies were fitted."""

    reads: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    tables: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    frames: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    policies: list[tuple[str, str]] = field(default_factory=list)
    step: str = ""

    def on_step(self, event: StepEvent) -> None:
        self.step = event.step if event.state == "started" else ""

    def on_statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said = statement.lower()
        written = set(re.findall(r"(?:insert into|update|delete from)\s+\"?(\w+)", said))
        self.tables[self.step] |= written & WRITTEN_TABLES.keys()
        read = set(re.findall(r"(?<!delete )(?:from|join)\s+\"?(\w+)", said))
        self.reads[self.step] |= {WRITTEN_TABLES[one] for one in read & WRITTEN_TABLES.keys()}

    def watch_frames(self, patch: pytest.MonkeyPatch) -> None:
        for method in ("read", "parts", "read_json"):
            patch.setattr(FrameStore, method, self._noting(getattr(FrameStore, method), self._read_frame))
        for method in ("write_parts", "set_parts", "write_json"):
            patch.setattr(FrameStore, method, self._noting(getattr(FrameStore, method), self._write_frame))

    def _read_frame(self, name: str) -> None:
        self.reads[self.step].add(WRITTEN_FRAMES[name])

    def _write_frame(self, name: str) -> None:
        self.frames[self.step].add(name)

    @staticmethod
    def _noting(method: Any, note: Any) -> Any:
        def noting(frames: FrameStore, name: str, *arguments: Any, **more: Any) -> Any:
            note(name)
            return method(frames, name, *arguments, **more)

        return noting

    def watch_policies(self, patch: pytest.MonkeyPatch) -> None:
        for module in (current, prognosis):
            patch.setattr(module, "fit_policy", self._fitting(module.fit_policy))

    def _fitting(self, fit: Any) -> Any:
        def fitting(outcomes: pd.DataFrame, **options: Any) -> Any:
            # Patterns are named, not learnt from; the encoding is the same whether it is given or learned.
            rest = {name: options[name] for name in options.keys() - {"patterns", "encoding"}}
            rows = hashlib.sha256("\n".join(outcomes["id"]).encode()).hexdigest()
            self.policies.append((f"{len(outcomes)} {rows}", str(sorted(rest.items()))))
            return fit(outcomes, **options)

        return fitting


@dataclass
class Both:
    """The memory that Dagster rebuilt, the equal one that was rebuilt without it, and what that read."""

    dagster: Settings
    plain: Settings
    rows: tuple[dict[str, int], dict[str, int]]
    recording: Recording


@pytest.fixture(scope="module")
def both(server_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    administer(server_store, "create database one")
    home = tmp_path_factory.mktemp("both")
    one = store_of(server_store, "one")
    one.migrate()
    fill(settings_of(one, home / "one"), one)
    one.close()
    administer(server_store, "create database two template one")
    shutil.copytree(home / "one", home / "two")
    two = store_of(server_store, "two")
    with_dagster, without = settings_of(one, home / "one"), settings_of(two, home / "two")
    recording, before = Recording(), dict(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        leave_out_looks(patch)
        report = dagster_run.rebuild(with_dagster, one)
        recording.watch_frames(patch)
        recording.watch_policies(patch)
        event.listen(two.engine, "before_cursor_execute", recording.on_statement)
        plain = rebuild(open_session(without, two), on_step=recording.on_step, contracts=())
    os.environ.clear()
    os.environ.update(before)
    two.close()
    yield Both(with_dagster, without, (report.rows, plain.rows), recording)
    one.close()


def rows_of(settings: Settings, table: str) -> pd.DataFrame:
    assert settings.database_url is not None
    store = Store(settings.database_url.get_secret_value())
    columns = [column for column in Base.metadata.tables[table].columns if column.name not in NOW]
    order = [column for column in columns if column.primary_key]
    with store.transaction() as connection:
        rows = connection.execute(select(*columns).order_by(*order)).all()
    store.close()
    return pd.DataFrame(rows, columns=[column.name for column in columns]).astype(object)


@pytest.mark.parametrize("table", sorted(set(Base.metadata.tables) - {"rebuilds", "analysis_runs"}))
def test_both_ways_leave_equal_tables(both: Both, table: str) -> None:
    expected = rows_of(both.dagster, table)
    assert_frame_equal(rows_of(both.plain, table), expected)
    if table in WRITTEN_TABLES:
        assert len(expected), "nothing was compared"


KEPT = {name for name in WRITTEN_FRAMES if name.startswith(KEPT_RESULTS)}


@pytest.mark.parametrize("name", sorted(set(WRITTEN_FRAMES) - {"policy", "learning_measures"} - KEPT))
def test_both_ways_leave_equal_frames(both: Both, name: str) -> None:
    expected, about = FrameStore(both.dagster.storage).read(name)
    found, same = FrameStore(both.plain.storage).read(name)
    assert len(expected) or name == "pattern_overlaps"  # one strong effect makes no two alike patterns
    assert_frame_equal(found, expected)
    # Files of parts are named anew each time they are written.
    assert {key: same[key] for key in same if key != "parts"} == {
        key: about[key] for key in about if key != "parts"
    }


@pytest.mark.parametrize("name", sorted(KEPT))
def test_both_ways_keep_equal_results(both: Both, name: str) -> None:
    one, two = (FrameStore(storage).read_json(name) for storage in (both.dagster.storage, both.plain.storage))
    assert repr(two["result"]) == repr(one["result"])  # not a number is not equal to itself


def test_both_ways_leave_equal_policies_and_kept_measures(both: Both) -> None:
    one, two = FrameStore(both.dagster.storage), FrameStore(both.plain.storage)
    assert two.read_json("policy") == one.read_json("policy")
    # Nothing was measured by the first rebuild, so that all of it is of this one.
    kept, expected = two.read_json("learning_measures"), one.read_json("learning_measures")
    assert {key: value["rows"] for key, value in kept.items()} == {
        key: value["rows"] for key, value in expected.items()
    }


def test_both_ways_count_the_same_rows(both: Both) -> None:
    with_dagster, without = both.rows
    assert without == with_dagster


@pytest.mark.parametrize("one", STEPS, ids=lambda one: one.name)
def test_a_step_reads_and_writes_what_it_declares(both: Both, one: Any) -> None:
    recorded = both.recording
    assert recorded.reads[one.name] - {one.name} == set(one.reads)
    assert recorded.tables[one.name] == set(one.tables)
    assert recorded.frames[one.name] == set(one.frames)


def test_no_policy_is_fitted_twice_to_the_same_rows(both: Both) -> None:
    fitted = both.recording.policies
    assert len(fitted) > 5  # recommendations, verification, the months looked back at, the replay
    assert len(set(fitted)) == len(fitted)
