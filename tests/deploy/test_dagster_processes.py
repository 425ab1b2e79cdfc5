"""The processes of Dagster one by one: what each is started with, and a configuration that Dagster takes."""

from __future__ import annotations

from contextlib import contextmanager

import click
import pytest
import yaml
from click.testing import CliRunner
from dagster import Field
from dagster._config import process_config
from dagster._config.field_utils import Shape
from dagster._core.instance.config import dagster_instance_config_schema
from dagster._core.workspace.load import location_origins_from_yaml_paths

from memory_pipeline.cli import cli
from memory_pipeline.cli.run import PROJECT
from memory_pipeline.pipeline.instance import (
    LOCATION_NAME,
    URL_VARIABLE,
    dagster_environment,
    dagster_home,
    write_workspace,
)

DEFINITIONS = ["-m", "memory_pipeline.pipeline.definitions"]


@pytest.fixture
def started(monkeypatch, settings, store):
    """Return what would be run, and with which environment, in place of running it."""
    calls = []
    monkeypatch.setenv("MEMORY_HOME", str(settings.home))
    monkeypatch.setenv("MEMORY_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setattr("os.execve", lambda _, command, environment: calls.append((command[1:], environment)))
    return calls


@pytest.mark.parametrize(
    ("arguments", "run"),
    [
        (["webserver"], ["-m", "dagster_webserver", "-h", "127.0.0.1", "-p", "3000", "-w", "workspace.yaml"]),
        (
            ["webserver", "--port", "3999", "--read-only", "--code-server", "code:4000"],
            [
                *["-m", "dagster_webserver", "-h", "127.0.0.1", "-p", "3999", "--read-only"],
                *["-w", "workspace-code-server.yaml"],
            ],
        ),
        (["daemon"], ["-m", "dagster._daemon", "run", "-w", "workspace.yaml"]),
        (
            ["daemon", "--code-server", "code:4000"],
            ["-m", "dagster._daemon", "run", "-w", "workspace-code-server.yaml"],
        ),
        (
            ["code-server", "--host", "0.0.0.0"],  # noqa: S104 - nothing is bound to it
            ["-m", "dagster", "code-server", "start", *DEFINITIONS, "-h", "0.0.0.0", "-p", "4000"],  # noqa: S104
        ),
    ],
)
def test_what_is_started(started, monkeypatch, settings, arguments, run):
    monkeypatch.setattr("memory_pipeline.cli.dagster.check_port_is_free", lambda *_: None)
    done = CliRunner().invoke(cli, ["dagster", *arguments])
    assert done.exit_code == 0, done.output
    [(module, environment)] = started
    assert [one.removeprefix(f"{dagster_home(settings)}/") for one in module] == run
    assert environment["DAGSTER_HOME"] == str(dagster_home(settings))
    assert environment[URL_VARIABLE].startswith("postgresql")


def test_who_started_the_embedded_server_stays_to_hold_it(settings, monkeypatch):
    held = []
    monkeypatch.setattr("memory_pipeline.cli.dagster.run_module", lambda *given: held.append(given))
    monkeypatch.setattr("os.execve", lambda *_: pytest.fail("the embedded server would be let go"))
    monkeypatch.setattr("memory_pipeline.pipeline.instance.dagster_environment", lambda *_: {"A": "b"})

    @contextmanager
    def opened():
        yield settings.model_copy(update={"database_url": None}), None

    monkeypatch.setattr("memory_pipeline.cli.dagster.opened_store", opened)
    done = CliRunner().invoke(cli, ["dagster", "daemon"])
    assert done.exit_code == 0, done.output
    [(arguments, environment)] = held
    assert arguments[:2] == ["-m", "dagster._daemon"]
    assert environment == {"A": "b", "MEMORY_HOME": str(settings.home.absolute())}


def test_what_is_started_is_a_program_that_takes_it():
    """Dagster's own commands know the options; nothing of them is run."""
    from dagster._cli import create_dagster_cli  # noqa: PLC0415 - takes a second
    from dagster._daemon.cli import run_command  # noqa: PLC0415
    from dagster_webserver.cli import create_dagster_webserver_cli  # noqa: PLC0415

    def options(command):
        return {option for one in command.params for option in one.opts}

    code_server = create_dagster_cli().get_command(None, "code-server").get_command(None, "start")
    assert {"-m", "-h", "-p"} <= options(code_server)
    assert "-w" in options(run_command)
    webserver = create_dagster_webserver_cli()
    assert {"-h", "-p", "--read-only", "-w"} <= options(webserver)


@pytest.mark.parametrize("code_server", [None, ("code", "4000")])
def test_the_code_location_has_the_name_that_runs_give(settings, code_server):
    file = str(write_workspace(settings, code_server))
    [origin] = location_origins_from_yaml_paths([file])
    assert origin.location_name == LOCATION_NAME
    if code_server is None:
        assert origin.loadable_target_origin.module_name == DEFINITIONS[1]
    else:
        assert (origin.host, origin.port) == ("code", 4000)


def test_the_shipped_workspace_has_that_name_too():
    [origin] = location_origins_from_yaml_paths([str(PROJECT / "workspace.yaml")])
    assert origin.location_name == LOCATION_NAME


@pytest.mark.parametrize("address", ["code", "code:", ":4000", "code:port"])
def test_an_address_without_its_parts_is_refused(started, address):
    done = CliRunner().invoke(cli, ["dagster", "daemon", "--code-server", address])
    assert done.exit_code == click.UsageError.exit_code
    assert "write HOST:PORT" in done.output
    assert started == []


def test_dagster_takes_its_configuration(settings, store):
    dagster_environment(settings, store)
    written = yaml.safe_load((dagster_home(settings) / "dagster.yaml").read_text(encoding="utf-8"))
    schema = Shape(
        {
            name: one if isinstance(one, Field) else Field(one, is_required=False)
            for name, one in dagster_instance_config_schema().items()
        }
    )
    taken = process_config(schema, written)
    assert taken.success, taken.errors
    assert not process_config(schema, {**written, "telemetri": {}}).success
