"""Numbers, durations, codes and times as people and programs of many countries write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_pipeline.ingest.errors import RecordRefusedError
from memory_pipeline.ingest.number_texts import decimal_mark_of, parse_code, parse_duration, parse_number
from memory_pipeline.ingest.reading_notes import ReadingNotes
from memory_pipeline.ingest.time_texts import TimeReader, order_of, parse_time

NUMBERS = [
    ("12", 12, 12),
    ("-7", -7, -7),
    ("0.25", 0.25, 0.25),
    ("0,25", 0.25, 0.25),
    ("3,500", 3500, 3.5),
    ("3.500", 3.5, 3500),
    ("0,750", 0.75, 0.75),
    ("4,500,000", 4500000, 4500000),
    ("4.500.000", 4500000, 4500000),
    ("4.500,75", 4500.75, 4500.75),
    ("4,500.75", 4500.75, 4500.75),
    ("4 500", 4500, 4500),
    ("4\u00a0500,5", 4500.5, 4500.5),
    ("4\u202f500", 4500, 4500),
    ("4'500.5", 4500.5, 4500.5),
    ("4\u2019500", 4500, 4500),
    ("\u22125", -5, -5),
    ("1e3", 1000.0, None),
    ("4_500", None, None),
    ("85%", None, None),
    ("0x10", None, None),
    ("1e400", None, None),
    ("\u221e", None, None),
    ("nan", None, None),
    ("45,00,000", None, None),
    ("4.500.00", None, None),
    ("", None, None),
    ("12 s", None, None),
]


@pytest.mark.parametrize(("text", "point", "comma"), NUMBERS)
def test_numbers(text, point, comma):
    assert (parse_number(text), parse_number(text, ",")) == (point, comma)


@given(st.integers(-(10**12), 10**12), st.integers(0, 99))
def test_grouped_numbers_are_read_in_both_styles(whole, cents):
    english = f"{whole:,}.{cents:02d}"
    german = english.translate(str.maketrans(",.", ".,"))
    value = float(f"{whole}.{cents:02d}")

    assert parse_number(english, ".") == value
    assert parse_number(german, ",") == value


def test_locales():
    names = ["de_DE", "de-AT", "fr_FR.UTF-8", "pt_BR", "en_US", "en", "de_CH", "es_MX", "ja_JP"]
    assert [decimal_mark_of(name) for name in names] == [*",,,,....."][:9]
    with pytest.raises(ValueError, match="locale 'xx_YY' is unknown; write a language and a country"):
        decimal_mark_of("xx_YY")


DURATIONS = [
    ("0:01:05", 65),
    ("00:01:05.5", 65.5),
    ("27:00:00", 97_200),
    ("2.03:00:00", 183_600),
    ("2 days, 3:00:00", 183_600),
    ("4m 5s", 245),
    ("4min5sec", 245),
    ("1 hour and 10 minutes", 4_200),
    ("1 Std. 10 Min.", 4_200),
    ("1h30m", 5_400),
    ("250 ms", 0.25),
    ("1,5 h", 5_400),
    ("PT4M5S", 245),
    ("P1DT1H", 90_000),
    ("PT0.5S", 0.5),
    ("4:05", None),
    ("0:61:00", None),
    ("P", None),
    ("PT", None),
    ("245", None),
    ("5 apples", None),
    ("4m x 5s", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "seconds"), DURATIONS)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


CODES = [
    ("1618", "1618"),
    ("1618.0", "1618"),
    ("1,618", "1618"),
    ("+1618", "1618"),
    (" 1618 ", "1618"),
    ("(1618)", "1618"),
    ("1618 (busy)", "1618"),
    ("1618: busy", "1618"),
    ("-2147023278", "0x80070652"),
    ("-2147023278.0", "0x80070652"),
    ("2147944018", "0x80070652"),
    ("0x80070652", "0x80070652"),
    ("0X80070652", "0x80070652"),
    ("(0x80070652)", "0x80070652"),
    ("0x80070652 (busy)", "0x80070652"),
    ("0xFFFFFFFF80070652", "0x80070652"),
    ("18446744071562528338", "0x80070652"),
    ("8A15002B", "0x8A15002B"),
    ("800700EA", "0x800700EA"),
    ("0x652", "1618"),
]


@pytest.mark.parametrize(("text", "code"), CODES)
def test_codes(text, code):
    assert parse_code(text) == code


def test_hex_without_its_mark_is_ambiguous_unless_told():
    with pytest.raises(ValueError, match=r"may be the hex digits 0x80070652 or a decimal .*set `hex: true`"):
        parse_code("80070652")
    assert parse_code("80070652", is_hex=True) == "0x80070652"
    assert parse_code("652", is_hex=True) == "1618"


@pytest.mark.parametrize("text", ["", "x", "1.5", "16,18", "0x", "12345678901", "0x1FFFFFFFF", "-2147483649"])
def test_what_is_not_a_code(text):
    with pytest.raises(ValueError, match=r"is not an exit code; write|does not fit into 32 bits; correct"):
        parse_code(text)


@given(st.integers(-(2**31), 2**32 - 1))
def test_a_code_has_one_form(number):
    texts = {str(number), f"{number}.0", hex(number % 2**32), f"({hex(number % 2**32)})"}
    if number < 0:
        texts |= {str(number % 2**64), hex(number % 2**64)}
    texts = {text for text in texts if re.fullmatch(r"8\d{7}(\.0)?", text) is None}

    assert len({parse_code(text) for text in texts}) == 1


MOMENT = datetime(2026, 2, 3, 14, 5, 6, tzinfo=UTC)
TIMES = [
    ("iso", "2026-02-03 14:05:06 UTC"),
    ("iso", "2026-02-03T15:05:06+01:00"),
    ("dmtf", "20260203140506.000000+000"),
    ("dmtf", "20260203150506.000000+060"),
    ("dmtf", "20260203090506.000000-300"),
    ("json_date", "/Date(1770127506000)/"),
    ("json_date", "/Date(1770127506000+0100)/"),
    ("json_date", "\\/Date(1770127506000)\\/"),
    ("excel", "46056.586875"),
    ("excel", "46056,586875"),
    ("%m/%d/%Y %I:%M:%S %p", "2/3/2026 2:05:06\u202fPM"),
]


@pytest.mark.parametrize(("form", "text"), TIMES)
def test_times(form, text):
    moment = parse_time(text, form)

    assert (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) == MOMENT


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("dmtf", "2026-02-03"),
        ("json_date", "Date(5)"),
        ("excel", "x"),
        ("iso", "3 Feb UTC"),
        ("excel", "1e99"),
    ],
)
def test_what_is_not_a_time(form, text):
    assert parse_time(text, form) is None


def test_a_time_of_wmi_without_its_zone_takes_that_of_the_mapping():
    read = TimeReader("t", ("dmtf",), ZoneInfo("Europe/Berlin"), ReadingNotes()).read

    assert read("20260203150506.000000+***") == MOMENT


@pytest.mark.parametrize("text", ["20260203150506.000000+060", "/Date(1770127506000)/"])
def test_forms_that_cannot_be_mistaken_need_no_name(text):
    read = TimeReader("t", ("%d.%m.%Y %H:%M", "iso"), ZoneInfo("Europe/Berlin"), ReadingNotes()).read

    assert read(text) == MOMENT


@pytest.mark.parametrize(
    ("text", "utc_hour"),
    [
        ("2026-07-04 10:00 UTC", 10),
        ("2026-07-04 10:00 GMT", 10),
        ("2026-07-04 10:00 CEST", 8),
        ("2026-01-04 10:00 CET", 9),
    ],
)
def test_names_of_zones_are_honoured(text, utc_hour):
    read = TimeReader("t", ("%Y-%m-%d %H:%M %Z",), ZoneInfo("Europe/Berlin"), ReadingNotes()).read

    assert read(text).astimezone(UTC).hour == utc_hour


@pytest.mark.parametrize("text", ["2026-07-04 10:00 PST", "2026-07-04 10:00 CET"])
def test_names_of_zones_that_may_be_others_are_refused(text):
    read = TimeReader("t", ("%Y-%m-%d %H:%M %Z",), ZoneInfo("Europe/Berlin"), ReadingNotes()).read
    with pytest.raises(RecordRefusedError, match=r"which several places use.*write the offset"):
        read(text)


def test_orders_of_formats():
    forms = ["%d.%m.%Y", "%m/%d/%Y %H:%M", "%Y-%m-%d", "%d %b %Y", "iso"]
    assert [order_of(form) for form in forms] == ["day", "month", None, None, None]
