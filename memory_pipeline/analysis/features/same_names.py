"""Which names of a column count as one, and under which name are they shown?

Names are one by their spelling, without their version, or because a person decided so; a person can also
decide that two are apart. The name shown is the commonest spelling. Only names are read here, with how often
they occur: the attempts themselves keep what was recorded.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.spellings import spelling_key, without_version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

SPELLING, VERSION, DECIDED = "same spelling", "version left out", "decided"
CHANGE_COLUMNS = ("column_name", "raw_name", "name", "why", "attempts")
MOST_NAMES = 200_000
"""Names of a column up to which they are compared; a column with more holds numbers of records, not names."""
LONGEST_NAME = 300
"""Characters of a name; a longer text is not one."""
_APART = "\x1f"
_PLAIN = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_Found = dict[str, tuple[str, str]]


@dataclass(frozen=True)
class NameDecision:
    """What a person decided about two names of a column.

    Attributes
    ----------
    column
        The column.
    name
        The name that was decided about.
    other
        The name as which it counts, or from which it is apart.
    is_same
        Whether they are one.
    """

    column: str
    name: str
    other: str
    is_same: bool


@dataclass(frozen=True)
class NameRules:
    """Which names count as one.

    Attributes
    ----------
    folded
        Columns whose spellings are one. In the others, as settings of a command line, case has a meaning.
    versioned
        Columns of names that are read without a version at their end.
    decisions
        What persons decided; the last about a name counts.
    """

    folded: frozenset[str] = frozenset()
    versioned: frozenset[str] = frozenset()
    decisions: tuple[NameDecision, ...] = ()

    def of_column(self, column: str) -> ColumnRules:
        """Return the rules of one column."""
        return ColumnRules(
            column in self.folded,
            column in self.versioned,
            tuple(one for one in self.decisions if one.column == column),
        )


@dataclass(frozen=True)
class ColumnRules:
    """The rules of one column; see `NameRules`."""

    is_folded: bool
    is_versioned: bool
    decisions: tuple[NameDecision, ...] = ()

    @cached_property
    def _apart(self) -> frozenset[str]:
        """Names, or keys of spellings, that are what they are whatever the rules say."""
        found: set[str] = set()
        for one in self.decisions:
            if not one.is_same:
                keys = {self._spelled(name) for name in (one.name, one.other)}
                # Two spellings of one name are apart as they are written.
                found |= keys if len(keys) > 1 else {one.name, one.other}
        return frozenset(found)

    def key(self, name: str) -> str:
        """Return what all names have in common that are one with a name, decisions of sameness aside."""
        if name in self._apart:
            return _APART + name
        spelled = self._spelled(name)
        if not self.is_versioned or spelled in self._apart:
            return spelled
        return self._spelled(without_version(name))

    def shown(self, name: str) -> str:
        """Return the name without its version, where that is left out."""
        is_whole = not self.is_versioned or bool({name, self._spelled(name)} & self._apart)
        return name if is_whole else without_version(name)

    def _spelled(self, name: str) -> str:
        return spelling_key(name) if self.is_folded else name


def fold_names(counts: pd.DataFrame, rules: NameRules) -> pd.DataFrame:
    """Find the names that are read as another.

    Parameters
    ----------
    counts
        Columns `column_name`, `raw_name` (once for each column) and `attempts`.
    rules
        Which names count as one.

    Returns
    -------
    DataFrame
        `CHANGE_COLUMNS`, one row for each name that is read as another, sorted by column and name.
    """
    rows = []
    for column, part in counts.groupby("column_name", sort=True):
        own = rules.of_column(str(column))
        if len(part) > MOST_NAMES or not (own.is_folded or own.decisions):
            continue
        names = dict(zip(part["raw_name"].astype(object), part["attempts"].astype(int), strict=True))
        found = _fold(names, own)
        rows += [(column, raw, *found[raw], names[raw]) for raw in sorted(found)]
    frame = pd.DataFrame(rows, columns=list(CHANGE_COLUMNS))
    return frame.astype({**dict.fromkeys(CHANGE_COLUMNS, "str"), "attempts": "int64"})


def _fold(names: Mapping[str, int], rules: ColumnRules) -> _Found:
    """Return the name and the reason of each name that is read as another."""
    others = {rules.key(one) for decision in rules.decisions for one in (decision.name, decision.other)}
    groups: dict[str, list[str]] = defaultdict(list)
    for name, key in zip(names, _keys(list(names), rules), strict=True):
        groups[key].append(name)
    become, pinned = _decided(rules)
    found: _Found = {}
    for key, own in groups.items():
        if len(own) == 1 and key not in others and not rules.is_versioned:
            continue
        end = _end(key, become)
        shown = pinned.get(end) or _commonest(groups.get(end, ()), names, rules) or become[key][1]
        for name in own:
            if name != shown:
                found[name] = (shown, _reason(name, key, end, rules, pinned))
    return found


def _reason(name: str, key: str, end: str, rules: ColumnRules, pinned: Mapping[str, str]) -> str:
    if key != end or end in pinned:
        return DECIDED
    return VERSION if rules.shown(name) != name else SPELLING


def _keys(names: Sequence[str], rules: ColumnRules) -> list[str]:
    if rules.is_versioned or rules.decisions:
        return [rules.key(name) for name in names]
    # Most names are plain; those are brought to lower case at once.
    plain = np.fromiter((_PLAIN.fullmatch(one) is not None for one in names), bool, len(names))
    lower = pd.Series(names, dtype="str").str.lower().to_list() if plain.any() else names
    return [
        low if is_plain else rules.key(one) for one, low, is_plain in zip(names, lower, plain, strict=True)
    ]


def _decided(rules: ColumnRules) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Return which key became which (with the name that was given), and the spellings that were chosen."""
    become: dict[str, tuple[str, str]] = {}
    pinned: dict[str, str] = {}
    for one in rules.decisions:
        key, other = rules.key(one.name), rules.key(one.other)
        if one.is_same and key == other:
            pinned[key] = one.other
        elif one.is_same:
            become[key] = (other, one.other)
    return become, pinned


