"""Evidence kept by month: only months whose features or categories changed are counted anew.

How often each value occurs is kept by month too (`OUTCOME_VALUES`), so the encoding of the whole history
is fitted without reading it. Both frames name the feature parts that they were made from: whatever a killed
rebuild left behind, what does not fit the features is made anew.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.evidence import Evidence
from memory_pipeline.analysis.evidence.periods import without_periods
from memory_pipeline.analysis.features import Encoding
from memory_pipeline.analysis.features.encoding import FLOORS, learn_encoding
from memory_pipeline.analysis.features.recoding import recoded_months
from memory_pipeline.analysis.features.value_counts import add_tables
from memory_pipeline.analysis.names import PERIOD
from memory_pipeline.rebuild.code_version import code_version
from memory_pipeline.rebuild.collapsers import BESIDE_ROWS, OwnProcess
from memory_pipeline.rebuild.features import Progress, check_unit, progress_of
from memory_pipeline.store.frames import OUTCOME_EVIDENCE, OUTCOME_FEATURES, OUTCOME_VALUES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.rebuild.collapsers import Collapser
    from memory_pipeline.settings import Settings
    from memory_pipeline.store.frames import FramePart, FrameStore
    from memory_pipeline.store.session import Session

MADE_BY = (
    "memory_pipeline.analysis.arrays",
    "memory_pipeline.analysis.names",
    "memory_pipeline.analysis.spellings",
    "memory_pipeline.analysis.compute",
    "memory_pipeline.analysis.stats.grouped_sample",
    "memory_pipeline.analysis.features",
    "memory_pipeline.analysis.evidence",
    "memory_pipeline.rebuild.collapsers",
    "memory_pipeline.rebuild.evidence",
    "memory_pipeline.rebuild.spark",
)
"""Modules and packages that decide what the evidence is; the features' own version stands beside them."""


