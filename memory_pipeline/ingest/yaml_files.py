"""Read YAML 1.2: `yes`, `no`, `on` and `off` are texts, and a key may not stand twice.

A number with a point keeps its text, since 1.10 may be a version; as a key it is that text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode

from memory_pipeline.ingest.errors import MappingError

if TYPE_CHECKING:
    from pathlib import Path


_FLOAT = "tag:yaml.org,2002:float"
_TEXT = "tag:yaml.org,2002:str"


class WrittenNumber(float):
    """Number with a point that remembers how it was written."""

    written: str

    @property
    def is_changed(self) -> bool:
        """Whether zeros at its end, which a version may mean, are lost in the number."""
        return "." in self.written and self.written.endswith("0") and self.written != repr(float(self))


class _Constructor(SafeConstructor):
    """Constructor of plain values, and of numbers as they were written."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Construct an object; a key that is a number with a point is a text."""
        for key, _ in node.value:
            if isinstance(key, ScalarNode) and key.tag == _FLOAT:
                key.tag = _TEXT
        return super().construct_mapping(node, deep=deep)

    def construct_yaml_float(self, node: Any) -> Any:
        """Construct a number with a point."""
        number = WrittenNumber(super().construct_yaml_float(node))
        number.written = node.value
        return number


_Constructor.add_constructor(_FLOAT, _Constructor.construct_yaml_float)


def read_yaml(path: Path) -> Any:
    """Read a YAML file into dicts, lists and scalars.

    Raises
    ------
    MappingError
        When the file is not YAML, has a key twice, or is not UTF-8; the message names the line.
    """
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Constructor = _Constructor
        return yaml.load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise MappingError(f"mapping {path}: line {line}: {error.problem}; correct the YAML") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"mapping {path} cannot be read as YAML in UTF-8: {error}") from error
