"""Which labels are similar but were not merged, so that a person should review them?

Similarity is the cosine of character n-grams weighted by their rarity (TF-IDF), which is robust to swapped
and missing letters and to word order. No labels are merged by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.members.label_repair import CHANGE_COLUMNS
from memory_pipeline.analysis.members.vocabulary import without_accents

if TYPE_CHECKING:
    from memory_pipeline.analysis.members.labels import MemberLabels


ALIKE = "looks alike"
LIKENESS = 0.65
MOST = 200
_SHORTEST = 4
_MOST_LABELS = 20_000


def similar_labels(labels: MemberLabels) -> pd.DataFrame:
    """Find, for labels of a field, the most similar of the more frequent ones in the same field.

    Left out are pairs that the vocabulary declares different, and pairs that one member carries both of.

    Returns
    -------
    DataFrame
        Columns `CHANGE_COLUMNS` and `similarity` (0 to 1): `raw_label` is the rarer label, `label` the one
        that it may be the same as. At most `MOST` rows, the most similar first.
    """
    parts = [_similar(labels, own) for own in dict.fromkeys(labels.fields)]
    columns = [*CHANGE_COLUMNS, "similarity"]
    found = pd.DataFrame([row for part in parts for row in part], columns=columns)
    order = ["similarity", "members", "raw_label"]
    return found.sort_values(order, ascending=[False, False, True], ignore_index=True).head(MOST)


def _similar(labels: MemberLabels, own: str) -> list[tuple[str, str, str, str, int, float]]:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - a second to import

    places = [i for i, name in enumerate(labels.names) if labels.fields[i] == own and len(name) >= _SHORTEST]
    places = sorted(places, key=lambda i: (-labels.counts[i], labels.names[i]))[:_MOST_LABELS]
    if len(places) < 2:  # noqa: PLR2004 - similarity needs two labels
        return []
    texts = [without_accents(labels.names[i].casefold()) for i in places]
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True).fit_transform(texts)
    likeness = (grams @ grams.T).tocoo()
    is_rarer = (likeness.row > likeness.col) & (likeness.data >= LIKENESS)
    best: dict[int, tuple[float, int]] = {}
    for rarer, other, value in zip(
        likeness.row[is_rarer], likeness.col[is_rarer], likeness.data[is_rarer], strict=True
    ):
        best[rarer] = max(best.get(rarer, (0.0, 0)), (float(value), -int(other)))
    rows = []
    for rarer, (value, negative) in best.items():
        one, other = places[rarer], places[-negative]
        names = labels.names[one], labels.names[other]
        together = np.logical_and(labels.column(one), labels.column(other)).any()
        if labels.vocabulary.may_merge(*names) and not together:
            rows.append((own, *names, ALIKE, int(labels.counts[one]), round(min(value, 1.0), 4)))
    return rows
