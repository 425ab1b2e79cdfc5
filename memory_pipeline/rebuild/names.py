"""Names as they count: read as recorded, counted by month, and replaced in the features.

How often each name occurs is kept by month (`OUTCOME_NAMES`), so that which names are one is decided over the
whole history while only changed months are read. A month that is not changed, but whose names are read
otherwise than before, is written anew.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from memory_pipeline.analysis.features.look_alikes import find_look_alikes
from memory_pipeline.analysis.features.same_names import (
    DECIDED,
    NameDecision,
    NameRules,
    count_names,
    fold_names,
    rename,
)
from memory_pipeline.analysis.spellings import spelling_key
from memory_pipeline.rebuild.code_version import code_version
from memory_pipeline.store.frames import NAME_CHANGES, NAME_LOOK_ALIKES, OUTCOME_FEATURES, OUTCOME_NAMES
from memory_pipeline.store.names import read_name_decisions, save_name_merges

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from memory_pipeline.rebuild.flat_outcomes import OutcomeKeys
    from memory_pipeline.settings import Settings
    from memory_pipeline.store.frames import FrameStore
    from memory_pipeline.store.session import Session

APPLICATION = "application_name"
_PAIR = ["column_name", "raw_name"]
_MADE_BY = (
    "memory_pipeline.analysis.spellings",
    "memory_pipeline.analysis.features.look_alikes",
    "memory_pipeline.rebuild.names",
)
"""Modules that decide which names look alike."""


@dataclass(frozen=True)
class ReadNames:
    """Which names are read as another.

    Attributes
    ----------
    changes
        Columns `same_names.CHANGE_COLUMNS`.
    by_month
        The rows of `changes` whose names occur in a month; months without any are left out.
    """

    changes: pd.DataFrame
    by_month: Mapping[str, pd.DataFrame]

    def digest(self, month: str) -> str:
        """Return what tells how the names of a month are read; empty where they are read as recorded."""
        if month not in self.by_month:
            return ""
        rows = self.by_month[month][["column_name", "raw_name", "name"]].itertuples(index=False, name=None)
        return hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()[:16]

    def apply(self, month: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of a month with its names replaced."""
        return rename(frame, self.by_month[month]) if month in self.by_month else frame


def counted_months(frames: FrameStore) -> dict[str, str]:
    """Return the months whose names are counted, with the fingerprint of their outcomes."""
    months: dict[str, str] = frames.info(OUTCOME_NAMES)["months"] if frames.exists(OUTCOME_NAMES) else {}
    return months


def month_names(frame: pd.DataFrame, keys: OutcomeKeys) -> pd.DataFrame:
    """Count the names of a month's features, as they were recorded."""
    return count_names(frame, [*dict.fromkeys([APPLICATION, *keys.context, *keys.approach])])


def read_names(
    frames: FrameStore,
    rules: NameRules,
    counted: Mapping[str, pd.DataFrame],
    fingerprints: Mapping[str, str],
) -> ReadNames:
    """Add the names of newly read months to those of the others, and find out which count as one.

    Parameters
    ----------
    frames
        Where both frames are kept; they are written here.
    rules
        Which names count as one.
    counted
        By month, what `month_names` counted anew.
    fingerprints
        Of the outcomes of every month there is.
    """
    parts = [names.assign(month=month) for month, names in counted.items()]
    if frames.exists(OUTCOME_NAMES):
        old, _ = frames.read(OUTCOME_NAMES)
        parts.append(old[old["month"].isin(set(fingerprints) - set(counted))])
    names = pd.concat(parts, ignore_index=True).astype({"month": "str"})
    if counted or counted_months(frames) != dict(fingerprints):
        frames.write(OUTCOME_NAMES, names, {"months": dict(fingerprints)})
    whole = names.groupby(_PAIR, sort=False)["attempts"].sum().reset_index()
    changes = fold_names(whole, rules)
    frames.write(NAME_CHANGES, changes)
    occurring = names[names["raw_name"].isin(set(changes["raw_name"]))]
    found = occurring[[*_PAIR, "month"]].merge(changes[[*_PAIR, "name"]], on=_PAIR)
    return ReadNames(changes, {str(month): part for month, part in found.groupby("month")})


def decided_names(frames: FrameStore) -> dict[str, dict[str, str]]:
    """Return by column the name as which another counts because a person decided so, by its spelling key."""
    changes, _ = frames.read(NAME_CHANGES)
    found: dict[str, dict[str, str]] = {}
    rows = changes.loc[changes["why"] == DECIDED, ["column_name", "raw_name", "name"]].astype(object)
    for column, raw, name in rows.itertuples(index=False, name=None):
        found.setdefault(column, {})[spelling_key(raw)] = name
    return found


def name_rules(connection: Connection, settings: Settings, keys: OutcomeKeys) -> NameRules:
    """Return which names count as one: by the columns there are, the settings, and persons' decisions.

    Case has a meaning in a setting (`/S` and `/s` are two switches), so settings are one only where a person
    says so.
    """
    decided = tuple(
        NameDecision(one["column_name"], one["name"], one["other_name"], one["decision"] == "same")
        for one in read_name_decisions(connection)
    )
    folded: Collection[str] = {APPLICATION, *keys.context}
    versioned = {APPLICATION} if settings.name_versions == "strip" else set()
    return NameRules(frozenset(folded), frozenset(versioned), decided)


@dataclass(frozen=True)
class UpdatedNameMerges:
    """The rows of `name_merges`: the names that are read as another, then those that look alike."""

    merges: pd.DataFrame

    @property
    def rows(self) -> int:
        """Names that are read as another, or look like one."""
        return len(self.merges)


def update_name_merges(session: Session) -> UpdatedNameMerges:
    """Store which names are read as another, and which look alike.

    Names are compared only where there are other ones than at the last time.
    """
    frames = session.frames
    changes, _ = frames.read(NAME_CHANGES)
    recorded, _ = frames.read(OUTCOME_NAMES)
    read_as = recorded.merge(changes[[*_PAIR, "name"]], on=_PAIR, how="left")
    names = read_as["name"].fillna(recorded["raw_name"]).astype("str")
    counts = read_as.assign(name=names).groupby(["column_name", "name"])["attempts"].sum().reset_index()
    with session.store.transaction() as connection:
        decided = read_name_decisions(connection)
    apart = {(one["column_name"], one["name"], one["other_name"]) for one in decided}
    exact = set(frames.parts(OUTCOME_FEATURES)[1]["approach"])
    compared = repr(
        (code_version(*_MADE_BY), sorted(apart), sorted(exact), counts[["column_name", "name"]].to_csv())
    )
    digest = hashlib.sha256(compared.encode()).hexdigest()
    if frames.exists(NAME_LOOK_ALIKES) and frames.info(NAME_LOOK_ALIKES)["compared"] == digest:
        alike, _ = frames.read(NAME_LOOK_ALIKES)
    else:
        alike = find_look_alikes(counts, applications={APPLICATION}, exact=exact, apart=apart)
        frames.write(NAME_LOOK_ALIKES, alike, {"compared": digest})
    merges = pd.concat([changes.assign(similarity=float("nan")), alike], ignore_index=True)
    save_name_merges(session.store, merges)
    return UpdatedNameMerges(merges)
