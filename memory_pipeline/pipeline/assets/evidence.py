"""Counted evidence: what the patterns are searched in."""

from typing import TYPE_CHECKING

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import frame_types, json_value, preview

if TYPE_CHECKING:
    import pandas as pd

    from memory_pipeline.analysis.evidence import Evidence

_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("month", "str", description="Month of the attempts, as YYYY-MM."),
        dg.TableColumn("application_name", "str", description="The evidence unit (MEMORY_UNIT)."),
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

    **How to read it.** Each column `attempts: status;reason;intervention` counts the attempts of that row
    that ended so. Rare values are `(other)`, what was not recorded is `(missing)`.
    """
    from memory_pipeline.rebuild.evidence import update_evidence  # noqa: PLC0415 - needs pandas

    memory = memory_of(context)
    updated = update_evidence(memory)
    evidence, rows = updated.evidence, updated.frame
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": updated.rows,
            "dagster/column_schema": _schema(evidence, rows),
            "counted anew": str(updated.progress),
            "attempts": updated.progress.all_attempts,
            "units": len(evidence.codes(memory.settings.unit)[1]),
            "conditions": len(evidence.conditions),
            "encoding": json_value(updated.encoding.to_dict()),
            "preview": preview(rows, evidence.keys),
        }
    )


def _schema(evidence: "Evidence", rows: "pd.DataFrame") -> dg.TableSchema:
    said = {"month": "Month of the attempts.", evidence.unit: "The evidence unit."}
    said |= dict.fromkeys(evidence.conditions, "A condition, encoded.")
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, kind, description=said.get(name, "Attempts that ended so."))
            for name, kind in frame_types(rows).items()
        ]
    )
