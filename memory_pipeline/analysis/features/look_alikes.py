"""Which names of a column look like spellings of one, so that a person should decide?

Two names look alike where nothing but accents, punctuation and the legal form of a company tells them apart,
or where the cosine of their character n-grams, weighted by rarity (TF-IDF), is high: swapped, missing and
doubled letters, and words in another order. Names with different numbers in them (`Office 2016`, `Office
2019`) are not alike, and applications of which one has more words (`Viewer`, `Viewer Pro`) are not either.
No names are merged by it.

Only names that share n-grams which few have are compared, so that the cost grows with the names and not with
their pairs; the cosine of those is exact.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.same_names import CHANGE_COLUMNS
from memory_pipeline.analysis.spellings import compared_text, spelling_key

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from memory_pipeline.analysis.arrays import Floats, Ints

ALIKE = "looks alike"
LIKENESS = 0.6
"""Least cosine of two names that look alike."""
MOST = 200
"""Pairs of names that are listed at most."""
MOST_COMPARED = 30_000
"""Names of a column whose n-grams are compared, the most frequent; the others only by their letters."""
_SHORTEST = 4
_FEW = 100
"""Names that share an n-gram at most, for it to make them a pair to be compared."""
_LEAST_SHARED = LIKENESS / 2
"""What such n-grams must contribute to the cosine of two names, for these to be compared in full."""
_ROWS_AT_ONCE = 2_000
_MOST_LETTERS = 80


def find_look_alikes(
    counts: pd.DataFrame,
    *,
    applications: Collection[str] = (),
    exact: Collection[str] = (),
    apart: Collection[tuple[str, str, str]] = (),
) -> pd.DataFrame:
    """Find, for names of each column, the most similar of the more frequent ones.

    Parameters
    ----------
    counts
        Columns `column_name`, `name` (as it is read, once for each column) and `attempts`.
    applications
        Columns of names of applications.
    exact
        Columns of which only names that differ in their spelling alone look alike, as settings.
    apart
        Column and two names that a person declared to be different.

    Returns
    -------
    DataFrame
        `CHANGE_COLUMNS` and `similarity` (0 to 1): `raw_name` is the rarer name, `name` the one that it may
        be the same as. At most `MOST` rows, the most similar first, of equal ones the most frequent.
    """
    rows: list[tuple[Any, ...]] = []
    for column, part in counts.groupby("column_name", sort=True):
        ordered = part.sort_values(["attempts", "name"], ascending=[False, True])
        names = ordered["name"].astype(object).tolist()
        texts = [spelling_key(one) if column in exact else compared_text(one) for one in names]
        best = _same_letters(texts)
        if column not in exact:
            best = _similar(texts, superset_is_other=column in applications) | best
        attempts = ordered["attempts"].to_numpy()
        for rarer, (other, likeness) in best.items():
            pair = names[rarer], names[other]
            if not {(column, *pair), (column, *reversed(pair))} & set(apart):
                rows.append((column, *pair, ALIKE, int(attempts[rarer]), round(likeness, 4)))
    found = pd.DataFrame(rows, columns=[*CHANGE_COLUMNS, "similarity"])
    order = ["similarity", "attempts", "column_name", "raw_name"]
    found = found.sort_values(order, ascending=[False, False, True, True], ignore_index=True).head(MOST)
    kinds = {**dict.fromkeys(CHANGE_COLUMNS, "str"), "attempts": "int64", "similarity": "float64"}
    return found.astype(kinds)


def _same_letters(texts: Sequence[str]) -> dict[int, tuple[int, float]]:
    """Return the first of the texts that are the same but for spaces, for each that is later."""
    first: dict[str, int] = {}
    found = {}
    for place, text in enumerate(texts):
        letters = text.replace(" ", "")
        if letters and first.setdefault(letters, place) != place:
            found[place] = (first[letters], 1.0)
    return found


def _similar(texts: Sequence[str], *, superset_is_other: bool) -> dict[int, tuple[int, float]]:
    """Return the most similar earlier text and the similarity, for each text that has one."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - a second to import

    places = [i for i, text in enumerate(texts) if len(text) >= _SHORTEST][:MOST_COMPARED]
    if len(places) < 2:  # noqa: PLR2004 - similarity needs two names
        return {}
    short = [texts[i][:_MOST_LETTERS] for i in places]
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, dtype=np.float32)
    grams = vectors.fit_transform(short).tocsr()
    later, earlier = _pairs(grams)
    numbers = np.unique([" ".join(re.findall(r"\d+", one)) for one in short], return_inverse=True)[1]
    same = numbers[later] == numbers[earlier]
    later, earlier = later[same], earlier[same]
    likeness = _cosines(grams, later, earlier)
    best: dict[int, tuple[int, float]] = {}
    for i in np.lexsort((earlier, -likeness)):
        one, other = int(later[i]), int(earlier[i])
        if likeness[i] < LIKENESS:
            break
        words = set(short[one].split()), set(short[other].split())
        if superset_is_other and (words[0] < words[1] or words[1] < words[0]):
            continue
        best.setdefault(places[one], (places[other], min(float(likeness[i]), 1.0)))
    return best


def _pairs(grams: Any) -> tuple[Ints, Ints]:
    """Return the rows that share n-grams which few have, as pairs (later, earlier)."""
    few = np.bincount(grams.indices, minlength=grams.shape[1]) <= _FEW
    rare = grams[:, few]
    turned = rare.T.tocsr()
    found = []
    for begin in range(0, rare.shape[0], _ROWS_AT_ONCE):
        shared = (rare[begin : begin + _ROWS_AT_ONCE] @ turned).tocoo()
        is_later = (shared.row + begin > shared.col) & (shared.data >= _LEAST_SHARED)
        found.append(np.stack([shared.row[is_later] + begin, shared.col[is_later]]).astype(np.int64))
    later, earlier = np.concatenate(found, axis=1)
    return later, earlier


def _cosines(grams: Any, later: Ints, earlier: Ints) -> Floats:
    """Return the cosine of each pair of rows, which have length 1."""
    parts = [np.zeros(0)]
    for begin in range(0, len(later), 100_000):
        part = slice(begin, begin + 100_000)
        parts.append(np.asarray(grams[later[part]].multiply(grams[earlier[part]]).sum(axis=1)).ravel())
    cosines: Floats = np.concatenate(parts).astype(np.float64)
    return cosines
