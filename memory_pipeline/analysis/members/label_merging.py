"""Which labels mean the same and become one: by spelling, by the vocabulary, or by the same words?

Same words: equal once translated and sorted ("Análisis de datos" and "Data analysis"). Labels that one member
carries both of are merged only by spelling or vocabulary: a member who lists "React" and "React.js" wrote one
thing twice, but one who lists two different phrases meant two things.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pandas as pd

from memory_pipeline.analysis.members.label_repair import CHANGE_COLUMNS
from memory_pipeline.analysis.members.vocabulary import label_key

if TYPE_CHECKING:
    from memory_pipeline.analysis.members.vocabulary import Vocabulary


SPELLING, VOCABULARY, WORDS = "same spelling", "vocabulary", "same words"


def merge_labels(labels: pd.DataFrame, vocabulary: Vocabulary) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Replace labels that mean the same by one name, the same in all fields.

    Parameters
    ----------
    labels
        Columns `member_id`, `field`, `label`.
    vocabulary
        Canonical names, and words that mean the same.

    Returns
    -------
    tuple of DataFrame
        The labels, of the same columns and without repetitions, and the changes (`CHANGE_COLUMNS`).
    """
    counts = labels.groupby("label")["member_id"].count()
    spelled, reasons = _by_spelling(counts, vocabulary)
    renamed = labels.assign(label=labels["label"].map(spelled))
    same_words = _by_words(renamed, vocabulary)
    name = {raw: same_words.get(first, first) for raw, first in spelled.items()}
    why = {raw: WORDS if name[raw] != first else reasons[raw] for raw, first in spelled.items()}
    merged = labels.assign(label=labels["label"].map(name)).drop_duplicates(ignore_index=True)
    members = labels.groupby(["field", "label"])["member_id"].nunique().reset_index()
    changes = [
        (own, raw, name[raw], why[raw], count)
        for own, raw, count in members.itertuples(index=False, name=None)
        if name[raw] != raw
    ]
    return merged, pd.DataFrame(changes, columns=list(CHANGE_COLUMNS))


def _by_spelling(counts: pd.Series, vocabulary: Vocabulary) -> tuple[dict[str, str], dict[str, str]]:
    """Return the name of each label, by the vocabulary or else its most frequent spelling, and the reason."""
    frequent: dict[str, tuple[int, str]] = {}
    for label, count in counts.items():
        key = label_key(str(label))
        frequent[key] = max(frequent.get(key, (0, "")), (int(count), str(label)))
    names, reasons = {}, {}
    for label in map(str, counts.index):
        key = label_key(label)
        names[label] = vocabulary.name_of(label) or frequent[key][1]
        is_spelling = key == label_key(names[label])
        reasons[label] = SPELLING if is_spelling else VOCABULARY
    return names, reasons


def _by_words(labels: pd.DataFrame, vocabulary: Vocabulary) -> dict[str, str]:
    """Return the most frequent label of the same words by label, unless one member carries both."""
    distinct = labels.drop_duplicates()
    counts = distinct.groupby("label")["member_id"].count()
    holders = {
        label: set(zip(rows["member_id"], rows["field"], strict=True))
        for label, rows in distinct.groupby("label")
    }
    alike = defaultdict(list)
    for label in sorted(counts.index, key=lambda one: (-counts[one], one)):
        meaning = vocabulary.meaning(label)
        if meaning:
            alike[meaning].append(label)
    result = {}
    for same in alike.values():
        first = same[0]
        for other in same[1:]:
            if vocabulary.may_merge(first, other) and not holders[first] & holders[other]:
                result[other] = first
    return result