@dataclass(frozen=True)
class UpdatedEvidence:
    """The evidence as it is now, its encoding, its shape as rows, and how much was counted for it."""

    evidence: Evidence
    encoding: Encoding
    progress: Progress

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The collapsed rows as they were written."""
        return self.evidence.to_rows()

    @property
    def rows(self) -> int:
        """Collapsed rows."""
        return len(self.frame)


def update_evidence(session: Session) -> UpdatedEvidence:
    """Count the months whose features or categories changed, so that the evidence agrees with the features.

    What is written equals what counting everything would give.

    Raises
    ------
    ValueError
        When the evidence unit that is set is not one of the features' columns.
    RuntimeError
        When the evidence counts another number of attempts than the features have.
    """
    frames, settings = session.frames, session.settings
    parts, info = frames.parts(OUTCOME_FEATURES)
    check_unit(settings.unit, info["columns"])
    conditions = [c for c in (*info["context"], *info["approach"]) if c != settings.unit]
    made = {"version": code_version(*MADE_BY), "unit": settings.unit, "columns": conditions}
    with closing(collapser_of(settings, frames)) as collapser:
        tables = _update_values(frames, parts, made, collapser)
        floors = FLOORS.at_most(settings.min_sample_size, settings.min_units)
        encoding = learn_encoding(
            add_tables(tables, conditions, sum(part.rows for part in parts.values())),
            min_count=floors.attempts,
            min_units=floors.units,
            taken=info["columns"],
        )
        evidence, progress = _update_counts(frames, parts, made, tables, encoding, collapser=collapser)
    if int(evidence.n.sum()) != progress.all_attempts:
        raise RuntimeError(
            f"the evidence counts {int(evidence.n.sum())} attempts, the features {progress.all_attempts}; "
            f"remove {OUTCOME_EVIDENCE} and {OUTCOME_VALUES} from {session.settings.storage} and rebuild"
        )
    return UpdatedEvidence(evidence, encoding, progress)


def read_evidence(frames: FrameStore) -> tuple[Evidence, Encoding]:
    """Read the evidence and the encoding of its conditions.

    Raises
    ------
    FileNotFoundError
        When nothing was counted yet.
    RuntimeError
        When another version of the project counted it.
    """
    rows, info = frames.read(OUTCOME_EVIDENCE)
    try:
        evidence = Evidence.from_rows(rows, **{key: info[key] for key in BESIDE_ROWS})
    except KeyError as error:
        msg = "the stored evidence was written by another version; run `memory-pipeline rebuild`"
        raise RuntimeError(msg) from error
    return evidence, Encoding.from_dict(info["encoding"])


def read_encoding(frames: FrameStore) -> Encoding:
    """Read how the whole history is encoded, without its evidence.

    Raises
    ------
    FileNotFoundError
        When nothing was counted yet.
    """
    _, info = frames.read(OUTCOME_EVIDENCE, columns=[])
    return Encoding.from_dict(info["encoding"])


def collapser_of(settings: Settings, frames: FrameStore) -> Collapser:
    """Return who counts by the settings: Spark where MEMORY_SPARK_MASTER names a master."""
    if settings.spark_master is None:
        return OwnProcess(frames)
    from memory_pipeline.rebuild.spark import SparkWorkers  # noqa: PLC0415 - an extra

    return SparkWorkers(settings.storage, settings.spark_master)


def _update_values(
    frames: FrameStore, parts: Mapping[str, FramePart], made: Mapping[str, Any], collapser: Collapser
) -> pd.DataFrame:
    """Return the value tables of all months, with the column `month`; count and keep those that changed."""
    old, about = frames.read(OUTCOME_VALUES) if frames.exists(OUTCOME_VALUES) else (None, {})
    stale = _stale(parts, about, made)
    files = {month: part.file for month, part in parts.items()}
    if old is not None and not stale and about["parts"] == files:
        return old
    tables = [] if old is None else [old[old["month"].isin(set(parts) - stale)]]
    months = sorted(stale)
    if months:
        found = collapser.value_tables([parts[month] for month in months], made["columns"], made["unit"])
        tables += [table.assign(month=month) for table, month in zip(found, months, strict=True)]
    whole = pd.concat(tables, ignore_index=True).astype({"month": "str"})
    frames.write(OUTCOME_VALUES, whole, {"made": dict(made), "parts": files})
    return whole


def _update_counts(
    frames: FrameStore,
    parts: Mapping[str, FramePart],
    made: Mapping[str, Any],
    tables: pd.DataFrame,
    encoding: Encoding,
    *,
    collapser: Collapser,
) -> tuple[Evidence, Progress]:
    """Count the months that changed or whose categories did, and add them to those that hold."""
    rows, about = frames.read(OUTCOME_EVIDENCE) if frames.exists(OUTCOME_EVIDENCE) else (None, {})
    todo = _stale(parts, about, made)
    reason = ""
    if rows is None:
        reason = "the first time"
    elif about.get("made") != made:
        reason = "the code, the unit or the columns changed"
    else:
        recoded = recoded_months(tables, Encoding.from_dict(about["encoding"]), encoding) - todo
        reason = f"{len(recoded)} because values are told apart otherwise" if recoded else ""
        todo |= recoded
    evidence = None
    if todo:
        evidence = collapser.collapse([parts[month] for month in sorted(todo)], made["unit"], encoding)
    if rows is not None and todo != set(parts):
        old = Evidence.from_rows(rows, **{key: about[key] for key in BESIDE_ROWS})
        kept = without_periods(old, set(old.codes(PERIOD)[1]) - (set(parts) - todo))
        evidence = kept if evidence is None else kept.merge(evidence)
    assert evidence is not None  # noqa: S101 - there is a part, and it is counted or holds
    beside = {key: getattr(evidence, key) for key in BESIDE_ROWS}
    files = {month: part.file for month, part in parts.items()}
    state = {"made": dict(made), "parts": files, "encoding": encoding.to_dict()}
    frames.write(OUTCOME_EVIDENCE, evidence.to_rows(), {**beside, **state})
    return evidence, progress_of(parts, todo, reason)


def _stale(parts: Mapping[str, FramePart], about: Mapping[str, Any], made: Mapping[str, Any]) -> set[str]:
    """Return the months that are not there, or were made from other features or by other rules."""
    if about.get("made") != made:
        return set(parts)
    return {month for month, part in parts.items() if about["parts"].get(month) != part.file}
