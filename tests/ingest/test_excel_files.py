"""Workbooks: the sheet with the table is read, titles and totals are not; what is not a workbook is said."""

from __future__ import annotations

import sys
import zipfile
from datetime import datetime, time, timedelta

import pytest
from openpyxl import Workbook

from memory_pipeline.ingest.csv_layout import CsvForm
from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.excel_files import open_excel
from memory_pipeline.memory import Memory

HEADER = ["Anwendung", "Ergebnis", "Datum", "Dauer", "Code"]
MOMENT = datetime(2026, 3, 1, 14, 30)  # noqa: DTZ001 - a spreadsheet knows no zone


def written(path, rows, *, title="Tabelle1", others=()):
    book = Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for name, state in others:
        other = book.create_sheet(name)
        other.sheet_state = state
    book.save(path)
    return path


def read(path, form=None, expected=frozenset()):
    with open_excel(path, form, expected) as file:
        return file.columns, list(file.read(None)), file.notes


def test_the_table_is_found_under_titles_and_above_totals(tmp_path):
    path = written(
        tmp_path / "own.xlsx",
        [
            ["Paketierung 2026"],
            [],
            HEADER,
            ["7-Zip", " ok ", MOMENT, timedelta(minutes=2, seconds=31), 1603],
            [],
            ["Viewer", "Fehler", MOMENT, time(0, 3), 0.5],
            ["Summe", None, None, None, 1603.5],
        ],
        others=[("Notizen", "visible"), ("Listen", "hidden")],
    )
    columns, records, notes = read(path, CsvForm(footer_rows=1), frozenset(HEADER))
    assert columns == tuple(HEADER)
    assert records == [
        dict(zip(HEADER, ["7-Zip", "ok", MOMENT, "0:02:31", 1603], strict=True)),
        dict(zip(HEADER, ["Viewer", "Fehler", MOMENT, "00:03:00", 0.5], strict=True)),
    ]
    assert "the sheet 'Tabelle1' was read, not 'Notizen', 'Listen'" in notes[0]
    assert "2 rows above the header" in notes[1]


def test_a_header_line_and_a_sheet_further_on_are_read(tmp_path):
    path = tmp_path / "second.xlsx"
    book = Workbook()
    book.active.append(["only a title"])
    sheet = book.create_sheet("Daten")
    sheet.append(["a", "b"])
    sheet.append(["name", "result"])
    sheet.append(["7-Zip", "ok"])
    book.save(path)
    assert read(path)[1] == [{"a": "name", "b": "result"}, {"a": "7-Zip", "b": "ok"}]
    assert read(path, CsvForm(header_line=2))[1] == [{"name": "7-Zip", "result": "ok"}]


def test_rows_reach_the_memory_like_those_of_a_csv_file(tmp_path, settings, store):
    rows = [["application_name", "outcome_status", "occurred_at", "installer_type"]]
    rows += [[f"app {one}", "success", datetime(2026, 3, 1, one), "msi"] for one in range(5)]  # noqa: DTZ001
    path = written(tmp_path / "own.xlsx", rows)
    mapping = tmp_path / "own.yaml"
    mapping.write_text(
        "name: own\ndescription: Own attempts.\nkind: outcomes\nsource: own\ntimezone: Europe/Berlin\n"
        "renames:\n  application_name: application_name\n  occurred_at: occurred_at\n"
        "  installer_type: installer_type\n"
        "value_maps:\n  - column: outcome_status\n    values: {success: {outcome_status: success}}\n"
    )
    with Memory(settings, store) as memory:
        memory.ingest(path, mapping=mapping)
        stored = memory.outcomes().sort_values("application_name")
    assert stored["application_name"].tolist() == [f"app {one}" for one in range(5)]
    assert stored["occurred_at"].iloc[3].isoformat() == "2026-03-01T02:00:00+00:00"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xd0\xcf\x11\xe0" + b"old" * 50, "is not a workbook of Excel 2007 or later"),
        (b"PK\x03\x04 cut off", "is not a workbook"),
    ],
)
def test_what_is_no_workbook_is_said(tmp_path, content, says):
    path = tmp_path / "odd.xlsx"
    path.write_bytes(content)
    with pytest.raises(IngestError, match=says), open_excel(path):
        pass


def test_another_archive_and_an_empty_workbook_are_refused(tmp_path):
    path = tmp_path / "archive.xlsx"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("readme.txt", "hello")
    with pytest.raises(IngestError, match="cannot be read as a workbook"), open_excel(path):
        pass
    written(path, [])
    with pytest.raises(IngestError, match="has no sheet with a table"), open_excel(path):
        pass


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = written(tmp_path / "bomb.xlsx", [HEADER, ["7-Zip", "ok", MOMENT, None, 1]])
    monkeypatch.setattr("memory_pipeline.ingest.excel_files._MOST_UNPACKED", 2_000)
    with pytest.raises(IngestError, match="unpacks to"), open_excel(path):
        pass


def test_without_the_library_the_remedy_is_said(tmp_path, monkeypatch):
    path = written(tmp_path / "own.xlsx", [HEADER])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(IngestError, match=r"pip install 'memory-pipeline\[excel\]'"), open_excel(path):
        pass
