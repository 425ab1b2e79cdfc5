"""Read notebooks as text: write each one's twin for the docs, and take out what running them left behind.

    python -m memory_pipeline.notebooks [NOTEBOOK ...]

takes outputs and execution counts out of notebooks, by default of all, and ends with 1 where there were any:
a hook before each commit. The twins are pages for readers without Jupyter, for search, and for differences
between versions that a person can read; `reference` writes them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
TWINS = FOLDER.with_name("docs") / "notebook-text"
_ABOUT = """\
<!-- written by `python -m memory_pipeline.reference` from notebooks/{name}.ipynb -->
*This is the text of `notebooks/{name}.ipynb`; `make notebook` opens it to run and to change.*
"""


def twins() -> dict[Path, str]:
    """Return the text of each notebook's page, by where the page belongs."""
    return {TWINS / f"{path.stem}.md": twin_of(path) for path in sorted(FOLDER.glob("*.ipynb"))}


def twin_of(path: Path) -> str:
    """Return a notebook as Markdown: its words as they stand, its code as blocks."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    blocks = [_ABOUT.format(name=path.stem).strip()]
    for cell in cells:
        source = "".join(cell["source"]).strip()
        if cell["cell_type"] == "code":
            source = f"```python\n{source}\n```"
        blocks.append(source.replace("](../docs/", "](../"))
    return "\n\n".join(blocks) + "\n"


def without_results(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook without outputs and execution counts."""
    empty: dict[str, Any] = {"outputs": [], "execution_count": None}
    return notebook | {
        "cells": [cell | empty if cell["cell_type"] == "code" else cell for cell in notebook["cells"]]
    }


def main(arguments: list[str] | None = None) -> int:
    """Take what running left behind out of notebooks.

    Returns
    -------
    int
        0 where there was nothing; 1 where a notebook was changed, so that a commit stops and is looked at.
    """
    paths = [Path(one) for one in (sys.argv[1:] if arguments is None else arguments)]
    changed = False
    for path in paths or sorted(FOLDER.glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        clean = without_results(notebook)
        if clean != notebook:
            path.write_text(json.dumps(clean, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            sys.stderr.write(f"{path}: took outputs out; add it again\n")
            changed = True
    return int(changed)


if __name__ == "__main__":
    sys.exit(main())
