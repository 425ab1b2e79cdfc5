"""Apply the value maps of a mapping: what the values of columns say about an outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.cell_readers import cell_reader, look_up, lookup_key, table_key
from memory_pipeline.ingest.column_rules import SKIP
from memory_pipeline.ingest.errors import MappingError, RecordRefusedError, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memory_pipeline.ingest.column_rules import ColumnRule, Effect, Scalar, Skip, ValueMap
    from memory_pipeline.ingest.mapping import OutcomeMapping


class ValueRules:
    """The value maps of a mapping, compiled.

    Parameters
    ----------
    mapping
        The mapping.
    rule_of
        Function from a column to its reading rule.

    Raises
    ------
    MappingError
        When a key of a table cannot be read.
    """

    def __init__(self, mapping: OutcomeMapping, rule_of: Callable[[str], ColumnRule]) -> None:
        self.mapping = mapping
        self.rule_of = rule_of
        self.tables = tuple(_Table(one, self) for one in mapping.value_maps)

    def effects(self, record: dict[str, Any]) -> list[Effect] | None:
        """Return the effects of a row in order; None where a map skips the row."""
        found: list[Effect] = []
        for table in self.tables:
            for effect in table.effects(record):
                if effect == SKIP:
                    return None
                found.append(effect)  # type: ignore[arg-type] # the other kind of effect is SKIP
        return found

    def reader(self, column: str) -> Callable[[dict[str, Any]], Any]:
        """Return the function that reads a column of a row, or the column that stands in for it (`else`).

        A default is left out: an empty cell has an effect of its own here.
        """
        chain: dict[str, Callable[[Any], Any]] = {}
        at: str | None = column
        while at is not None and at not in chain:
            rule = self.rule_of(at)
            chain[at] = cell_reader(at, rule.model_copy(update={"default": None}), self.mapping.timezone)
            at = rule.otherwise

        if len(chain) == 1:
            only = chain[column]
            return lambda record: only(record.get(column))

        def read(record: dict[str, Any]) -> Any:
            for name, read_cell in chain.items():
                value = read_cell(record.get(name))
                if value is not None:
                    return value
            return None

        return read

    def keys(self, place: str, column: str, values: Iterator[Scalar]) -> list[str]:
        """Return values in the form in which the cells of a column are looked up."""
        try:
            return [table_key(column, self.rule_of(column), value) for value in values]
        except RecordRefusedError as error:
            raise MappingError(
                f"mapping {self.mapping.name}: {place} of {column}: the key {error.value}: {error.reason}"
            ) from error


class _Condition:
    def __init__(self, column: str, values: tuple[Scalar, ...], rules: ValueRules) -> None:
        self.column = column
        self.read = rules.reader(column)
        self.keys = dict.fromkeys(rules.keys("a condition", column, iter(values)), True)

    def holds(self, record: dict[str, Any]) -> bool:
        value = self.read(record)
        values = value if isinstance(value, list) else [value]
        return any(look_up(self.keys, one, False) for one in values if one is not None)


class _Table:
    def __init__(self, one: ValueMap, rules: ValueRules) -> None:
        self.map = one
        self.read = rules.reader(one.column)
        keys = rules.keys("value_maps", one.column, iter(one.values))
        self.table: dict[str, Effect | Skip] = dict(zip(keys, one.values.values(), strict=True))
        self.when = [_Condition(column, values, rules) for column, values in one.when.items()]
        self.unless = [_Condition(column, values, rules) for column, values in one.unless.items()]
        self.has_conditions = bool(self.when or self.unless)

    def _applies(self, record: dict[str, Any]) -> bool:
        """Return whether a row fulfils all of `when` and nothing of `unless`."""
        return all(one.holds(record) for one in self.when) and not any(
            one.holds(record) for one in self.unless
        )

    def effects(self, record: dict[str, Any]) -> list[Effect | Skip]:
        """Return the effects of a cell; of a list, those of its entries that the map has, in its order."""
        if self.has_conditions and not self._applies(record):
            return []
        try:
            value = self.read(record)
        except RecordRefusedError:
            # A cell that cannot be read counts as a value that is not listed, unless it decides the status.
            if any(effect.outcome_status for effect in self.map.effects()):
                raise
            return [] if self.map.otherwise is None else [self.map.otherwise]
        if value is None or value == []:
            return [self.map.missing]
        if not isinstance(value, list):
            return [self._effect(value, look_up(self.table, value))]
        if any(isinstance(entry, list | dict) for entry in value):
            column = self.map.column
            refuse(
                column,
                value,
                f"{column} is a list of objects; name a value in each with a path, such as {column}[*].name",
            )
        there = {lookup_key(entry) for entry in value if entry is not None}
        return [effect for key, effect in self.table.items() if key in there] or [self._effect(value, None)]

    def _effect(self, value: Any, effect: Effect | Skip | None) -> Effect | Skip:
        effect = self.map.otherwise if effect is None else effect
        if effect is None:
            refuse(
                self.map.column,
                value,
                f"{self.map.column} is not one of {', '.join(self.table)}; correct it, or add it to the "
                "value map",
            )
        return effect
