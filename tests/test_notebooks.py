"""Notebooks run on a filled and on an empty memory, use the public API alone, and are committed clean."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

import altair as alt
import nbformat
import pytest
from nbclient import NotebookClient

from memory_pipeline.analysis.learning import changed_segments
from memory_pipeline.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memory_pipeline.settings import Settings

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PUBLIC = {
    *("altair", "mlxtend.frequent_patterns", "os", "pandas", "pathlib", "statsmodels.api"),
    *("memory_pipeline", "memory_pipeline.memory", "memory_pipeline.analysis.features"),
    *("memory_pipeline.analysis.learning", "memory_pipeline.analysis.patterns"),
    "memory_pipeline.analysis.recommendations",
}
"""What notebooks import: what data scientists use, and of the project what its documents describe."""
LONGEST_CELL = 25
CHART = "application/vnd.vegalite.v5+json"


@pytest.fixture
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(notebook: nbformat.NotebookNode, settings: Settings, folder: Path) -> dict[str, list]:
    """Execute all cells as JupyterLab would, in a folder; returns the outputs by the cell's id."""
    environment = {
        **os.environ,
        "MEMORY_HOME": str(settings.home),
        "MEMORY_DATABASE_URL": settings.database_url.get_secret_value(),
    }
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources)
    client.execute(env=environment)
    return {cell.id: cell.outputs for cell in code_cells(notebook)}


def headline(chart: dict) -> str:
    """Return the title of a chart in one line."""
    title = chart["title"]
    return title if isinstance(title, str) else " ".join(title["text"])


def charts_in(outputs: dict[str, list]) -> dict[str, str]:
    """Return the headline of each chart by the cell's id."""
    return {
        name: headline(output.data[CHART])
        for name, shown in outputs.items()
        for output in shown
        if CHART in output.get("data", {})
    }


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS] == [
        "advice_lab",
        "explore_patterns",
        "learning_progress",
        "members",
    ]


@pytest.mark.parametrize("notebook", NOTEBOOKS, indirect=True, ids=lambda path: path.name)
def test_a_notebook_is_valid_and_committed_without_results(notebook):
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in code_cells(notebook):
        assert cell.outputs == []
        assert cell.execution_count is None
        assert len(cell.source.splitlines()) <= LONGEST_CELL


