"""Reuse what parts of earlier records became: a history says the same in most of its cells.

An outcome is made of *lone* fields, each from a cell that nothing else depends on (its name, time, metrics,
identity), and of the rest. What the rest became is remembered by the cells that it was made of, and a name
by its cell; times, metrics and identities are read anew. Only records that passed all rules, without any note
on their cells, are remembered, and only where their parts put together give the same document to the
character. Every other record goes the full way, so that there is one set of rules.
"""

from __future__ import annotations

import json
import marshal
from bisect import bisect
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from memory_pipeline.ingest.canonical_json import Encoded, canonical_text, encoded_text
from memory_pipeline.ingest.cell_readers import read_simple_cell
from memory_pipeline.ingest.errors import RecordRefusedError
from memory_pipeline.ingest.field_rules import name_of, number_of, numbers_of
from memory_pipeline.ingest.mapped_records import OutcomeTranslator, metric_of
from memory_pipeline.ingest.outcome_contract import latest_time, utc_text
from memory_pipeline.ingest.record_keys import OwnFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from memory_pipeline.ingest.record_keys import Translator

_NAMES = ("application_name", "application_vendor", "application_version", "task_id")
_COMMAND_NAMES = frozenset({"application_name", "application_version"})
_TIME, _METRICS = "occurred_at", "performance_metrics"
_MOST_PARTS, _MOST_NAMES, _MOST_SHAPES = 20_000, 100_000, 100
_TRIED, _LEAST_SHARE = 5_000, 0.1
_WITHOUT_REFERENCES = 2
"""Version of marshal that writes equal values alike, whether or not they are the same objects."""


class Translated(NamedTuple):
    """What a record becomes: its source, its id there (None where it has none) and its normal form."""

    source: str
    record_id: str | None
    encoded: Encoded | None


SKIPPED = Translated("", None, None)
"""What a record becomes that a mapping skips."""


@dataclass(frozen=True)
class LoneFields:
    """The fields of an outcome that depend on a cell of their own.

    Attributes
    ----------
    names
        Field to column, for short texts.
    columns
        Columns on which no other field depends.
    time, metrics
        Functions from a record to the JSON of the field; None for a field that is not lone.
    record_id
        Function from a record to its id in the source, None where it has none.
    """

    names: dict[str, str]
    columns: frozenset[str]
    time: Callable[[dict[str, Any]], str] | None
    metrics: Callable[[dict[str, Any]], str | None] | None
    record_id: Callable[[dict[str, Any]], Any]

    @property
    def order(self) -> tuple[str, ...]:
        """The fields in the order of canonical JSON."""
        made = {_TIME: self.time, _METRICS: self.metrics}
        return tuple(sorted((*self.names, *(name for name, one in made.items() if one is not None))))


class _CannotTellError(Exception):
    """A cell needs the full way."""


@dataclass
class _Shape:
    """Records with the same keys: how the rest is picked, and what is known of it."""

    pick: Callable[[dict[str, Any]], Any]
    parts: dict[bytes, tuple[str, tuple[str, ...]]] = field(default_factory=dict)


class KnownParts:
    """Remembers what parts of the records of one ingest became.

    Parameters
    ----------
    translator
        Of the ingest.
    lone
        Of the outcomes that it makes.
    """

    def __init__(self, translator: Translator, lone: LoneFields) -> None:
        self.translator = translator
        self.lone = lone
        self.is_useful = True
        self._order = lone.order
        self._named: list[tuple[int, str, dict[str | None, str]]] = [
            (self._order.index(name), column, {}) for name, column in lone.names.items()
        ]
        self._time_place, self._metrics_place = (bisect(self._order, one) - 1 for one in (_TIME, _METRICS))
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        self._kept = self._hits = self._misses = 0

    def recall(self, record: dict[str, Any]) -> Translated | None:
        """Return what a record becomes if its parts are known; None where it has to go the full way."""
        shape = self._shapes.get(tuple(record))
        if shape is None or not self.is_useful:
            return None
        try:
            found = self._recalled(shape, record)
        except (ValueError, RecordRefusedError, _CannotTellError):
            # What marshal cannot write, and what breaks a rule or needs a note.
            found = None
        if found is None:
            self._misses += 1
            self.is_useful = self._misses <= _TRIED or self._hits >= _LEAST_SHARE * self._misses
        else:
            self._hits += 1
        return found

    def learn(self, record: dict[str, Any], found: Translated) -> None:
        """Remember what a record became of which nothing was noted."""
        shape = self._shape_of(tuple(record))
        if shape is None or self._kept >= _MOST_PARTS or not self.is_useful:
            return
        segments: tuple[str, ...] = ()
        try:
            key = marshal.dumps(shape.pick(record), _WITHOUT_REFERENCES)
            if found.encoded is not None:
                normal = json.loads(found.encoded.json)
                self._learn_names(record, normal)
                segments = self._segments(normal)
                if self._assembled(segments, record) != found.encoded.json:
                    return
        except (ValueError, RecordRefusedError, _CannotTellError):
            return
        if key not in shape.parts:
            shape.parts[key] = found.source, segments
            self._kept += 1

    def _recalled(self, shape: _Shape, record: dict[str, Any]) -> Translated | None:
        known = shape.parts.get(marshal.dumps(shape.pick(record), _WITHOUT_REFERENCES))
        if known is None:
            return None
        source, segments = known
        if not segments:
            return SKIPPED
        record_id = own_id(self.lone.record_id(record))
        return Translated(source, record_id, encoded_text(self._assembled(segments, record)))

    def _shape_of(self, keys: tuple[str, ...]) -> _Shape | None:
        if keys not in self._shapes:
            if len(self._shapes) >= _MOST_SHAPES:
                return None
            rest = [key for key in keys if key not in self.lone.columns and self.translator.reads(key)]
            self._shapes[keys] = _Shape(itemgetter(*rest) if rest else lambda _record: ())
        return self._shapes[keys]

    def _learn_names(self, record: dict[str, Any], normal: dict[str, Any]) -> None:
        for place, column, known in self._named:
            name, cell = self._order[place], record.get(column)
            if (cell is None or type(cell) is str) and len(known) < _MOST_NAMES:
                known[cell] = _member(name, normal[name]) if name in normal else ""

    def _segments(self, normal: dict[str, Any]) -> tuple[str, ...]:
        """Return the JSON of the rest, cut behind where each lone field belongs."""
        pieces = ["" for _ in range(len(self._order) + 1)]
        for name in sorted(normal.keys() - set(self._order)):
            pieces[bisect(self._order, name)] += _member(name, normal[name])
        return tuple(pieces)

    def _assembled(self, segments: tuple[str, ...], record: dict[str, Any]) -> str:
        """Return the document of a record whose rest is known.

        Names come first and the time last: what needs the full way is found before a note can be made.
        """
        get = record.get
        pieces = list(segments)
        for place, column, known in self._named:
            cell = get(column)
            text = known.get(cell) if type(cell) is str or cell is None else None
            if text is None:
                raise _CannotTellError
            pieces[place] += text
        if self.lone.metrics is not None:
            metrics = self.lone.metrics(record)
            if metrics is not None:
                pieces[self._metrics_place] += f'"{_METRICS}":{metrics},'
        if self.lone.time is not None:
            pieces[self._time_place] += f'"{_TIME}":"{self.lone.time(record)}",'
        return f"{{{''.join(pieces)[:-1]}}}"


