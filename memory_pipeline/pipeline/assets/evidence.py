"""Counted evidence: what the patterns are searched in."""

from typing import TYPE_CHECKING

import dagster as dg

from memory_pipeline.analysis.names import CONDITION_PREFIX, COUNT_PREFIX, PERIOD_COLUMN, UNIT_COLUMN
from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import frame_types, json_value, preview

if TYPE_CHECKING:
    import pandas as pd


_SAID = {
    PERIOD_COLUMN: "Month of the attempts, as YYYY-MM.",
    UNIT_COLUMN: "The evidence unit (MEMORY_UNIT).",
}
_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn(PERIOD_COLUMN, "str", description=_SAID[PERIOD_COLUMN]),
        dg.TableColumn(UNIT_COLUMN, "str", description=_SAID[UNIT_COLUMN]),
    ]
)


@memory_asset(group="evidence", kinds={"parquet", "numpy"}, schema=_SCHEMA)
def outcome_evidence(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """All attempts collapsed to counts: one row per month, application and combination of conditions.

    **What it is for.** Attempts that agree in everything known beforehand are one row with counts. That
    loses nothing that patterns need, is usually far smaller than the history, and adds up: the evidence of
    two histories is the sum of theirs. The encoding (which values are told apart, where numbers are cut)
    is stored with it; factors and recommendations apply the same. Only months whose attempts or categories
    changed are counted anew.

    **How to read it.** Each column `condition: name` is a condition, each column
    `attempts: status;reason;intervention` counts the attempts of that row that ended so. Rare values are
    `(other)`, what was not recorded is `(missing)`.
    """
    from memory_pipeline.rebuild.evidence import update_evidence  # noqa: PLC0415 - needs pandas

    memory = memory_of(context)
    updated = update_evidence(memory)
    evidence, rows = updated.evidence, updated.frame
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": updated.rows,
            "dagster/column_schema": _schema(rows),
            "counted anew": str(updated.progress),
            "attempts": updated.progress.all_attempts,
            "units": len(evidence.codes(memory.settings.unit)[1]),
            "conditions": len(evidence.conditions),
            "encoding": json_value(updated.encoding.to_dict()),
            "preview": preview(rows, [name for name in map(str, rows) if not name.startswith(COUNT_PREFIX)]),
        }
    )


def _schema(rows: "pd.DataFrame") -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, kind, description=_said(name)) for name, kind in frame_types(rows).items()
        ]
    )


def _said(name: str) -> str:
    if name.startswith(CONDITION_PREFIX):
        return "A condition, encoded."
    return _SAID.get(name, "Attempts that ended so.")
