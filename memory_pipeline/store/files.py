"""Frames kept as Parquet with a note beside them: features and evidence, on disk or any fsspec URL."""

from __future__ import annotations

import json
import uuid
from itertools import chain
from typing import TYPE_CHECKING, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

OUTCOME_FEATURES = "outcome_features"
"""Name of the frame of flat attempts."""
CONDITION_ASSOCIATIONS = "condition_associations"
"""Name of the frame of pairs of conditions."""
PATTERN_OVERLAPS = "pattern_overlaps"
"""Name of the frame of pairs of patterns that cover the same attempts."""
OUTCOME_PREDICTABILITY = "outcome_predictability"
"""Name of the frame that says how much the conditions explain."""
POLICY = "policy"
"""Name under which a rebuild leaves the fitted policy, as JSON."""
_INFO_KEY = b"memory_pipeline"


class FrameStore:
    """Named frames under one folder or fsspec URL.

    A frame and its information are one file, written beside the old one and then moved over it: a reader
    sees the old or the new whole, never a mixture.
    """

    def __init__(self, url: str) -> None:
        try:
            self.filesystem, self.root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            msg = f"MEMORY_STORAGE_URL is {url}, which cannot be used here: {error}"
            raise ValueError(msg) from error

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}.parquet"

    def exists(self, name: str) -> bool:
        """Say whether a frame of that name was written."""
        return bool(self.filesystem.exists(self._path(name)))

    def write(self, name: str, frame: pd.DataFrame, info: dict[str, Any] | None = None) -> None:
        """Write a frame and its JSON-able information under a name, replacing what was there."""
        self.write_parts(name, [frame], lambda: info or {})

    def write_parts(
        self, name: str, parts: Iterable[pd.DataFrame], info: Callable[[], dict[str, Any]]
    ) -> int:
        """Write a frame that comes in parts, at least one, each with the columns and types of the first.

        `info` is asked after the last part, for what is only known then. Returns the rows.
        """
        return self._replace(f"{name}.parquet", lambda file: _write_parquet(file, parts, info))

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write JSON-able content under a name, replacing what was there."""
        self._replace(f"{name}.json", lambda file: file.write(json.dumps(content).encode()))

    def read_json(self, name: str) -> dict[str, Any]:
        """Read what `write_json` wrote.

        Raises
        ------
        FileNotFoundError
            When nothing was written under that name yet.
        """
        path = f"{self.root}/{name}.json"
        self._check_there(name, path)
        content: dict[str, Any] = json.loads(self.filesystem.cat_file(path))
        return content

    def _replace(self, file_name: str, write: Callable[[Any], int]) -> int:
        self.filesystem.makedirs(self.root, exist_ok=True)
        path = f"{self.root}/{file_name}"
        temporary = f"{path}.{uuid.uuid4().hex}.part"
        try:
            with self.filesystem.open(temporary, "wb") as file:
                written = write(file)
            self.filesystem.mv(temporary, path)
        except BaseException:
            if self.filesystem.exists(temporary):
                self.filesystem.rm(temporary)
            raise
        return written

    def _check_there(self, name: str, path: str) -> None:
        if not self.filesystem.exists(path):
            msg = f"there is no {name!r} under {self.root} yet; run `memory-pipeline rebuild` first"
            raise FileNotFoundError(msg)

    def read(self, name: str, columns: list[str] | None = None) -> tuple[pd.DataFrame, dict[str, Any]]:
        """Read a frame and its information.

        Raises
        ------
        FileNotFoundError
            When nothing was written under that name yet.
        """
        self._check_there(name, self._path(name))
        with self.filesystem.open(self._path(name), "rb") as file:
            parquet = pq.ParquetFile(file)
            info = json.loads((parquet.metadata.metadata or {}).get(_INFO_KEY, b"{}"))
            return parquet.read(columns=columns).to_pandas(), info


def _write_parquet(file: Any, parts: Iterable[pd.DataFrame], info: Callable[[], dict[str, Any]]) -> int:
    rows = 0
    tables = (pa.Table.from_pandas(part, preserve_index=False) for part in parts)
    first = next(tables)
    with pq.ParquetWriter(file, first.schema, compression="zstd") as writer:
        for table in chain([first], tables):
            writer.write_table(table.cast(first.schema))
            rows += len(table)
        writer.add_key_value_metadata({_INFO_KEY: json.dumps(info()).encode()})
    return rows
