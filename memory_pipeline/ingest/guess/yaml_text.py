"""Write a proposed mapping as YAML, with a comment on each guess."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.guess.states import SAID

if TYPE_CHECKING:
    from pathlib import Path

    from memory_pipeline.ingest.guess.proposal import Proposal

_MARK = "guess: "
_WIDTH = 10_000
"""No line is folded, so that each comment stays beside its guess."""


def yaml_of(proposal: Proposal) -> str:
    """Return the mapping as YAML: what could not be known at the top, and each guess with a comment."""
    content = _with_comments(proposal.content, (), proposal.comments)
    head = ["Proposed from the header and the values of the file. Lines with a `guess` are to be looked at."]
    head += [
        f"{'NOT KNOWN' if one.is_blocking else 'Not known'}: {one.what}. To say it: {one.remedy}"
        for one in proposal.unknown
    ]
    content.yaml_set_start_comment("\n".join(" ".join(line.split()) for line in head))
    writer = YAML()
    writer.width = _WIDTH
    writer.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    writer.dump(content, text)
    return text.getvalue().rstrip("\n") + "\n"


def write_yaml(proposal: Proposal, path: Path, *, overwrite: bool = False) -> None:
    """Write the mapping to a file.

    Raises
    ------
    IngestError
        When the file is there already, or cannot be written.
    """
    try:
        with path.open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(yaml_of(proposal))
    except FileExistsError as error:
        raise IngestError(
            f"{path} is there already and was left as it is; name another file, or add --overwrite"
        ) from error
    except OSError as error:
        raise IngestError(f"{path} cannot be written ({error.strerror}); name another file") from error


def _marked(comment: str) -> str:
    """Return a comment with the mark of a guess, unless a person said it."""
    return comment if comment.endswith(SAID) else _MARK + comment


def _with_comments(value: Any, place: tuple[str, ...], comments: dict[tuple[str, ...], str]) -> Any:
    if isinstance(value, dict):
        found = CommentedMap()
        for key, one in value.items():
            inner = place if key == "values" and place[:1] == ("value_maps",) else (*place, key)
            found[key] = _with_comments(one, inner, comments)
            if inner in comments:
                found.yaml_add_eol_comment(_marked(comments[inner]), key)
        return found
    if isinstance(value, list):
        items = CommentedSeq()
        for number, one in enumerate(value):
            # A value map is known by its column, an entry of a list of columns by itself.
            name = one["column"] if isinstance(one, dict) else one
            items.append(_with_comments(one, (*place, name), comments))
            if not isinstance(one, dict) and (*place, name) in comments:
                items.yaml_add_eol_comment(_marked(comments[*place, name]), number)
        return items
    return value
