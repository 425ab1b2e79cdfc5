"""Which two spans are compared where a change is to be explained, and by which columns: from an address."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from memory_pipeline.analysis.learning.change_spans import span_of


class ChangeQuery:
    """The two spans of months, and the columns that are to explain the difference."""

    def __init__(
        self,
        first: Annotated[
            str | None,
            Query(
                alias="from",
                max_length=7,
                description="First month of the later span, as 2026-06; by default the last that is over.",
            ),
        ] = None,
        last: Annotated[
            str | None,
            Query(alias="to", max_length=7, description="Its last month; by default the first."),
        ] = None,
        before_from: Annotated[
            str | None,
            Query(
                max_length=7,
                description="First month of the earlier span; by default the twelve before the later one.",
            ),
        ] = None,
        before_to: Annotated[
            str | None, Query(max_length=7, description="Its last month; by default the first.")
        ] = None,
        columns: Annotated[
            str | None,
            Query(
                max_length=2_000,
                description="Columns that are to explain it, with commas between; all if left out.",
            ),
        ] = None,
    ) -> None:
        self.parameters = {
            "from": first,
            "to": last,
            "before_from": before_from,
            "before_to": before_to,
            "columns": columns,
        }


def wanted_change(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `Memory.explain_change` for the parameters of an address.

    Raises
    ------
    ValueError
        When a last month is named without its first one.
    """
    columns = parameters.get("columns")
    return {
        "after": span_of(parameters.get("from"), parameters.get("to"), "the later span"),
        "before": span_of(parameters.get("before_from"), parameters.get("before_to"), "the earlier span"),
        "columns": None if columns is None else [one.strip() for one in columns.split(",") if one.strip()],
    }
