"""Read YAML 1.2: `yes`, `no`, `on` and `off` are texts, and a key may not stand twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from memory_pipeline.ingest.errors import MappingError

if TYPE_CHECKING:
    from pathlib import Path


def read_yaml(path: Path) -> Any:
    """Read a YAML file into dicts, lists and scalars.

    Raises
    ------
    MappingError
        When the file is not YAML, has a key twice, or is not UTF-8; the message names the line.
    """
    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise MappingError(f"mapping {path}: line {line}: {error.problem}; correct the YAML") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"mapping {path} cannot be read as YAML in UTF-8: {error}") from error
