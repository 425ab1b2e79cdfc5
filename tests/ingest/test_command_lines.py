"""What packaging command lines say: a table of cases from all families, and properties of any text."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from memory_pipeline.ingest.commands import (
    MAX_LENGTH,
    SETTINGS,
    CommandTooLongError,
    parse_command,
    parse_commands,
)
from memory_pipeline.ingest.commands.lexer import render, split_arguments, split_commands, split_list
from memory_pipeline.ingest.outcome_contract import RESERVED_KEYS
from memory_pipeline.worlds.records import SETTINGS as SAMPLE_SETTINGS
from memory_pipeline.worlds.vocabulary import INSTALLER_TYPES, SILENT_SWITCHES

CASES = yaml.safe_load(Path(__file__).with_name("command_lines.yaml").read_text("utf-8"))
ALL = [case["command"] for case in CASES]
NONE = [
    "",
    "   ",
    "msiexec",
    "msiexec /?",
    "echo msiexec /i x.msi",
    'git commit -m "apt install foo"',
    "# apt install foo",
    "robocopy.exe a b /S",
    "findstr.exe /S foo *.txt",
    "shutdown.exe /s /t 0",
    "python.exe setup.py install",
    "apt list nginx",
    "apt-get update",
    "apt-cache search x",
    "brew list",
    "pip install requests",
    "winget search x",
    "choco list -lo",
    "scoop update",
    "cat > x.sh <<'EOF'\napt install foo\nEOF",
    "rpm -qi foo",
    "ls | grep msiexec",
    "which brew",
    "ssh host 'apt install foo'",
    "Get-AppxPackage",
    "dism /Online /Enable-Feature /FeatureName:x",
    "installer -pkg x.pkg -dominfo",
    "npm install left-pad",
]


def of(command):
    parsed = parse_command(command)
    assert parsed is not None, command
    return parsed


@pytest.mark.parametrize("case", CASES, ids=ALL)
def test_what_a_command_says(case):
    parsed = of(case["command"])
    assert case["says"] == {
        "tool": parsed.tool,
        "action": parsed.action,
        "name": parsed.application_name,
        "version": parsed.application_version,
        "type": parsed.installer_type,
    }
    assert case["settings"] == {name: parsed.approach.get(name) for name in case["settings"]}


def test_what_is_concluded_is_named():
    assert of("app-1.2-setup.exe /S").inferred == (
        "application_name",
        "application_version",
        "installer_type",
    )
    assert of("msiexec /i app.msi /qn").inferred == ("application_name",)
    assert of("winget install Git.Git --version 2.0").inferred == ()


@pytest.mark.parametrize("command", NONE)
def test_other_commands_say_nothing(command):
    assert parse_commands(command) == ()


def test_the_table_is_large():
    assert len(set(ALL)) >= 80


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("apt-get update && apt-get install -y a b=1 ./c_2_all.deb", ["a", "b", "c"]),
        ("msiexec /i a.msi /qn & msiexec /i b.msi /qn\nchoco install c d -y", ["a", "b", "c", "d"]),
        ("(cd /tmp && sudo dpkg -i a_1_all.deb) || brew install b | tee log", ["a", "b"]),
        ('bash -lc "apt-get install -y a; snap install b"', ["a", "b"]),
        ("if ! winget install A.A; then choco install b -y; fi", ["A.A", "b"]),
        ("cat <<EOF > x\nmsiexec /i no.msi\nEOF\nmsiexec /i yes.msi /qn", ["yes"]),
        ("msiexec /i a.msi /qn # and msiexec /i b.msi", ["a"]),
        ('echo "a;msiexec /i b.msi" ; msiexec /i c.msi', ["c"]),
    ],
)
def test_several_commands(text, names):
    assert [one.application_name for one in parse_commands(text)] == names


def test_switches_are_those_that_the_sample_organisation_knows():
    files = {"msi": "msiexec /i x.msi", "wix": "msiexec /i x.msi", "msix": ""}
    for kind in ("msi", "wix", "burn", "exe", "inno", "nullsoft", "msix"):
        for switch in SILENT_SWITCHES[kind]:
            if not switch.is_right:
                continue
            start = files.get(kind, "app-setup.exe")
            command = f"{start} {switch.text}" + (" -Path x.msix" if kind == "msix" else "")
            parsed = of(command)
            assert parsed.approach["silent_switch"] == switch.text
            assert parsed.installer_type == ("msi" if kind == "wix" else kind)
            assert parsed.installer_type in INSTALLER_TYPES


def test_names_of_settings():
    assert {"silent_switch", "install_context", "transform", "wrapper", "reboot_handling"} <= set(
        SAMPLE_SETTINGS
    )
    assert {"silent_switch", "install_context", "transform", "wrapper", "reboot_handling"} <= set(SETTINGS)
    assert not set(SETTINGS) & RESERVED_KEYS
    assert {name for command in ALL for name in of(command).approach} <= set(SETTINGS)


@pytest.mark.parametrize("command", ALL)
def test_a_normalised_command_says_the_same(command):
    for parsed in parse_commands(command):
        assert parse_commands(parsed.command) == (parsed,)
        json.dumps(parsed.to_dict())


SECRETS = [
    "msiexec /i x.msi DBPASSWORD={} /qn",
    'msiexec /i x.msi DBPASSWORD="{} and more" /qn',
    'setup.exe /s /v"/qn SQLPWD=\\"{} b\\" X=1"',
    "app-setup.exe /S /password:{}",
    "app-setup.exe /S /password {}",
    "app-setup.exe /S --token {} --x 1",
    "app-setup.exe /S --api-key={}",
    "choco install x -y -u me -p={}",
    "choco install x -y -p {}",
    "choco install x -y --params \"'/User:me /Password:{}'\"",
    "choco install x -s https://me:{}@feed/x",
    "winget install x --override '/S /LICENSE_KEY={}'",
    "Start-Process msiexec -ArgumentList '/i','x.msi','PIDKEY={}','/qn'",
    'cmd /c "msiexec /i x.msi ADMIN_PASSWORD={} /qn"',
    "dnf install https://h/x-1-1.noarch.rpm?sig={}",
    "powershell -Command \"msiexec /i x.msi SECRET='{} b' /qn\"",
]


@pytest.mark.parametrize("template", SECRETS)
@given(secret=st.text("abcdefghijklmnopqrstuvwxyzABCDEF0123456789!+_", min_size=8, max_size=30))
def test_secrets_are_masked(template, secret):
    found = parse_commands(template.format(f"Q{secret}"))
    assert found
    text = json.dumps([one.to_dict() for one in found])
    assert f"Q{secret}" not in text
    assert "***" in text


ANY = st.text(max_size=300) | st.text("msiexec /iqnx.=\"'\\ ;&|<>()`^$@#\n-apt{}", max_size=120)
SIGNS = (" ", '"', "'", "\\", "`", ";", "&&", "|", "\n", "(", ")", "<<EOF", ">", "^", "{", "$(", "@(")
PIECES = st.lists(
    st.sampled_from([*ALL, *SIGNS]) | st.text(max_size=6),
    max_size=6,
).map("".join)


@given(ANY | PIECES)
def test_any_text_is_read_and_read_the_same_again(text):
    for parsed in parse_commands(text):
        json.dumps(parsed.to_dict())
        assert parse_command(parsed.command) == parsed


WORD = st.text(max_size=12) | st.text("ab=\"'\\ ;&|<>()`^$@#\n-/v{}%!,", max_size=12)


@given(st.lists(WORD, max_size=6))
def test_rendered_windows_words_are_split_as_they_were(words):
    words = [word.replace("\0", "").encode("utf-8", "replace").decode() for word in words]
    text = render(["msiexec", *words], is_windows=True)
    segments = split_commands(text)
    assert [word.value for word in segments[0].words] == ["msiexec", *words]
    assert len(segments) == 1
    assert list(split_arguments(text)) == ["msiexec", *words]


@given(st.lists(WORD, max_size=6))
def test_rendered_posix_words_are_split_as_they_were(words):
    words = [word.replace("\0", "").encode("utf-8", "replace").decode() for word in words]
    (segment,) = split_commands(render(["apt-get", *words], is_windows=False))
    assert [word.value for word in segment.words] == ["apt-get", *words]


def test_a_list_of_powershell():
    assert split_list("@('a', \"b,c\", 'it''s')") == ("a", "b,c", "it's")


def test_a_long_text_is_refused_with_its_length():
    assert parse_command("x" * MAX_LENGTH) is None
    with pytest.raises(CommandTooLongError, match=r"32,768 characters; give at most 32,767"):
        parse_command("x" * (MAX_LENGTH + 1))


HOSTILE = {
    "quotes": '"' * MAX_LENGTH,
    "single quotes": "msiexec /i " + "'" * 30_000,
    "open parentheses": "msiexec " + "(" * 30_000,
    "backslashes": "msiexec /i x.msi " + '\\"' * 16_000,
    "backticks": "msiexec " + "`" * 30_000,
    "semicolons": "msiexec TRANSFORMS=" + ";" * 30_000,
    "separators": "msiexec /i a;" * 2_500,
    "assignments": "a=b " * 8_000 + "apt install x",
    "assignments apart": "a=b;" * 8_000,
    "sudo": "sudo -u " * 4_000,
    "options": "apt install " + "-a " * 5_000 + "p " * 5_000,
    "secrets": "msiexec /i x " + "password" * 4_000,
    "secret words": "msiexec /i x " + "password= " * 3_000,
    "names": "msiexec /i " + "a." * 16_000 + "msi",
    "digits": "setup-" + "1." * 16_000 + "exe /S",
    "redirections": "msiexec " + ">" * 30_000,
    "documents": "<<a\n" * 8_000,
    "braces": 'powershell -Command "& {' + "}  " * 10_000 + 'x"',
    "urls": "apt install " + "https://" * 4_000,
    "separated names": "setup" + "_-" * 16_000 + ".exe /S",
    "shells": "cmd /c " * 4_000,
    "hyphens": "msiexec " + "/" + "-" * 32_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_take_bounded_time(text):
    # Work that grows with the square of the length takes minutes here.
    before = time.process_time()
    for parsed in parse_commands(text[:MAX_LENGTH]):
        assert parsed.command
    assert time.process_time() - before < 5
