"""Counted evidence: the only step that reads all rows for the analysis."""

from typing import TYPE_CHECKING

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of, read_features
from memory_pipeline.pipeline.describe import frame_types, json_value, preview

if TYPE_CHECKING:
    import pandas as pd

    from memory_pipeline.analysis.evidence import Evidence
    from memory_pipeline.analysis.features import Encoding
    from memory_pipeline.pipeline.resources import MemoryResource

FRAME = "outcome_evidence"
PERIOD = "month"
_BESIDE_ROWS = ("conditions", "outcomes", "unit", "period", "max_conditions")
_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn(PERIOD, "str", description="Month of the attempts, as YYYY-MM."),
        dg.TableColumn("application_name", "str", description="The evidence unit (MEMORY_UNIT)."),
    ]
)


@memory_asset(group="evidence", kinds={"parquet", "numpy"}, deps=("outcome_features",), schema=_SCHEMA)
def outcome_evidence(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """All attempts collapsed to counts: one row per month, application and combination of conditions.

    **What it is for.** Attempts that agree in everything known beforehand are one row with counts. That
    loses nothing that patterns need, is usually far smaller than the history, and adds up: the evidence of
    two histories is the sum of theirs. The encoding (which values are told apart, where numbers are cut)
    is stored with it.

    **How to read it.** Each column `attempts: status;reason;intervention` counts the attempts of that row
    that ended so. Rare values are `(other)`, what was not recorded is `(missing)`.
    """
    from memory_pipeline.analysis.evidence import count_evidence  # noqa: PLC0415
    from memory_pipeline.analysis.features import encode  # noqa: PLC0415
    from memory_pipeline.analysis.targets import OUTCOME, outcome_labels  # noqa: PLC0415

    memory = memory_of(context)
    settings = memory.settings
    features, approach, chosen = read_features(memory)
    encoded = encode(
        features,
        [column for column in (*chosen, *approach) if column != settings.unit],
        min_count=settings.min_sample_size,
        unit=settings.unit,
        min_units=settings.min_units,
    )
    frame = encoded.frame.assign(
        **{
            OUTCOME: outcome_labels(features),
            settings.unit: features[settings.unit],
            PERIOD: features["occurred_at"].dt.strftime("%Y-%m"),
        }
    )
    evidence = count_evidence(
        frame,
        conditions=[str(column) for column in encoded.frame],
        outcome=OUTCOME,
        unit=settings.unit,
        period=PERIOD,
    )
    if int(evidence.n.sum()) != len(features):
        raise dg.Failure(
            f"the evidence counts {int(evidence.n.sum())} attempts, the features {len(features)}"
        )
    write_evidence(memory, evidence, encoded.encoding)
    rows = evidence.to_rows()
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(rows),
            "dagster/column_schema": _schema(evidence, rows),
            "attempts": len(features),
            "units": int(features[settings.unit].nunique()),
            "conditions": len(evidence.conditions),
            "encoding": json_value(encoded.encoding.to_dict()),
            "preview": preview(rows, evidence.keys),
        }
    )


def write_evidence(memory: "MemoryResource", evidence: "Evidence", encoding: "Encoding") -> None:
    """Keep evidence as a frame, everything but its rows beside it."""
    info = {key: getattr(evidence, key) for key in _BESIDE_ROWS}
    memory.frames.write(FRAME, evidence.to_rows(), {**info, "encoding": encoding.to_dict()})


def read_evidence(memory: "MemoryResource") -> "tuple[Evidence, Encoding]":
    """Read what `write_evidence` wrote."""
    from memory_pipeline.analysis.evidence import Evidence  # noqa: PLC0415
    from memory_pipeline.analysis.features import Encoding  # noqa: PLC0415

    rows, info = memory.frames.read(FRAME)
    encoding = Encoding.from_dict(info["encoding"])
    return Evidence.from_rows(rows, **{key: info[key] for key in _BESIDE_ROWS}), encoding


def _schema(evidence: "Evidence", rows: "pd.DataFrame") -> dg.TableSchema:
    said = {PERIOD: "Month of the attempts.", evidence.unit: "The evidence unit."}
    said |= dict.fromkeys(evidence.conditions, "A condition, encoded.")
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, kind, description=said.get(name, "Attempts that ended so."))
            for name, kind in frame_types(rows).items()
        ]
    )
