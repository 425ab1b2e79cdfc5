"""The image and the compose file: nobody in particular runs them, and what they name exists."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import yaml
from test_docs import parse

from memory_pipeline.settings import Settings, variable_of

PROJECT = Path(__file__).resolve().parents[2]
DEPLOY = PROJECT / "deploy"
SETTINGS = {variable_of(field) for field in Settings.model_fields}
OURS = ("server", "webserver", "daemon")


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def dockerfile():
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def read_unneeded():
    spec = importlib.util.spec_from_file_location("unneeded", DEPLOY / "unneeded.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_compose_takes_the_file(checking_python):
    command = [checking_python, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, DEPLOY / "compose.yaml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_exists_with_settings_that_exist(compose, name, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("")
    service = compose["services"][name]
    parse([one.replace("/run/secrets/tokens", str(tokens)) for one in service["command"]])
    assert set(service["environment"]) <= SETTINGS
    assert {one for one in service["secrets"] if one.isupper()} <= SETTINGS


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_nobody_in_particular_and_writes_to_volumes_alone(compose, name):
    service = compose["services"][name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    mounted = [one.partition(":")[2] for one in service["volumes"]]
    assert "/var/lib/memory-pipeline" in mounted
    assert [one.partition(":")[0] for one in service["tmpfs"]] == ["/tmp"]  # noqa: S108 - in the container


def test_ports_are_open_to_this_machine_alone(compose):
    ports = [port for one in compose["services"].values() for port in one.get("ports", [])]
    assert ports == ["127.0.0.1:8017:8017", "127.0.0.1:3000:3000"]


def test_secrets_and_volumes_that_are_used_are_declared(compose):
    services = compose["services"].values()
    assert {name for one in services for name in one["secrets"]} == set(compose["secrets"])
    assert {one.partition(":")[0] for service in services for one in service["volumes"]} == set(
        compose["volumes"]
    )
    assert all(one["file"].startswith("secrets/") for one in compose["secrets"].values())
    assert "deploy/secrets/" in (PROJECT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_images_are_named_without_a_host(compose, dockerfile):
    images = [one["image"] for one in compose["services"].values()]
    images += [line.split()[1] for line in dockerfile if line.startswith("FROM ")]
    assert {"python:3.11-slim", "postgres:17", "memory-pipeline"} == set(images)


def test_the_image_is_of_the_lock_and_runs_as_nobody_in_particular(dockerfile, tmp_path):
    text = "\n".join(dockerfile)
    assert "install --no-deps --require-hashes --requirement requirements.lock" in text
    last = text[text.rindex("FROM ") :]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "/healthz" in next(line for line in dockerfile if line.startswith("HEALTHCHECK"))
    variables = set(re.findall(r"\b(MEMORY_\w+)=", last))
    assert variables == {"MEMORY_HOME"}
    command = yaml.safe_load(next(line for line in dockerfile if line.startswith("CMD"))[3:])
    tokens = tmp_path / "tokens"
    tokens.write_text("")
    parse([*command[:-1], str(tokens)])


def test_what_the_image_copies_is_there_and_sent_to_the_builder(dockerfile):
    sent = {
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = set()
    for line in dockerfile:
        if line.startswith("COPY ") and "--from" not in line:
            copied.update(word for word in line.split()[1:-1] if not word.startswith("--"))
    assert copied == sent
    assert [path for path in sorted(copied) if not (PROJECT / path).exists()] == []


def test_the_image_keeps_what_runs_and_leaves_out_what_develops():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    left_out = set(
        read_unneeded().unneeded([*project["dependencies"], *project["optional-dependencies"]["alerts"]])
    )
    assert {"pytest", "ruff", "jupyterlab", "playwright", "hatchling"} <= left_out
    assert left_out & {"dagster", "fastapi", "psycopg-binary", "apprise", "numba", "starlette"} == set()


def test_a_package_that_is_missing_stops_the_image():
    with pytest.raises(PackageNotFoundError):
        read_unneeded().unneeded(["memory-pipeline-of-nobody"])


def test_the_entry_point_reads_secrets_from_files(tmp_path):
    (tmp_path / "MEMORY_DATABASE_URL").write_text("postgresql://memory:a b'$c@host/memory\n")
    (tmp_path / "postgres_password").write_text("not for us")
    shown = tmp_path / "bin" / "memory-pipeline"
    shown.parent.mkdir()
    shown.write_text('#!/bin/sh\nprintf "%s|%s" "$MEMORY_DATABASE_URL" "$*"\nenv | grep -c "not for us"\n')
    shown.chmod(0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if name not in SETTINGS},
        "PATH": f"{shown.parent}:{os.environ['PATH']}",
        "SECRETS_FOLDER": str(tmp_path),
    }
    done = subprocess.run(
        [DEPLOY / "entrypoint.sh", "show", "patterns"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "postgresql://memory:a b'$c@host/memory|show patterns0\n"
