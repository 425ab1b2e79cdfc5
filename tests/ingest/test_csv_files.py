"""CSV files as programs write them and spreadsheets save them: marks, titles, quotes, totals, code pages."""

# ruff: noqa: RUF001 - texts in the letters of many languages

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_pipeline.ingest import IngestError, ingest_file
from memory_pipeline.ingest.csv_files import open_csv
from memory_pipeline.ingest.csv_layout import CsvForm, find_layout
from memory_pipeline.ingest.errors import MappingError
from memory_pipeline.ingest.mapping import load_mapping
from memory_pipeline.ingest.text_encodings import guess_code_page

EXPECTED = frozenset({"host", "tool", "state"})
TWO = [{"host": "a1", "tool": "VLC", "state": "ok"}, {"host": "a2", "tool": "GIMP", "state": None}]


@pytest.fixture
def read(tmp_path):
    def read(content, form=None, expected=EXPECTED):
        path = tmp_path / "a.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with open_csv(path, form, expected) as file:
            return list(file.read(None)), file.notes

    return read


FORMS = {
    "plain": ("host,tool,state\na1,VLC,ok\na2,GIMP,\n", None),
    "pipe": ("host|tool|state\na1|VLC|ok\na2|GIMP|\n", None),
    "a mark of the delimiter": ("sep=|\r\nhost|tool|state\r\na1|VLC|ok\r\na2|GIMP|\r\n", None),
    "a mark with delimiters behind it": ("sep=;;;\nhost;tool;state\na1;VLC;ok\na2;GIMP;\n", None),
    "a type line": ('#TYPE System.Object\n"host","tool","state"\n"a1","VLC","ok"\n"a2","GIMP",\n', None),
    "titles": (
        "Weekly, for all sites\nBy;Kim\n\nhost;tool;state\na1;VLC;ok\na2;GIMP;\n",
        "is read from line 4, its header; what stands above it was left out ('Weekly, for all",
    ),
    "a title with more delimiters than the header": (
        "a,b,c,d,e,f\nhost;tool;state\na1;VLC;ok\na2;GIMP;\n",
        "is read from line 2",
    ),
    "a delimiter at the end of each line": ("host,tool,state,\na1,VLC,ok,\na2,GIMP,,\n", None),
    "delimiters behind the rows alone": ("host,tool,state\na1,VLC,ok,,\na2,GIMP,,,\n", None),
    "rows of delimiters alone": ("host,tool,state\na1,VLC,ok\n,,\na2,GIMP,\n,,\n,,\n", None),
    "each row in one cell": (
        '"host,""tool"",""state"""\n"a1,""VLC"",""ok"""\na2,GIMP,\n',
        "has each row as a whole in one quoted cell",
    ),
    "a total": ("host,tool,state\na1,VLC,ok\na2,GIMP,\nTotal,,\n", "'Total' at the end was left out"),
    "a German total of fewer cells": (
        "host,tool,state\na1,VLC,ok\na2,GIMP,\nSumme:\n",
        "'Summe:' at the end",
    ),
    "a count of rows": (
        "host,tool,state\na1,VLC,ok\na2,GIMP,\n\n(2 rows affected)\n",
        "'(2 rows affected)' at the end was left out",
    ),
    "NUL characters": ("host,tool,state\na1,V\0LC,ok\na2,GIMP,\n\0\0\0", "(first in line 2)"),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_same_rows(read, form):
    content, note = FORMS[form]
    rows, notes = read(content)

    assert rows == TWO
    if note is None:
        assert notes == []
    else:
        assert len(notes) == 1
        assert note in notes[0]


@pytest.mark.parametrize("last", ["Total Commander,x,y", "Sumatra PDF,x,y", "Total,x,y", "Counter,,"])
def test_a_row_that_only_resembles_a_total_stays(read, last):
    rows, notes = read(f"host,tool,state\na1,VLC,ok\n{last}\n")

    assert (len(rows), notes) == (2, [])


def test_a_total_between_rows_stays(read):
    rows, _ = read("host,tool,state\nTotal,,\na1,VLC,ok\na2,GIMP,ok\na3,GIMP,ok\na4,GIMP,ok\n")

    assert rows[0] == {"host": "Total", "tool": None, "state": None}


QUOTES = {
    r'"run \"D:\in put\a.exe\" now"': r'run "D:\in put\a.exe" now',
    r'"say \"no\""': 'say "no"',
    '"D:\\a.exe" -q stopped': "D:\\a.exe -q stopped",
    '"D:\\in put\\"': "D:\\in put\\",
    '"two ""quoted"" words"': 'two "quoted" words',
    'inch 5" disk': 'inch 5" disk',
}


@pytest.mark.parametrize("cell", QUOTES)
def test_quotes(read, cell):
    rows, notes = read(f"host,tool,state\na1,VLC,ok\na2,GIMP,{cell}\na3,VLC,ok\n")

    assert [row["state"] for row in rows] == ["ok", QUOTES[cell], "ok"]
    is_broken = cell.startswith('"') and ('\\"' in cell[:-1] or "-q" in cell)
    assert len(notes) == is_broken
    assert all("line 3" in note for note in notes)


def test_many_rows_with_bare_quotes_are_one_note(read):
    rows, notes = read("host,tool,state\n" + 'a1,VLC,"b" c\n' * 200)

    assert [row["state"] for row in rows] == ["b c"] * 200
    assert len(notes) == 1


def test_escaped_quotes_in_a_cell_of_several_lines(read):
    rows, _ = read('host,tool,state\na1,VLC,"first\nsecond \\"x\\" y\nthird"\na2,GIMP,ok\n')

    assert [row["state"] for row in rows] == ['first\nsecond "x" y\nthird', "ok"]


def test_quotes_that_cannot_be_repaired_stop_the_file(read):
    with pytest.raises(IngestError, match=r"line 2: .*correct the quotes there"):
        read('host,tool,state\n"a"b"c,VLC,"x,y" z\n')


def test_the_form_can_be_said(read):
    content = "host;x;y\nhost,tool,state\na1,VLC,ok\na2,GIMP,Größe\nlast row".encode("cp850")
    form = CsvForm(encoding="cp850", delimiter=",", header_line=2, footer_rows=1)
    rows, notes = read(content, form, frozenset())

    assert rows == [TWO[0], {**TWO[1], "state": "Größe"}]
    assert ["is read from line 2" in note for note in notes] == [True]


def test_a_wrong_form_is_named(read):
    with pytest.raises(IngestError, match=r"has no line 9, where .*header_line.*correct the number"):
        read("host,tool,state\n", CsvForm(header_line=9))
    with pytest.raises(IngestError, match="the encoding 'cp99' is unknown; write a name such as"):
        read("host,tool,state\n", CsvForm(encoding="cp99"))
    with pytest.raises(IngestError, match="is not UTF-8: the byte 0xf6"):
        read("host,tool,state\nö,,\n".encode("cp1252"), CsvForm(encoding="utf-8"))


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("{ delimiter: ab }", "csv.delimiter is one character"),
        ("{ header_line: 0 }", "csv.header_line is the number of a line, from 1"),
        ("{ footer_rows: -1 }", "csv.footer_rows is a number of rows"),
        ("{ colour: red }", "key `csv.colour`"),
    ],
)
def test_mistakes_in_the_key_are_named(tmp_path, form, message):
    path = tmp_path / "m.yaml"
    path.write_text(
        f"name: a\ndescription: A.\nkind: members\nsets: [skills]\ncsv: {form}\n", encoding="utf-8"
    )
    with pytest.raises(MappingError, match=message):
        load_mapping(path)


