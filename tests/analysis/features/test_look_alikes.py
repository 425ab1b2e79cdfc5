"""Which names look like spellings of one: without comparing every two, and never by their numbers."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from memory_pipeline.analysis.features import look_alikes
from memory_pipeline.analysis.features.look_alikes import find_look_alikes


def pairs(*names: str, **rules: object) -> set[tuple[str, str]]:
    """Return the pairs found among names, of which the first is the most frequent."""
    counts = pd.DataFrame({"column_name": "c", "name": names, "attempts": range(len(names), 0, -1)})
    found = find_look_alikes(counts, **rules)  # type: ignore[arg-type]
    assert found["similarity"].between(look_alikes.LIKENESS, 1).all()
    return set(zip(found["raw_name"], found["name"], strict=True))


@pytest.mark.parametrize(
    ("usual", "other"),
    [
        ("Contoso", "Contoso, Inc."),
        ("Fabrikam", "Fabrikam GmbH"),
        ("JetBrains", "Jet Brains s.r.o."),
        ("TechSmith", "Tech-Smith"),
        ("M\u00fcller", "Muller"),
        ("Igor Pavlov", "Pavlov, Igor"),
        ("Contoso Viewer", "Contoso Viewr"),
        ("Northwind Traders", "Nortwhind Traders"),
    ],
)
def test_names_that_a_person_should_look_at(usual: str, other: str) -> None:
    unlike = ("Velan", "Mogul Tools", "Adventure Works", "Wingtip Toys", "Tailspin", "Litware", "Proseware")
    assert pairs(usual, other, *unlike) == {(other, usual)}


def test_numbers_and_further_words_tell_applications_apart() -> None:
    names = ("Office 2016", "Office 2019", "Viewer", "Viewer Pro", "App 01", "App 02")
    assert pairs(*names, applications={"c"}) == set()
    assert pairs("Northwind", "Northwind Traders") == {("Northwind Traders", "Northwind")}


def test_of_settings_only_another_case_looks_alike() -> None:
    assert pairs("/S", "/s", "/qn", "/qb", exact={"c"}) == {("/s", "/S")}


def test_what_a_person_declared_to_be_different_is_not_asked_again() -> None:
    assert pairs("Contoso", "Contoso Ltd", apart={("c", "Contoso", "Contoso Ltd")}) == set()


def test_the_most_frequent_name_is_the_one_that_others_look_like() -> None:
    assert pairs("Contoso Ltd", "Contoso", "Contoso Inc") == {
        ("Contoso", "Contoso Ltd"),
        ("Contoso Inc", "Contoso Ltd"),
    }


def test_the_pairs_that_are_compared_grow_with_the_names_and_not_with_their_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Names of the same words have many n-grams in common, of which none is rare."""
    compared = []
    inner = look_alikes._pairs

    def counted(grams: object) -> object:
        found = inner(grams)
        compared.append(len(found[0]))
        return found

    monkeypatch.setattr(look_alikes, "_pairs", counted)
    letters = "abcdefghijklmnopqrst"
    for size in (1_000, 4_000):
        codes = ["".join(one) for one in itertools.product(letters, repeat=3)][:size]
        pairs(*(f"Contoso Server Tool {one}" for one in codes))
    most = 2 * look_alikes._FEW * 4_000
    assert max(compared) <= most < 4_000 * 3_999 / 2
