"""Notebooks as text: the twin has all words and code, and what running left behind is taken out."""

from __future__ import annotations

import json

import nbformat
import pytest

from memory_pipeline import notebooks


@pytest.mark.parametrize("path", sorted(notebooks.FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_twin_has_every_cell_in_order(path):
    text = (notebooks.TWINS / f"{path.stem}.md").read_text(encoding="utf-8")
    position = 0
    for cell in nbformat.read(path, as_version=4).cells:
        position = text.index(cell.source.strip().replace("](../docs/", "](../"), position)


def test_outputs_are_taken_out_and_the_commit_stops(tmp_path, capsys):
    path = next(iter(sorted(notebooks.FOLDER.glob("*.ipynb"))))
    committed = path.read_text(encoding="utf-8")
    ran = json.loads(committed)
    code = next(cell for cell in ran["cells"] if cell["cell_type"] == "code")
    code["execution_count"] = 7
    code["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["a secret é\n"]}]
    copy = tmp_path / path.name
    copy.write_text(json.dumps(ran, ensure_ascii=False), encoding="utf-8")
    assert notebooks.main([str(copy)]) == 1
    assert str(copy) in capsys.readouterr().err
    assert json.loads(copy.read_text(encoding="utf-8")) == json.loads(committed)
    assert copy.read_text(encoding="utf-8") == committed  # no difference but what was taken out
    assert notebooks.main([str(copy)]) == 0
