"""Make one site of a checkout: the pages of docs/, those beside it, the interface of Python, the source.

What belongs here: which pages there are beside docs/, and where links lead on the site. A link to a source
file stays one, since the file comes along; mkdocs checks each.
Concept: https://www.mkdocs.org/user-guide/configuration/#hooks
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

PROJECT = Path(__file__).resolve().parents[2]
BESIDE = {
    "README.md": "index.md",
    "SECURITY.md": "SECURITY.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "benchmarks/README.md": "benchmarks/README.md",
}
"""Pages that are not in docs/, and their place on the site."""
PUBLIC = (
    "memory_pipeline.memory",
    "memory_pipeline.client",
    "memory_pipeline.analysis.patterns",
    "memory_pipeline.analysis.recommendations",
)
"""Modules whose docstrings make the page on Python."""
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")
_CODE = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)

# The parser that looks for anchors reads code as well, and stops at what begins like a declaration.
_DECLARATION = re.compile(r"`([^`\n]*<!\[[^`\n]*)`")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages beside docs/, the page on Python, and the files that pages link to."""
    for source, place in BESIDE.items():
        files.append(File.generated(config, place, content=(PROJECT / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, "python.md", content=python_page()))
    linked = {
        target
        for page in files.documentation_pages()
        for target, _ in targets(page.content_string, page.src_uri)
    }
    for target in sorted(linked):
        path = PROJECT / target
        if place_of(target) == target and target not in BESIDE and path.is_file():
            files.append(File.generated(config, target, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Return the text of a page with its links as they are on the site."""
    return _DECLARATION.sub(
        lambda found: f"<code>{html.escape(found[1])}</code>", with_links(markdown, page.file.src_uri)
    )


def python_page() -> str:
    """Return the page on Python, which the docstrings of the public modules fill."""
    parts = ["# Python", "What programs call, from the docstrings of the code."]
    return "\n\n".join([*parts, *(f"::: {module}" for module in PUBLIC)]) + "\n"


def source_of(place: str) -> str:
    """Return the path in the checkout of a page of the site."""
    beside = {there: source for source, there in BESIDE.items()}
    return beside.get(place, f"docs/{place}")


def place_of(path: str) -> str:
    """Return the place on the site of a file of the checkout.

    >>> place_of("README.md"), place_of("docs/api.md"), place_of("memory_pipeline/memory.py")
    ('index.md', 'api.md', 'memory_pipeline/memory.py')
    """
    return BESIDE.get(path, path.removeprefix("docs/"))


def targets(markdown: str, place: str) -> Iterator[tuple[str, str]]:
    """Yield the path in the checkout of each relative link of a page, and the link itself."""
    folder = PurePosixPath(source_of(place)).parent
    for link in (found[2] for part in _CODE.split(markdown)[::2] for found in _LINK.finditer(part)):
        path = link.partition("#")[0]
        if path and not re.match(r"[a-z]+:", link):
            yield os.path.normpath(folder / path), link


def with_links(markdown: str, place: str) -> str:
    """Return the text of a page with each relative link as it is from the page's place on the site."""
    here = PurePosixPath(place).parent
    moved = {}
    for path, link in targets(markdown, place):
        _, mark, anchor = link.partition("#")
        moved[link] = os.path.relpath(place_of(path), here) + mark + anchor
    parts = _CODE.split(markdown)
    parts[::2] = [
        _LINK.sub(lambda found: found[1] + moved.get(found[2], found[2]) + found[3], part)
        for part in parts[::2]
    ]
    return "".join(parts)