def test_what_was_found_out_is_reported(store, tmp_path):
    path = tmp_path / "a.csv"
    head = "application_name;occurred_at;outcome_status;approach_details"
    row = "Zuñiga;2026-03-01T12:00:00Z;success;{}"
    path.write_bytes(f"Report\n{head}\n{row}\nTotal;1;;\n".encode("cp1252"))
    report = ingest_file(store, "outcomes", path)

    assert (report.read, report.new) == (1, 1)
    assert [what in note for what, note in zip(("cp1252", "line 2", "Total"), report.notes, strict=True)] == [
        True,
        True,
        True,
    ]
    assert report.to_dict()["notes"] == report.notes


# Written for this test; the comment in the reference of mappings counts how many are read rightly.
TEXTS = {
    "cp1252": [
        "PC-1;Müllers Tool;Failed;Datei nicht gefunden – Pfad ungültig",
        "Öffice",
        "café;élève façade",
        "Ação não concluída",
        "Instalación fallida; el código es “0”",
        "Fejl: pakken blev ikke fundet på øen",
        "Größe",
        "niño",
        "Kjør på nytt – feil",
        "L’élément n’a pas été trouvé",
        "Überprüfung",
    ],
    "cp1250": [
        "Błąd instalacji – plik nie został znaleziony",
        "Łódź",
        "Instalace se nezdařila: soubor nebyl nalezen, příliš žluťoučký kůň",
        "telepítés sikertelen: a fájl nem található, őrült",
        "Żółw",
    ],
    "cp1251": ["Ошибка установки;Не удалось найти файл", "Сбой", "Грешка при инсталиране"],
    "cp1253": ["Αποτυχία εγκατάστασης", "Σφάλμα"],
    "cp1254": ["Yükleme başarısız oldu", "dosya bulunamadı; değişti"],
    "cp1255": ["ההתקנה נכשלה"],
    "cp1256": ["فشل التثبيت"],
    "cp932": ["インストールに失敗しました;エラー", "ファイルが見つかりません"],
    "gb18030": ["安装失败;找不到文件", "错误"],
    "cp949": ["설치 실패; 파일을 찾을 수 없음"],
    "cp850": ["Müller;Größe überschritten, Änderung nötig", "élève"],
    "cp852": ["Błąd instalacji, ścieżka"],
    "cp866": ["Ошибка установки"],
}
WRONGLY_GUESSED = {("cp1250", 3), ("cp1255", 0), ("cp949", 0)}


def test_code_pages_are_guessed():
    wrong = {
        (page, number)
        for page, texts in TEXTS.items()
        for number, text in enumerate(texts)
        if text.encode(page).decode(guess_code_page(text.encode(page)), "replace") != text
    }

    assert wrong == WRONGLY_GUESSED
    assert sum(map(len, TEXTS.values())) == 34


def test_utf8_is_never_guessed(read):
    for texts in TEXTS.values():
        rows, notes = read("host,tool,state\n" + "".join(f'a1,VLC,"{text}"\n' for text in texts))
        assert [row["state"] for row in rows] == texts
        assert notes == []


def test_a_code_page_far_down_the_file_is_found(read):
    rows, notes = read(("host,tool,state\n" + "a1,VLC,ok\n" * 300_000 + "a2,GIMP,Größe\n").encode("cp1252"))

    assert rows[-1]["state"] == "Größe"
    assert ["was read as cp1252" in note for note in notes] == [True]


@given(st.text(max_size=300), st.sampled_from([None, ";", "|"]))
def test_any_beginning_gives_a_layout(start, delimiter):
    layout = find_layout(start, CsvForm(delimiter=delimiter), EXPECTED, "a.csv")

    assert layout.lines_above <= start.count("\n") + start.count("\r") + 1
