"""Which tables an export holds, in which order, and what a line of each has to look like.

Outcomes and members are written in the project's own form, as an ingest reads them; the others by their
columns. A table is added by one line in `TABLES`, after those that it refers to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, JSON, Boolean, DateTime, Float, Integer, String

from memory_pipeline.ingest.member_contract import MEMBER_FIELDS
from memory_pipeline.ingest.outcome_contract import OUTCOME_FIELDS
from memory_pipeline.store.models import (
    AlertRule,
    FindingDecision,
    LabelMerge,
    Member,
    MemberPattern,
    NameDecision,
    PackagingOutcome,
    ServedCandidates,
    ServedRecommendation,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.store.models import Base


@dataclass(frozen=True)
class ExportedTable:
    """One table of an export.

    Attributes
    ----------
    name
        Of its file, without `.jsonl`.
    model
        The table.
    key
        Columns that identify a row in every memory.
    left_out
        Columns that mean something in one memory alone, such as running numbers.
    kind
        `outcomes` or `members`, whose lines are records that the ingest checks; else None.
    is_log
        Whether rows are added, and never changed.
    """

    name: str
    model: type[Base]
    key: tuple[str, ...]
    left_out: frozenset[str] = frozenset()
    kind: str | None = None
    is_log: bool = False

    @property
    def columns(self) -> dict[str, Any]:
        """Return the columns of a line (as SQLAlchemy has them), by name."""
        found = {str(one.name): one for one in self.model.__table__.columns}
        if self.kind is not None:
            fields = OUTCOME_FIELDS if self.kind == "outcomes" else MEMBER_FIELDS
            return {name: column for name, column in found.items() if name in fields}
        return {name: column for name, column in found.items() if name not in self.left_out}


_NUMBER = frozenset({"id"})
TABLES = (
    ExportedTable("outcomes", PackagingOutcome, ("source", "source_record_id"), kind="outcomes"),
    ExportedTable("members", Member, ("source", "source_record_id"), kind="members"),
    ExportedTable("served_candidates", ServedCandidates, ("id",), is_log=True),
    ExportedTable("served_recommendations", ServedRecommendation, ("id",), is_log=True),
    # Who belongs to a pattern is found anew by a rebuild: members have other numbers in another memory.
    ExportedTable("member_patterns", MemberPattern, ("name",), _NUMBER | {"related_member_ids"}),
    ExportedTable("label_merges", LabelMerge, ("field", "raw_label"), _NUMBER),
    ExportedTable(
        "decisions",
        FindingDecision,
        ("kind", "finding_id", "decided_by", "decided_at", "decision", "note"),
        _NUMBER,
        is_log=True,
    ),
    ExportedTable(
        "name_decisions",
        NameDecision,
        ("column_name", "name", "other_name", "decided_by", "decided_at", "decision", "note"),
        _NUMBER,
        is_log=True,
    ),
    ExportedTable("alert_rules", AlertRule, ("name",), frozenset({"evaluated_at", "problem"})),
)
"""In the order in which they are written and read. Tokens are in no export."""


def check_line(table: ExportedTable, line: Any) -> None:
    """Check a line of a table by its columns.

    Raises
    ------
    ValueError
        When it is not an object, a column is unknown, one that is needed is missing, or a value has another
        type than its column; the message names column, value and remedy.
    """
    if not isinstance(line, dict):
        msg = "it is not an object; export again"
        raise ValueError(msg)  # noqa: TRY004 - what is wrong is the file
    columns = table.columns
    for name in line.keys() - columns.keys():
        near = get_close_matches(str(name), columns, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "a newer version of memory-pipeline may know it"
        raise ValueError(f"the column {name!r} is unknown; {hint}")
    for name, column in columns.items():
        value = line.get(name)
        if value is None:
            if not column.nullable and column.server_default is None:
                raise ValueError(f"{name} is missing; export again")
        elif not _is_of(column.type, value):
            raise ValueError(
                f"{name} is {value!r:.60}, which is not of its type ({column.type}); export again"
            )


def _is_of(kind: Any, value: Any) -> bool:
    if isinstance(kind, ARRAY):
        return isinstance(value, list) and all(_is_of(kind.item_type, one) for one in value)
    if isinstance(kind, JSON):
        return isinstance(value, dict | list)
    for one, check in _CHECKS:
        if isinstance(kind, one):
            return check(value)
    raise TypeError(f"columns of type {kind} are not exported yet; add it to `exported_tables`")


def _is_time(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


_CHECKS: tuple[tuple[Any, Callable[[Any], bool]], ...] = (
    (Boolean, lambda value: isinstance(value, bool)),
    (Integer, lambda value: type(value) is int),
    (Float, lambda value: type(value) in {int, float}),
    (DateTime, _is_time),
    (String, lambda value: isinstance(value, str) and "\x00" not in value),
)
