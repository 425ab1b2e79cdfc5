"""Evidence kept by month: only months whose features or categories changed are counted anew.

How often each value occurs is kept by month too (`OUTCOME_VALUES`), so the encoding of the whole history
is fitted without reading it. Both frames name the feature parts that they were made from: whatever a killed
rebuild left behind, what does not fit the features is made anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.evidence import Evidence, count_evidence
from memory_pipeline.analysis.evidence.periods import without_periods
from memory_pipeline.analysis.features import Encoding
from memory_pipeline.analysis.features.encoding import FLOORS, encoded_columns, learn_encoding
from memory_pipeline.analysis.features.outcomes import outcome_labels
from memory_pipeline.analysis.features.recoding import recoded_months
from memory_pipeline.analysis.features.value_counts import add_tables, value_table
from memory_pipeline.analysis.names import OUTCOME, PERIOD
from memory_pipeline.rebuild.code_version import code_version
from memory_pipeline.rebuild.features import Progress, check_unit, progress_of
from memory_pipeline.store.frames import OUTCOME_EVIDENCE, OUTCOME_FEATURES, OUTCOME_VALUES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from memory_pipeline.store.frames import FramePart, FrameStore
    from memory_pipeline.store.session import Session

_BESIDE_ROWS = ("conditions", "outcomes", "unit", "period", "max_conditions")
MADE_BY = (
    "memory_pipeline.analysis.arrays",
    "memory_pipeline.analysis.names",
    "memory_pipeline.analysis.spellings",
    "memory_pipeline.analysis.compute",
    "memory_pipeline.analysis.stats.grouped_sample",
    "memory_pipeline.analysis.features",
    "memory_pipeline.analysis.evidence",
    "memory_pipeline.rebuild.evidence",
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
    tables = _update_values(frames, parts, made)
    floors = FLOORS.at_most(settings.min_sample_size, settings.min_units)
    encoding = learn_encoding(
        add_tables(tables, conditions, sum(part.rows for part in parts.values())),
        min_count=floors.attempts,
        min_units=floors.units,
        taken=info["columns"],
    )
    evidence, progress = _update_counts(frames, parts, made, tables, encoding)
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
        evidence = Evidence.from_rows(rows, **{key: info[key] for key in _BESIDE_ROWS})
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


def _update_values(
    frames: FrameStore, parts: Mapping[str, FramePart], made: Mapping[str, Any]
) -> pd.DataFrame:
    """Return the value tables of all months, with the column `month`; count and keep those that changed."""
    old, about = frames.read(OUTCOME_VALUES) if frames.exists(OUTCOME_VALUES) else (None, {})
    stale = _stale(parts, about, made)
    files = {month: part.file for month, part in parts.items()}
    if old is not None and not stale and about["parts"] == files:
        return old
    tables = [] if old is None else [old[old["month"].isin(set(parts) - stale)]]
    for month in sorted(stale):
        columns = [*dict.fromkeys([made["unit"], *made["columns"]])]
        features = frames.read_parts([parts[month]], columns)
        tables.append(value_table(features, made["columns"], made["unit"]).assign(month=month))
    whole = pd.concat(tables, ignore_index=True).astype({"month": "str"})
    frames.write(OUTCOME_VALUES, whole, {"made": dict(made), "parts": files})
    return whole


def _update_counts(
    frames: FrameStore,
    parts: Mapping[str, FramePart],
    made: Mapping[str, Any],
    tables: pd.DataFrame,
    encoding: Encoding,
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
    evidence = _count(frames, [parts[month] for month in todo], made, encoding) if todo else None
    if rows is not None and todo != set(parts):
        old = Evidence.from_rows(rows, **{key: about[key] for key in _BESIDE_ROWS})
        kept = without_periods(old, set(old.codes(PERIOD)[1]) - (set(parts) - todo))
        evidence = kept if evidence is None else kept.merge(evidence)
    assert evidence is not None  # noqa: S101 - there is a part, and it is counted or holds
    beside = {key: getattr(evidence, key) for key in _BESIDE_ROWS}
    files = {month: part.file for month, part in parts.items()}
    state = {"made": dict(made), "parts": files, "encoding": encoding.to_dict()}
    frames.write(OUTCOME_EVIDENCE, evidence.to_rows(), {**beside, **state})
    return evidence, progress_of(parts, todo, reason)


def _stale(parts: Mapping[str, FramePart], about: Mapping[str, Any], made: Mapping[str, Any]) -> set[str]:
    """Return the months that are not there, or were made from other features or by other rules."""
    if about.get("made") != made:
        return set(parts)
    return {month for month, part in parts.items() if about["parts"].get(month) != part.file}


def _count(
    frames: FrameStore, parts: Collection[FramePart], made: Mapping[str, Any], encoding: Encoding
) -> Evidence:
    features = frames.read_parts(parts)
    beside = {
        OUTCOME: outcome_labels(features),
        made["unit"]: features[made["unit"]],
        PERIOD: features["occurred_at"].dt.strftime("%Y-%m"),
    }
    frame = pd.concat([encoding.apply(features), pd.DataFrame(beside)], axis=1)
    return count_evidence(
        frame, conditions=encoded_columns(encoding), outcome=OUTCOME, unit=made["unit"], period=PERIOD
    )
