"""The site of the docs builds without a warning, has the public interface and loads nothing from outside."""

from __future__ import annotations

import os
import re
import subprocess
from html import unescape
from pathlib import Path

import pytest
from test_docs import PAGES

from memory_pipeline import client
from memory_pipeline.analysis import patterns, recommendations

PROJECT = Path(__file__).resolve().parents[1]
VARIABLE = "DOCS_PYTHON"


def build(folder, *, config=PROJECT / "docs" / "site" / "mkdocs.yml"):
    python = Path(os.environ.get(VARIABLE, PROJECT / ".venv-docs" / "bin" / "python"))
    if not python.exists():
        pytest.skip(f"{python} is not there; `make docs` makes it, or set {VARIABLE}")
    command = [python, "-m", "mkdocs", "build", "--strict", "-f", config, "-d", folder]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": ""}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_on_the_site(site):
    absent = []
    for page in PAGES:
        place = (
            page.relative_to(PROJECT / "docs") if page.is_relative_to(PROJECT / "docs") else Path(page.name)
        )
        # mkdocs writes README.md as the first page of its folder.
        name = "index" if place.stem == "README" else place.stem
        if not (site / place.with_name(f"{name}.html")).is_file():
            absent.append(page.name)
    assert absent == []


def test_the_public_interface_is_on_the_site(site):
    text = (site / "python.html").read_text(encoding="utf-8")
    shown = set(re.findall(r'id="(memory_pipeline\.[\w.]+)"', text))
    wanted = {f"memory_pipeline.client.{name}" for name in client.__all__}
    wanted |= {f"memory_pipeline.analysis.patterns.{name}" for name in patterns.__all__}
    wanted |= {f"memory_pipeline.analysis.recommendations.{name}" for name in recommendations.__all__}
    wanted |= {f"memory_pipeline.memory.Memory.{name}" for name in ("open", "recommend", "rebuild")}
    assert wanted - shown == set()


def test_nothing_is_loaded_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    loaded = re.compile(r'<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)="((?:https?:)?//[^"]+)"')
    assert {
        unescape(one) for page in pages for one in loaded.findall(page.read_text(encoding="utf-8"))
    } == set()


def test_a_link_that_leads_nowhere_stops_it(tmp_path):
    pages = tmp_path / "docs"
    (pages / "site").mkdir(parents=True)
    (pages / "page.md").write_text("# Page\n\n[gone](gone.md)\n", encoding="utf-8")
    source = (PROJECT / "docs" / "site" / "mkdocs.yml").read_text(encoding="utf-8")
    config = source.partition("\nnav:")[0].replace("[pages.py]", "[]")
    (pages / "site" / "mkdocs.yml").write_text(config, encoding="utf-8")
    done = build(tmp_path / "site", config=pages / "site" / "mkdocs.yml")
    assert done.returncode != 0
    assert "gone.md" in done.stdout + done.stderr