@pytest.mark.parametrize("notebook", NOTEBOOKS, indirect=True, ids=lambda path: path.name)
def test_a_notebook_uses_the_public_api_alone(notebook):
    for cell in code_cells(notebook):
        tree = ast.parse(cell.source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {name.name for name in node.names} <= PUBLIC
            if isinstance(node, ast.ImportFrom):
                assert node.module in PUBLIC
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_")
                assert node.attr not in {"store", "frames", "engine"}


def test_learning_progress_runs_on_a_rebuilt_memory(rebuilt: Settings, tmp_path: Path):
    outputs = run(nbformat.read(FOLDER / "learning_progress.ipynb", 4), rebuilt, tmp_path)
    shown = charts_in(outputs)
    assert list(shown) == [
        "who-changed-picture",
        "success-over-time",
        "explore-success",
        "one-segment-column",
        "prior-knowledge",
        "patterns",
        "factors",
        "recommendations",
    ]
    assert shown["success-over-time"].startswith("Success rate")
    assert "base rate" in shown["prior-knowledge"]
    assert "of success" in shown["patterns"] or "of failure" in shown["patterns"]
    assert shown["recommendations"].startswith("Advice for ")
    assert "%" in outputs["answer-in-words"][0].text
    with Memory.open(rebuilt) as memory:
        first = memory.patterns()["description"].iloc[0]
        changed = changed_segments(memory.learning())
    assert changed["sentence"].iloc[0] in outputs["who-changed"][0].text
    assert first in outputs["patterns-in-words"][0].data["text/plain"]


def test_explore_patterns_compares_its_findings_with_other_tools(rebuilt: Settings, tmp_path: Path):
    outputs = run(nbformat.read(FOLDER / "explore_patterns.ipynb", 4), rebuilt, tmp_path)
    assert "that were searched" in outputs["find"][0].text
    rules = int(outputs["mlxtend"][0].text.split(" rules")[0].replace(",", ""))
    patterns = int(outputs["find"][0].text.split(" patterns")[0])
    assert rules > patterns > 0
    assert list(charts_in(outputs)) == ["forest", "overlap"]
    assert "gee_p_value" in outputs["gee"][0].data["text/plain"]


def test_advice_lab_fits_asks_what_if_and_replays(rebuilt: Settings, tmp_path: Path):
    outputs = run(nbformat.read(FOLDER / "advice_lab.ipynb", 4), rebuilt, tmp_path)
    assert "%" in outputs["fit"][0].text
    assert "success_rate" in outputs["what-if"][0].data["text/plain"]
    assert list(charts_in(outputs)) == ["what-if-picture", "served"]
    assert outputs["replay"][0].text.strip()
    assert "doubly robust" in outputs["off-policy"][1].data["text/plain"]


def test_members_shows_those_of_the_memory(rebuilt: Settings, tmp_path: Path):
    outputs = run(nbformat.read(FOLDER / "members.ipynb", 4), rebuilt, tmp_path)
    assert list(charts_in(outputs)) == ["frequent-labels", "patterns-picture"]
    with Memory.open(rebuilt) as memory:
        patterns = memory.member_patterns()
        question = memory.questions()["question"].iloc[0]
    assert f"{len(patterns)} patterns" in charts_in(outputs)["patterns-picture"]
    assert question[:30] in outputs["questions"][0].data["text/plain"]


def test_learning_progress_runs_on_an_empty_memory(settings: Settings, tmp_path: Path):
    outputs = run(nbformat.read(FOLDER / "learning_progress.ipynb", 4), settings, tmp_path)
    assert len(charts_in(outputs)) == 8
    assert "memory-pipeline rebuild" in outputs["answer-in-words"][0].text


@pytest.fixture
def open_the_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, str]], str | None]]:
    """Run the cell that finds the memory, in an environment; returns the home that it settled on."""
    notebook = nbformat.read(FOLDER / "learning_progress.ipynb", 4)
    source = next(cell.source for cell in notebook.cells if cell.id == "open-the-memory")
    renderer = alt.renderers.active

    class Opened:
        def status(self) -> dict[str, str]:
            return {"database": "", "storage": ""}

    def open_with(environment: dict[str, str]) -> str | None:
        monkeypatch.setattr(os, "environ", environment)
        monkeypatch.setattr(Memory, "open", Opened)
        exec(compile(source, "open-the-memory", "exec"), {})  # noqa: S102 - the notebook's own cell
        return environment.get("MEMORY_HOME")

    yield open_with
    alt.renderers.enable(renderer)


@pytest.mark.parametrize("start", [".", "notebooks", "notebooks/deeper"])
def test_the_memory_is_found_from_the_project_and_from_below_it(
    start, open_the_memory, tmp_path, monkeypatch
):
    (tmp_path / ".memory").mkdir()
    (tmp_path / start).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / start)
    assert open_the_memory({}) == str(tmp_path / ".memory")


def test_settings_of_the_environment_come_first(open_the_memory, tmp_path, monkeypatch):
    (tmp_path / ".memory").mkdir()
    monkeypatch.chdir(tmp_path)
    assert open_the_memory({"MEMORY_HOME": "/elsewhere"}) == "/elsewhere"


def test_without_a_memory_the_notebook_says_what_to_do(open_the_memory, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="run `make demo`, or set MEMORY_HOME"):
        open_the_memory({})
    assert open_the_memory({"MEMORY_DATABASE_URL": "postgresql://somewhere"}) is None
