"""XML, property lists and CliXML: elements and objects as records, a bomb refused, little memory."""

from __future__ import annotations

import plistlib
import tracemalloc
from datetime import datetime

import pytest

from memory_pipeline.ingest import IngestError
from memory_pipeline.ingest.record_paths import Reading, RecordPlace, parse_path
from memory_pipeline.ingest.trial import try_mapping
from memory_pipeline.ingest.xml_files import open_xml


@pytest.fixture
def read(tmp_path):
    def read(content, *paths, columns=()):
        path = tmp_path / "a.xml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        places = tuple(RecordPlace(parse_path(one)) for one in paths)
        with open_xml(path, Reading(places, frozenset(columns))) as file:
            return list(file.read(None))

    return read


SUITES = """<?xml version="1.0"?>
<testsuites xmlns="urn:x"><testsuite name="win" host="pc"><testcase name="a" time="1.5"/>
<testcase name="b"><failure code="5">broke</failure><tag>x</tag><tag>y</tag></testcase></testsuite>
<testsuite name="mac"><testcase name="c"><name>inner</name>text</testcase></testsuite></testsuites>"""


def test_elements_are_records(read):
    found = read(SUITES, "testsuite.testcase", columns=["testsuite.name", "name"])
    assert found == [
        {"testsuite": {"name": "win", "host": "pc"}, "name": "a", "time": "1.5"},
        {
            "testsuite": {"name": "win", "host": "pc"},
            "failure": {"code": "5", "text": "broke"},
            "tag": ["x", "y"],
            "name": "b",
        },
        {"testsuite": {"name": "mac"}, "name": "inner", "@name": "c", "text": "text"},
    ]
    assert [one["name"] for one in read(SUITES)] == ["win", "mac"]
    assert read("<a><b>1</b><b/></a>") == [{"text": "1"}, {"text": ""}]
    wide = SUITES.replace("?>", ' encoding="utf-16"?>').encode("utf-16")
    assert read(wide, "testsuite.testcase")[0]["name"] == "a"


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "a.xml"
    with path.open("w") as file:
        file.write("<root><noise/>")
        file.writelines(f"<row n='{n}'><cell>x</cell></row><noise><deep/></noise>" for n in range(20_000))
        file.write("</root>")
    with open_xml(path, Reading((RecordPlace(parse_path("row")),))) as file:
        tracemalloc.start()
        count = sum(1 for _ in file.read(None))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 2_000_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><a><r>&c;</r></a>',
            "declares entities, which can",
        ),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a><r>&b;</r></a>', "declares entities"),
        ("<a><b></a>", "is not XML, or was cut off"),
        ("<a><b>1</b>", "is not XML, or was cut off"),
        ("<a>" * 500 + "</a>" * 500, "nested more than 200 elements deep"),
        ("bplist00 broken", "is not XML, or was cut off"),
    ],
)
def test_unusable_files(read, content, message):
    with pytest.raises(IngestError, match=message):
        read(content)


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
def test_property_lists(read, form):
    content = {
        "runs": [{"app": "Viewer", "ok": True, "at": datetime(2026, 3, 1, 8), "id": b"\x01"}],  # noqa: DTZ001
        "host": "m",
    }
    found = read(plistlib.dumps(content, fmt=form), "runs", columns=["$.host"])
    assert found == [
        {"$.host": "m", "app": "Viewer", "ok": True, "at": "2026-03-01T08:00:00+00:00", "id": "01"}
    ]
    with pytest.raises(IngestError, match="its keys are: runs, host"):
        read(plistlib.dumps(content, sort_keys=False, fmt=form), "items")


def clixml(body):
    return f'<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">{body}</Objs>'


def test_objects_of_powershell(read):
    state = (
        '<Obj N="State" RefId="3"><TN RefId="1"><T>E</T></TN><ToString>Failed</ToString><I32>5</I32></Obj>'
    )
    note = '<Obj N="Note" RefId="4"><S>kept</S><MS><S N="PSPath">x</S></MS></Obj>'
    table = '<Obj N="Env" RefId="5"><DCT><En><S N="Key">os</S><S N="Value">11</S></En></DCT></Obj>'
    one = (
        '<Obj RefId="2"><Props><S N="Name">a_x000A_b</S><I64 N="Code">-5</I64><B N="Ok">false</B>'
        f'<Nil N="No"/><Db N="Version">1.10</Db><DT N="At">2026-03-01T08:00:00+01:00</DT>{state}{note}{table}'
        '<Obj N="Tags" RefId="6"><LST><S>x</S><S>y</S></LST></Obj><Ref N="Again" RefId="6"/>'
        '<Ref N="Self" RefId="2"/></Props></Obj>'
    )
    (found,) = read(clixml(one))
    assert found.pop("Version").as_tuple().exponent == -2
    assert found == {
        "Name": "a\nb",
        "Code": -5,
        "Ok": False,
        "No": None,
        "At": "2026-03-01T08:00:00+01:00",
        "State": "Failed",
        "Note": "kept",
        "Env": {"os": "11"},
        "Tags": ["x", "y"],
        "Again": ["x", "y"],
        "Self": None,
    }
    assert len(read(clixml(one + one))) == 2


def test_references_that_double_are_refused(read):
    levels = "".join(
        f'<Obj RefId="{n}"><LST><Ref RefId="{n - 1}"/><Ref RefId="{n - 1}"/></LST></Obj>'
        for n in range(1, 40)
    )
    with pytest.raises(IngestError, match="more than 5,000,000 values when its references are followed"):
        read(clixml('<Obj RefId="0"><LST><S>x</S></LST></Obj>' + levels))


def test_update_info_of_chocolatey_au(tmp_path):
    def package(name, error, *, ignored="false", updated="true"):
        return (
            f'<Obj RefId="{name}"><Props><S N="Name">{name}</S><B N="Updated">{updated}</B>{error}'
            f'<S N="RemoteVersion">2.10</S><B N="Ignored">{ignored}</B></Props></Obj>'
        )

    error = '<S N="Error">The remote name could not be resolved</S>'
    packages = package("viewer", '<Nil N="Error"/>') + package("editor", error, updated="false")
    packages += package("old", error, ignored="true")
    path = tmp_path / "update_info.xml"
    path.write_text(
        clixml(
            '<Obj RefId="0"><MS><DT N="startTime">2026-03-01T08:00:00Z</DT><Obj N="result" RefId="1"><MS>'
            f'<Obj N="all" RefId="7"><LST>{packages}</LST></Obj></MS></Obj></MS></Obj>'
        ),
        encoding="utf-16",
    )
    trial = try_mapping(path, "chocolatey_au_update_info")

    assert (trial.accepted, trial.skipped, trial.refused) == (2, 1, 0)
    viewer, editor = trial.records
    assert (viewer["application_name"], viewer["outcome_status"]) == ("viewer", "success")
    assert viewer["application_version"] == "2.10"
    assert viewer["performance_metrics"] == {"packaged_new_version": 1}
    assert editor["outcome_status"] == "failure"
    assert editor["failure_reasons"][0]["detail"] == "The remote name could not be resolved"
