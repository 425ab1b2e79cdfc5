"""Which labels were broken at a comma, or are lists, and what should they be?

An export that splits its lists at commas also splits an answer with a comma inside brackets, such as "web
portal (for example, an intranet)"; its pieces then are labels of their own. They are joined where a piece
lacks its bracket and the pieces practically always occur together. Conversely, a free answer "Perl, bash" is
a list; it is split where at least one part is known as a label. A label that is known as a whole is split
only where all its parts are known.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import pandas as pd

from memory_pipeline.analysis.members.vocabulary import label_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.analysis.members.vocabulary import Vocabulary


CHANGE_COLUMNS = ("field", "raw_label", "label", "why", "members")
FEWEST = 5
"""Least members of a label that counts as known, and of pieces that are joined."""
ALWAYS = 0.95
"""Least share of a piece's members who have the other piece as well."""
_SEPARATORS = re.compile(r"[,;](?![^()]*\))")
_Sets = dict[str, set[int]]


def repair_labels(labels: pd.DataFrame, vocabulary: Vocabulary) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop empty answers, join broken labels and split lists.

    Parameters
    ----------
    labels
        Columns `member_id`, `field`, `label`.
    vocabulary
        Labels without a meaning, and known labels.

    Returns
    -------
    tuple of DataFrame
        The labels, of the same columns and without repetitions, and the changes, columns
        `CHANGE_COLUMNS`, one row per raw label and what it became (None: dropped).
    """
    parts, changes = [], []
    for own, rows in labels.groupby("field", sort=True):
        replacement = _replacements(rows, vocabulary)
        parts.append(_replaced(rows, replacement))
        counts = rows.groupby("label")["member_id"].nunique()
        changes += [
            (own, raw, label, why, int(counts[raw]))
            for raw, (others, why) in sorted(replacement.items())
            for label in others or (None,)
        ]
    changed = pd.DataFrame(changes, columns=list(CHANGE_COLUMNS))
    if not parts:
        return labels, changed
    return pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True), changed


def _replacements(rows: pd.DataFrame, vocabulary: Vocabulary) -> dict[str, tuple[tuple[str, ...], str]]:
    holders: _Sets = {str(label): set(ids) for label, ids in rows.groupby("label")["member_id"]}
    known = Counter(dict.fromkeys(vocabulary.canonical, 0))
    for label, ids in holders.items():
        known[label_key(label)] += len(ids)
    joined = _joined(holders)
    result: dict[str, tuple[tuple[str, ...], str]] = {}
    for label in holders:
        if label_key(label) in vocabulary.ignored or not re.search(r"\w", label):
            result[label] = ((), "says nothing")
        elif label in joined:
            result[label] = (joined[label], "was broken at a comma")
        elif len(parts := _list_parts(label, known, vocabulary)) > 1:
            result[label] = (parts, "is a list")
    return result


def _replaced(rows: pd.DataFrame, replacement: Mapping[str, tuple[tuple[str, ...], str]]) -> pd.DataFrame:
    """Replace labels by their parts or wholes; a member may then have a whole several times."""
    become = {label: list(others) for label, (others, _) in replacement.items()}
    new = pd.Series([become.get(label, [label]) for label in rows["label"]], index=rows.index, dtype=object)
    return rows.assign(label=new).explode("label").dropna(subset="label")


def _joined(holders: _Sets) -> dict[str, tuple[str, ...]]:
    """Return the whole label of each piece that was broken inside brackets; empty where it is ambiguous."""
    openers = {label: ids for label, ids in holders.items() if _depth(label) > 0 and len(ids) >= FEWEST}
    if not openers:
        return {}
    opened = set().union(*openers.values())
    pieces = [
        label
        for label, ids in holders.items()
        if label not in openers and len(ids) >= FEWEST and len(ids & opened) >= ALWAYS * len(ids)
    ]
    wholes: dict[str, list[str]] = defaultdict(list)
    for opener, ids in openers.items():
        inside = [label for label in pieces if len(holders[label] & ids) >= ALWAYS * len(ids)]
        closers = [label for label in inside if _depth(label) < 0]
        if len(closers) == 1:
            between = sorted(label for label in inside if _depth(label) == 0)
            whole = ", ".join([opener, *between, *closers])
            for piece in (opener, *between, *closers):
                wholes[piece].append(whole)
    return {piece: tuple(one) if len(one) == 1 else () for piece, one in wholes.items()}


def _depth(label: str) -> int:
    return label.count("(") - label.count(")")


def _list_parts(label: str, known: Mapping[str, int], vocabulary: Vocabulary) -> tuple[str, ...]:
    """Split a list into known labels, as long as possible, and the rest as it is.

    A label that is known as a whole is a list only where all its parts are known.
    """
    pieces = [piece.strip() for piece in _SEPARATORS.split(label)]
    pieces = [piece for piece in pieces if re.search(r"\w", piece)]
    is_whole = _is_known(label, known, vocabulary)
    found: list[str] = []
    parts_known = 0
    while pieces:
        most = len(pieces) - (is_whole and not found)
        length = next(
            (n for n in range(most, 0, -1) if _is_known(", ".join(pieces[:n]), known, vocabulary)), 0
        )
        parts_known += length > 0
        found.append(", ".join(pieces[: max(length, 1)]))
        pieces = pieces[max(length, 1) :]
    is_list = parts_known == len(found) if is_whole else parts_known > 0
    return tuple(dict.fromkeys(found)) if is_list else (label,)


def _is_known(label: str, known: Mapping[str, int], vocabulary: Vocabulary) -> bool:
    return known[label_key(label)] >= FEWEST or vocabulary.name_of(label) is not None
