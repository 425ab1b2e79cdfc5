"""The explanation in words: what is clear is stated, what is not is called inconclusive."""

from dataclasses import replace

import pytest

from memory_pipeline.analysis.learning.change_explanation import (
    ChangeExplanation,
    ColumnMix,
    Contributor,
    Part,
    Span,
)
from memory_pipeline.analysis.learning.change_text import change_sentences, part_text

NONE = Part(0.0, -0.05, 0.05, is_clear=False)
VENDOR = Contributor(
    -0.075, -0.132, -0.0149, True, "rate", "application_vendor", "Vendor A", 0.2, 0.2, 0.76, 0.4, 50, 20
)


def explanation(**changed):
    base = ChangeExplanation(
        before=Span("2025-06", "2026-05", 9_240, 400, 0.67),
        after=Span("2026-06", "2026-06", 760, 1, 0.52),
        unit="application_name",
        total=Part(-0.15, -0.25, -0.05, is_clear=True),
        mix=Part(-0.069, -0.11, -0.029, is_clear=True),
        rate=Part(-0.081, -0.164, 0.002, is_clear=False),
        same_units=Part(-0.1, -0.19, 0.01, is_clear=False),
        n_same_units=197,
        columns=(ColumnMix("application_vendor", Part(-0.063, -0.12, -0.01, is_clear=True), NONE),),
        contributors=(VENDOR, replace(VENDOR, kind="mix", share_after=0.31)),
    )
    return replace(base, **changed)


def plain(sentence):
    return sentence.replace("\N{MINUS SIGN}", "-")


def test_each_part_is_a_sentence():
    assert tuple(map(plain, change_sentences(explanation()))) == (
        "Success fell by 15 points: 52% in June 2026, 67% in June 2025 to May 2026.",
        (
            "The difference is -15 points (interval -25 to -5): "
            "760 attempts of 1 application against 9,240 attempts of 400 applications."
        ),
        (
            "Other cases came: the mix explains -6.9 points (interval -11 to -2.9), "
            "of which by application vendor -6.3 points (interval -12 to -1)."
        ),
        (
            "Whether the same cases end otherwise is inconclusive: rates explain -8.1 points "
            "(interval -16 to +0.2)."
        ),
        (
            "The same applications (197 with attempts in both spans) changed by -10 points "
            "(interval -19 to +1), which may be chance."
        ),
        (
            "Where application vendor is Vendor A: 31% of the attempts after 20%, which explains -7.5 points "
            "(interval -13 to -1.5)."
        ),
        (
            "Where application vendor is Vendor A: 40% succeed after 76%, which is -7.5 points "
            "(interval -13 to -1.5)."
        ),
    )


def test_where_nothing_is_clear_it_is_said_plainly():
    said = change_sentences(
        explanation(total=NONE, mix=NONE, rate=NONE, same_units=None, columns=(), contributors=())
    )
    assert said[0] == "No clear change in success: 52% in June 2026, 67% in June 2025 to May 2026."
    assert "which may be chance" in said[1]
    assert said[-1].startswith("None of this can be told from chance")


def test_a_narrow_interval_around_zero_is_not_called_inconclusive():
    narrow = Part(0.001, -0.004, 0.006, is_clear=False)
    said = change_sentences(explanation(mix=narrow, rate=narrow))
    assert "Other cases explain next to nothing: the mix explains +0.1 points" in said[2]
    assert said[3].startswith("The same cases succeed as often as before")


def test_the_reason_stands_instead_of_figures_where_units_are_too_few():
    said = change_sentences(explanation(total=NONE, reason="June 2026 has 1 application, fewer than 5"))
    assert said[1:] == ("Inconclusive: June 2026 has 1 application, fewer than 5.",)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (Part(0.0, -0.0004, 0.021, is_clear=False), "0 points (interval 0 to +2.1)"),
        (Part(0.4, -1.0, 1.0, is_clear=False), "+40 points (too few units for an interval)"),
    ],
)
def test_parts_are_written_in_points(part, text):
    assert part_text(part) == text
