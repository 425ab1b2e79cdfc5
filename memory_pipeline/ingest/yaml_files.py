"""Reading YAML without its surprises: no repeated keys, and only true and false are truth values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from memory_pipeline.ingest.errors import MappingError

if TYPE_CHECKING:
    from pathlib import Path

_BOOL_TAG = "tag:yaml.org,2002:bool"


class _Loader(yaml.SafeLoader):
    """YAML 1.2 truth values: `yes`, `no`, `on` and `off` stay texts, as the cells that they describe are."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML reads it from the class
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL_TAG]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, list | dict):
                continue
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands here a second time", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver(_BOOL_TAG, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises
    ------
    MappingError
        When it is no YAML, holds a key twice, or is not UTF-8; the message names the line.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - derives from SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise MappingError(f"mapping {path}: line {line}: {error.problem}; correct the YAML") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"mapping {path} cannot be read as YAML in UTF-8: {error}") from error