def _member(name: str, value: Any) -> str:
    return f"{canonical_text(name)}:{canonical_text(value)},"


def known_parts(translator: Translator) -> KnownParts | None:
    """Return an empty memory of parts; None where parts of records cannot be told apart (`lone_fields`)."""
    lone = lone_fields(translator)
    return None if lone is None else KnownParts(translator, lone)


def lone_fields(translator: Translator) -> LoneFields | None:
    """Return which fields of the outcomes that a translator makes depend on a cell of their own.

    Returns
    -------
    LoneFields or None
        None where parts of its records cannot be told apart: members, and paths into nested records.
    """
    latest = latest_time()
    if isinstance(translator, OwnFormat):
        if translator.kind != "outcomes":
            return None
        names = {name: name for name in _NAMES}
        return LoneFields(
            names,
            frozenset({*names, _TIME, _METRICS, "source_record_id"}),
            partial(_time_in, _TIME, lambda cell: cell, latest),
            lambda record: _own_metrics(record.get(_METRICS)),
            lambda record: record.get("source_record_id"),
        )
    if not isinstance(translator, OutcomeTranslator) or translator.nested:
        return None
    return _lone_fields_of_mapping(translator)


def _lone_fields_of_mapping(translator: OutcomeTranslator) -> LoneFields:
    latest = latest_time()
    mapping = translator.outcome_mapping
    readers = dict(translator.readers)
    taken = frozenset() if mapping.from_command is None else _COMMAND_NAMES
    names = {n: c for n, c in mapping.renames.items() if n in _NAMES and n not in taken}
    metrics = dict(sorted(mapping.metrics.items()))
    places = {f"renames.{name}" for name in (*names, _TIME)} | {f"metrics.{key}" for key in metrics}
    shared = {
        column
        for place, column in mapping.columns_by_place()
        if place not in places and not place.startswith("record_id[")
    }
    shared |= {column for column in mapping.columns_read if mapping.rule(column).otherwise is not None}
    has_metrics = bool(metrics) and shared.isdisjoint(metrics.values())
    if not has_metrics or any(effect.metrics for one in mapping.value_maps for effect in one.effects()):
        has_metrics = False
        shared |= set(metrics.values())
    names = {name: column for name, column in names.items() if column not in shared}
    time = mapping.renames.get(_TIME)
    time = None if time in shared else time
    lone = {*names.values(), *mapping.record_id, *(metrics.values() if has_metrics else ())} - shared

    def metrics_of(record: dict[str, Any]) -> str | None:
        texts = []
        for key, column in metrics.items():
            cell = record.get(column)
            if type(cell) is str and "," in cell:
                raise _CannotTellError  # It may have two readings, of which a note is made.
            value = readers.get(column, read_simple_cell)(cell)
            if value is not None:
                number = number_of(f"{_METRICS}.{key}", metric_of(value))
                texts.append(f"{canonical_text(key)}:{canonical_text(number)}")
        return "{" + ",".join(texts) + "}" if texts else None

    id_readers = [(column, readers.get(column, read_simple_cell)) for column in mapping.record_id]

    def id_of(record: dict[str, Any]) -> str | None:
        if not id_readers:
            return None
        return translator.record_id_in({column: read(record.get(column)) for column, read in id_readers})

    return LoneFields(
        names,
        frozenset(lone if time is None else {*lone, time}),
        None if time is None else partial(_time_in, time, readers.get(time, read_simple_cell), latest),
        metrics_of if has_metrics else None,
        id_of,
    )


def own_id(value: Any) -> str | None:
    """Check the id of a record in its source; whole numbers are written as text."""
    return name_of("source_record_id", str(value) if type(value) is int else value)


def _time_in(column: str, read: Callable[[Any], Any], latest: datetime, record: dict[str, Any]) -> str:
    return utc_text(_TIME, read(record.get(column)), latest=latest)


def _own_metrics(value: Any) -> str | None:
    if value is None:
        return None
    numbers = numbers_of(_METRICS, value)
    return None if numbers is None else canonical_text(numbers)
