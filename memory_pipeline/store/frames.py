"""Read and write frames as Parquet with their information, in a folder or at any fsspec URL."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

OUTCOME_FEATURES = "outcome_features"
"""Name of the frame of flat attempts."""
OUTCOME_EVIDENCE = "outcome_evidence"
"""Name of the frame of counts, whose information holds the encoding of the conditions."""
OUTCOME_VALUES = "outcome_values"
"""Name of the frame of how often each value of a condition occurs, by month."""
COUNTED_MONTHS = "counted_months"
"""How the names of the frames begin that workers of a cluster write while a history is counted."""
KEPT_RESULTS = "kept_results"
"""How the names begin under which computed results are kept, as JSON, with what they rest on."""
OUTCOME_NAMES = "outcome_names"
"""Name of the frame of how often each name occurs as it was recorded, by month."""
NAME_CHANGES = "name_changes"
"""Name of the frame of names of applications and values that are read as another."""
NAME_LOOK_ALIKES = "name_look_alikes"
"""Name of the frame of names that look like spellings of one, for a person to decide."""
CONDITION_ASSOCIATIONS = "condition_associations"
"""Name of the frame of pairs of conditions."""
PATTERN_OVERLAPS = "pattern_overlaps"
"""Name of the frame of pairs of patterns that cover the same attempts."""
OUTCOME_PREDICTABILITY = "outcome_predictability"
"""Name of the frame that says how much the conditions explain."""
ADVISED_ATTEMPTS = "advised_attempts"
"""Name of the frame of attempts that name advice, with what they are compared within."""
MEMBER_FEATURES = "member_features"
"""Name of the frame of members and their labels."""
LABEL_CHANGES = "label_changes"
"""Name of the frame of labels that were read as another."""
MEMBER_CANDIDATES = "member_candidates"
"""Name of the frame of pairs of labels that were tested."""
IMPORTED_EVIDENCE = "imported_evidence"
"""How the names of the frames of evidence from elsewhere begin; the id of the source follows after a dot."""
EVIDENCE_SECRET = "evidence_secret"  # noqa: S105 - a name
"""Name under which the secret of the pseudonyms in exported evidence is kept, as JSON."""
POLICY = "policy"
"""Name under which a rebuild stores the fitted policy, as JSON."""
_INFO_KEY = b"memory_pipeline"
_MADE_ELSEWHERE = (f"{IMPORTED_EVIDENCE}.", f"{EVIDENCE_SECRET}.")
"""How the files begin that no rebuild makes again."""
_READS = 3
"""Attempts at reading a frame in parts while a rebuild replaces parts of it."""


@dataclass(frozen=True)
class FramePart:
    """One part of a frame that is kept in parts.

    Attributes
    ----------
    key
        Which part it is, such as a month; parts are read in the order of their keys.
    file
        Name of its file: new each time the part is written, so that it identifies the version.
    rows
        Rows in it.
    about
        Information for the writer's later use; JSON-able.
    """

    key: str
    file: str
    rows: int
    about: dict[str, Any]


class FrameStore:
    """Named frames under one folder or fsspec URL.

    A frame and its information are one file, written beside the old one and then moved over it: a reader
    sees the old or the new whole, never a mixture. A frame that changes in places is kept in parts, a file
    each; a list of the parts that belong together is replaced in the same way (`write_part`, `set_parts`).
    """

    def __init__(self, url: str) -> None:
        try:
            self.filesystem, self.root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            msg = f"MEMORY_STORAGE_URL is {url}, which cannot be used here: {error}"
            raise ValueError(msg) from error

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}.parquet"

    def remove_half_written(self) -> None:
        """Remove what killed processes began to write; for whoever is the only writer now."""
        for path in self.filesystem.glob(f"{self.root}/*.part"):
            self.filesystem.rm(path)

    def remove_all(self) -> None:
        """Remove every frame that a rebuild makes again: all but the evidence from elsewhere."""
        self.filesystem.invalidate_cache(self.root)
        for pattern in ("*.parquet", "*.json", "*.part"):
            for path in self.filesystem.glob(f"{self.root}/{pattern}"):
                if not path.rpartition("/")[2].startswith(_MADE_ELSEWHERE):
                    self.filesystem.rm(path)

    def remove(self, name: str) -> None:
        """Remove a frame that is kept whole.

        Raises
        ------
        FileNotFoundError
            When nothing was written under that name.
        """
        self._check_there(name, self._path(name))
        self.filesystem.rm(self._path(name))

    def names(self, prefix: str) -> list[str]:
        """Return the names of the whole frames that begin with a prefix, sorted."""
        self.filesystem.invalidate_cache(self.root)
        found = self.filesystem.glob(f"{self.root}/{prefix}*.parquet")
        return sorted(path.rpartition("/")[2].removesuffix(".parquet") for path in found)

    def info(self, name: str) -> dict[str, Any]:
        """Return the information of a frame that is kept whole, without its rows.

        Raises
        ------
        FileNotFoundError
            When nothing was written under that name.
        """
        self._check_there(name, self._path(name))
        return self._read_file(self._path(name), [])[1]

    def read_bytes(self, name: str) -> bytes:
        """Read the file of a frame that is kept whole, as it is."""
        content: bytes = self.filesystem.cat_file(self._path(name))
        return content

    def exists(self, name: str) -> bool:
        """Return whether a frame of that name was written, in parts or as a whole."""
        paths = (self._path(name), self._parts_path(name))
        return any(self.filesystem.exists(path) for path in paths)

    def _parts_path(self, name: str) -> str:
        return f"{self.root}/{name}.parts.json"

    def write(self, name: str, frame: pd.DataFrame, info: dict[str, Any] | None = None) -> None:
        """Write a frame and its JSON-able information under a name, replacing what was there."""
        self.write_parts(name, [frame], lambda: info or {})

    def write_parts(
        self, name: str, parts: Iterable[pd.DataFrame], info: Callable[[], dict[str, Any]]
    ) -> int:
        """Write a frame that comes in parts, at least one, each with the columns and types of the first.

        `info` is called after the last part, for what is only known then. Returns the number of rows.
        """
        return self._replace(f"{name}.parquet", lambda file: _write_parquet(file, parts, info))

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write JSON-able content under a name, replacing what was there."""
        self._write_text(f"{name}.json", json.dumps(content))

    def _write_text(self, file_name: str, content: str) -> None:
        self._replace(file_name, lambda file: file.write(content.encode()))

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

    def json_version(self, name: str) -> str:
        """Return what tells one writing of `write_json` from the next, without reading the content.

        Raises
        ------
        FileNotFoundError
            When nothing was written under that name yet.
        """
        path = f"{self.root}/{name}.json"
        self.filesystem.invalidate_cache(self.root)
        self._check_there(name, path)
        return str(self.filesystem.ukey(path))

    def version(self, name: str) -> str:
        """Return what tells one writing of a frame from the next; empty where it was not written yet."""
        self.filesystem.invalidate_cache(self.root)
        paths = (self._parts_path(name), self._path(name))
        return "".join(str(self.filesystem.ukey(path)) for path in paths if self.filesystem.exists(path))

    def _replace(self, file_name: str, write: Callable[[Any], int]) -> int:
        if isinstance(self.filesystem, LocalFileSystem):
            Path(self.root).mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
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
        """Read a frame and its information, whether it is kept in parts or whole.

        Raises
        ------
        FileNotFoundError
            When nothing was written under that name yet.
        """
        for attempt in range(_READS):
            parts, info = self.parts(name)
            if not parts:
                break
            try:
                return self.read_parts(parts.values(), columns), info
            except FileNotFoundError:  # A rebuild replaced a part meanwhile: read the new list.
                if attempt == _READS - 1:
                    raise
        self._check_there(name, self._path(name))
        table, info = self._read_file(self._path(name), columns)
        return table.to_pandas(), info

    def _read_file(self, path: str, columns: list[str] | None) -> tuple[pa.Table, dict[str, Any]]:
        with self.filesystem.open(path, "rb") as file:
            parquet = pq.ParquetFile(file)
            info = json.loads((parquet.metadata.metadata or {}).get(_INFO_KEY, b"{}"))
            return parquet.read(columns=columns), info

    def parts(self, name: str) -> tuple[dict[str, FramePart], dict[str, Any]]:
        """Return the parts of a frame by key, and its information; both empty where it has no parts."""
        path = self._parts_path(name)
        if not self.filesystem.exists(path):
            return {}, {}
        content = json.loads(self.filesystem.cat_file(path))
        return {one["key"]: FramePart(**one) for one in content["parts"]}, content["info"]

    def read_parts(self, parts: Iterable[FramePart], columns: list[str] | None = None) -> pd.DataFrame:
        """Read some parts, at least one, as one frame in the order of their keys."""
        ordered = sorted(parts, key=lambda part: part.key)
        tables = [self._read_file(f"{self.root}/{part.file}", columns)[0] for part in ordered]
        frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
        return frame

    def write_part(self, name: str, key: str, frame: pd.DataFrame, about: dict[str, Any]) -> FramePart:
        """Write one part beside the others; it belongs to the frame once `set_parts` names it.

        Columns of objects are kept as lists of text, so that all parts have the same types.
        """
        file_name = f"{name}.{key}.{uuid.uuid4().hex}.parquet"
        rows = self._replace(
            file_name, lambda file: _write_parquet(file, [frame], dict, objects_are_lists=True)
        )
        return FramePart(key, file_name, rows, about)

    def set_parts(self, name: str, parts: Iterable[FramePart], info: dict[str, Any]) -> None:
        """Write which parts a frame consists of, then remove the files that no longer belong to it."""
        listed = sorted(parts, key=lambda part: part.key)
        content = {"parts": [asdict(part) for part in listed], "info": info}
        self._write_text(f"{name}.parts.json", json.dumps(content))
        kept = {part.file for part in listed}
        found = self.filesystem.glob(f"{self.root}/{name}.*.parquet")
        for path in (*found, *self.filesystem.glob(self._path(name))):
            if path.rpartition("/")[2] not in kept:
                self.filesystem.rm(path)


def _write_parquet(
    file: Any,
    parts: Iterable[pd.DataFrame],
    info: Callable[[], dict[str, Any]],
    *,
    objects_are_lists: bool = False,
) -> int:
    rows = 0
    tables = (
        pa.Table.from_pandas(part, schema=_schema(part, objects_are_lists), preserve_index=False)
        for part in parts
    )
    first = next(tables)
    with pq.ParquetWriter(file, first.schema, compression="zstd") as writer:
        for table in chain([first], tables):
            writer.write_table(table.cast(first.schema))
            rows += len(table)
        writer.add_key_value_metadata({_INFO_KEY: json.dumps(info()).encode()})
    return rows


def _schema(frame: pd.DataFrame, objects_are_lists: bool) -> pa.Schema | None:
    """Return types that do not depend on the rows, if objects are lists of text; None: Arrow infers them."""
    if not objects_are_lists:
        return None
    schema = pa.Schema.from_pandas(frame, preserve_index=False)
    for place, name in enumerate(schema.names):
        if frame[name].dtype == object:
            schema = schema.set(place, pa.field(name, pa.list_(pa.string())))
    return schema