def _end(key: str, become: Mapping[str, tuple[str, str]]) -> str:
    """Return the key at the end of a chain of decisions; a circle ends where it would begin again."""
    seen = {key}
    while key in become and become[key][0] not in seen:
        key = become[key][0]
        seen.add(key)
    return key


def _commonest(spellings: Iterable[str], names: Mapping[str, int], rules: ColumnRules) -> str:
    """Return the spelling with most attempts, of equal ones the first by alphabet; empty without any."""
    attempts: dict[str, int] = defaultdict(int)
    for one in spellings:
        attempts[rules.shown(one)] += names[one]
    return min(attempts, key=lambda one: (-attempts[one], one), default="")


def count_names(frame: pd.DataFrame, columns: Collection[str]) -> pd.DataFrame:
    """Count the texts of columns, of lists their elements.

    Returns
    -------
    DataFrame
        `column_name`, `raw_name`, `attempts`; columns of numbers and truth values are left out.
    """
    parts = []
    for column in columns:
        values = frame[column]
        if values.dtype == object:
            values = values.explode()
        elif not pd.api.types.is_string_dtype(values.dtype):
            continue
        counts = values.value_counts()
        counts = counts[counts.index.astype("str").str.len() <= LONGEST_NAME]
        parts.append(
            pd.DataFrame(
                {"column_name": column, "raw_name": counts.index.astype("str"), "attempts": counts.to_numpy()}
            )
        )
    if not parts:
        return pd.DataFrame({"column_name": [], "raw_name": [], "attempts": []}).astype(_COUNT_TYPES)
    return pd.concat(parts, ignore_index=True).astype(_COUNT_TYPES)


_COUNT_TYPES = {"column_name": "str", "raw_name": "str", "attempts": "int64"}


def rename(frame: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with its names replaced, by three columns of `fold_names`.

    `column_name`, `raw_name` and `name` are read of `changes`. Rows, columns and types stay.
    """
    renamed: dict[str, pd.Series] = {}
    for column, part in changes.groupby("column_name"):
        if column not in frame:
            continue
        values = frame[column]
        become = dict(zip(part["raw_name"], part["name"], strict=True))
        if values.dtype == object:
            renamed[str(column)] = values.map(partial(_renamed, become))
        else:
            codes, distinct = pd.factorize(values)
            names = [become.get(one, one) for one in distinct]
            taken = pd.Series([*names, None], dtype=values.dtype).take(codes)
            renamed[str(column)] = pd.Series(taken.array, index=values.index, dtype=values.dtype)
    return frame.assign(**renamed) if renamed else frame


def _renamed(become: Mapping[str, str], value: Any) -> Any:
    """Return a text, or the texts of a list, as they are read; anything else as it is."""
    if isinstance(value, str):
        return become.get(value, value)
    return [become.get(one, one) for one in value] if isinstance(value, (list, np.ndarray)) else value
