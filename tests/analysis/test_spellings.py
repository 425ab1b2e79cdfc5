"""Spellings of one name, and versions at the end of a name."""

from __future__ import annotations

import pytest

from memory_pipeline.analysis.spellings import spelling_key, without_version


@pytest.mark.parametrize(
    "other",
    [
        "CONTOSO VIEWER",
        "contoso viewer ",
        " Contoso\u00a0Viewer",
        "Contoso  Viewer",
        "Con\u200btoso Viewer",
        "Con\u00adtoso View\u2060er\ufeff",
        "\uff23\uff4f\uff4e\uff54\uff4f\uff53\uff4f\u3000\uff36iewer",
    ],
)
def test_what_nobody_sees_does_not_tell_names_apart(other: str) -> None:
    assert spelling_key(other) == spelling_key("Contoso Viewer")


@pytest.mark.parametrize(
    ("one", "other"),
    [("Muller", "M\u00fcller"), ("C", "C#"), ("Viewer 1", "Viewer 2"), ("7-Zip", "7Zip"), ("Io", "lo")],
)
def test_what_a_reader_sees_does(one: str, other: str) -> None:
    assert spelling_key(one) != spelling_key(other)


def test_letters_that_fold_to_several_are_one_spelling() -> None:
    assert spelling_key("STRASSE") == spelling_key("Stra\u00dfe") == spelling_key("stra\u1e9ee")
    assert spelling_key("e\u0301cole") == spelling_key("\u00c9COLE")
    assert spelling_key("A\u2013B") == spelling_key("a-b")


def test_a_name_of_nothing_but_invisible_characters_is_its_own() -> None:
    assert spelling_key("\u200b") != spelling_key("\u2060")


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("Contoso Viewer 1.8 (x64)", "Contoso Viewer"),
        ("7-Zip 24.08 x64", "7-Zip"),
        ("7-Zip 24.08 (x64 edition)", "7-Zip"),
        ("Foo_1.2.3_amd64", "Foo"),
        ("Mozilla Firefox (x64 en-US)", "Mozilla Firefox"),
        ("Visual C++ 2015-2022 Redistributable (x64) - 14.34.31931", "Visual C++ 2015-2022 Redistributable"),
        ("Git version 2.43.0", "Git"),
        ("Notepad++ (64-bit x64)", "Notepad++"),
        ("Zoom(64bit)", "Zoom"),
        ("GIMP 2.10.36-1", "GIMP"),
        ("Viewer 1.8.0-beta.2", "Viewer"),
        ("Viewer v2", "Viewer"),
        ("Python 3.11", "Python"),
        ("Office 2016 16.0.4266.1001 x64", "Office 2016"),
        ("Java 8 Update 391 (64-bit)", "Java 8 Update 391"),
    ],
)
def test_a_version_and_an_architecture_at_the_end_are_left_out(name: str, left: str) -> None:
    assert without_version(name) == left


@pytest.mark.parametrize(
    "name",
    [
        *("Java 8", "Windows 11", "Office 365", "SQL Server 2019", "Visual Studio 2022", "7-Zip", "App 00"),
        *(
            "libssl1.1",
            "python3.11",
            "USB 3.0 Driver",
            "Ubuntu 22.04 LTS",
            "Node.js",
            "1.2.3",
            "x64",
            "4.5 (x64)",
        ),
    ],
)
def test_what_is_part_of_a_name_stays(name: str) -> None:
    assert without_version(name) == name
