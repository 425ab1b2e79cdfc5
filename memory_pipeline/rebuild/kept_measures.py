"""Measures that are kept: what a period said is not computed again while what it rests on is the same.

Everything is computed anew where the code of the analysis, a setting or the columns changed.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.rebuild.code_version import code_version
from memory_pipeline.store.frames import OUTCOME_FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from memory_pipeline.store.frames import FrameStore

NAME = "learning_measures"
"""Name under which rows and fingerprints are kept, as JSON."""
MADE_BY = ("memory_pipeline.analysis", "memory_pipeline.rebuild.measures")
"""Code that measures; policies and findings rest on most of the analysis."""


class KeptMeasures:
    """Rows of measures by kind and period, each with a fingerprint of the history up to the period's end.

    Parameters
    ----------
    frames
        Where they are kept, beside the features by month.
    rests_on
        What else they rest on, JSON-able: settings, columns.
    """

    def __init__(self, frames: FrameStore, rests_on: Mapping[str, Any]) -> None:
        self._frames = frames
        self._until = _fingerprints(frames, {"code": code_version(*MADE_BY), **rests_on})
        try:
            self._old = frames.read_json(NAME)
        except FileNotFoundError:
            self._old = {}
        self._new: dict[str, Any] = {}
        self.computed = 0
        self.reused = 0

    def rows(self, kind: str, start: pd.Timestamp, end: pd.Timestamp) -> list[dict[str, Any]] | None:
        """Return the rows of a period, where they rest on the attempts before `end` as these are now."""
        kept = self._old.get(_key(kind, start))
        if kept is None or kept["fingerprint"] != self._fingerprint(end):
            return None
        return self.former_rows(kind, start)

    def former_rows(self, kind: str, start: pd.Timestamp) -> list[dict[str, Any]] | None:
        """Return the rows of a period as they were measured once, whatever has changed since."""
        kept = self._old.get(_key(kind, start))
        if kept is None:
            return None
        self._new[_key(kind, start)] = kept
        self.reused += 1
        return [{**row, "period_start": pd.Timestamp(row["period_start"])} for row in kept["rows"]]

    def keep(
        self, kind: str, start: pd.Timestamp, end: pd.Timestamp, rows: Iterable[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Keep the rows that were computed for a period, and return them."""
        listed = [dict(row) for row in rows]
        plain = [{**row, "period_start": row["period_start"].isoformat()} for row in listed]
        self._new[_key(kind, start)] = {"fingerprint": self._fingerprint(end), "rows": plain}
        self.computed += 1
        return listed

    def save(self) -> None:
        """Write what this rebuild used or computed; the rest is forgotten."""
        self._frames.write_json(NAME, self._new)

    def _fingerprint(self, end: pd.Timestamp) -> str:
        """Return the fingerprint of everything before a moment, the first of a month."""
        known = [month for month in self._until if month < end.strftime("%Y-%m")]
        return self._until[max(known)] if known else ""


def _key(kind: str, start: pd.Timestamp) -> str:
    return f"{kind} {start.isoformat()}"


def _fingerprints(frames: FrameStore, rests_on: Mapping[str, Any]) -> dict[str, str]:
    """Compute a fingerprint per month that stands for it and all before it."""
    parts, info = frames.parts(OUTCOME_FEATURES)
    made = {name: info.get(name) for name in ("version", "keys")}
    digest = hashlib.sha256(json.dumps({**rests_on, "features": made}, sort_keys=True, default=str).encode())
    chained = {}
    for month in sorted(parts):
        part = parts[month]
        digest.update(f"{month} {part.rows} {part.about['fingerprint']} {part.about['names']};".encode())
        chained[month] = digest.hexdigest()[:32]
    return chained
