"""Requests that the OpenAPI document allows, and some that it does not: no 5xx, every answer as documented.

`MEMORY_OPENAPI_CASES` is the number of valid and of invalid requests for each operation.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from memory_pipeline.memory import Memory
from memory_pipeline.server import jobs
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions

CASES = int(os.environ.get("MEMORY_OPENAPI_CASES", "1"))
NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


def empty(request):
    return request.getfixturevalue("settings"), request.getfixturevalue("store")


@pytest.fixture(params=["rebuilt", "empty"])
def api(request, kept_sample, tmp_path, monkeypatch):
    """The document with the application behind it, whose jobs end before they begin."""
    idle = SimpleNamespace(
        DEVNULL=subprocess.DEVNULL,
        Popen=lambda _, **options: subprocess.Popen([sys.executable, "-c", ""], **options),
    )
    monkeypatch.setattr(jobs, "subprocess", idle)
    # Sometimes nothing was learned yet: that is a state with answers of its own.
    kept = kept_sample.copy(tmp_path / "home") if request.param == "rebuilt" else nullcontext(empty(request))
    with kept as opened, Memory(*opened) as memory:
        app = create_app(memory, ServerOptions(requests_per_minute=10**9, allowed_hosts=("testserver",)))
        yield schemathesis.openapi.from_asgi("/openapi.json", app)


def test_every_answer_is_as_documented(api):
    checks = CHECKS.get_by_names(list(NAMES))
    wrong, asked = [], Counter()
    for found in api.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            try:
                ask_often(operation, mode, checks, asked)
            except Unsatisfiable:
                continue  # nothing about this operation can be wrong
            except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - all are asked, then all is shown
                wrong.append(f"{operation.label} ({mode.value}): {error}")
    assert not wrong, "\n\n".join(wrong)
    assert len(asked) >= 48, asked


def ask_often(operation, mode, checks, asked):
    @seed(20_261_130)
    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        asked[operation.label] += 1
        case.validate_response(case.call(), checks=checks)

    ask()
