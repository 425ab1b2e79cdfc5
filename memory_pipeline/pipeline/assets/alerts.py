"""Alerts: the rules, evaluated where everything else of a rebuild is done."""

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import markdown_table

_COLUMNS = {
    "id": ("bigint", "Identifies the alert."),
    "rule_name": ("text", "The rule that noticed something."),
    "subject": ("text", "What it is about, such as a segment or a pattern; empty: the memory as a whole."),
    "message": ("text", "What was noticed, as a sentence."),
    "details": ("jsonb", "The numbers behind it."),
    "opened_at": ("timestamptz", "When it was noticed first."),
    "seen_at": ("timestamptz", "When it was noticed last."),
    "closed_at": ("timestamptz", "When it was no longer so; empty while the alert is open."),
    "acknowledged_at": ("timestamptz", "When somebody said that they know."),
    "acknowledged_by": ("text", "Who said so."),
    "silenced_until": ("timestamptz", "Until then nothing is sent about it."),
}


@memory_asset(
    group="learning",
    kinds={"postgres", "python"},
    deps=(
        "pattern_identifications",
        "approach_recommendations",
        "advice_verification",
        "learning_measures",
        "question_prompts",
    ),
    schema=dg.TableSchema(
        columns=[dg.TableColumn(name, kind, description=text) for name, (kind, text) in _COLUMNS.items()]
    ),
)
def alerts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Open and past alerts: success that fell, advice that does harm, old data, rebuilds that failed.

    **What it is for.** Each rule (`memory-pipeline alerts rules`) is evaluated, what it notices is an alert,
    and new alerts are sent to MEMORY_ALERT_URLS. Nothing that goes wrong here fails the run. Where an earlier
    step fails, this one is left out: the sensor `alerts_sensor` evaluates the rules all the same.

    **How to read it.** One row per alert; it is open while `closed_at` is empty. Rules that chance moves hold
    their rate of false alarms over a year, however often they are evaluated.
    """
    from memory_pipeline.rebuild.alerts import evaluate_after_rebuild  # noqa: PLC0415 - needs pandas
    from memory_pipeline.store.alerts import read_alerts  # noqa: PLC0415 - needs SQLAlchemy

    memory = memory_of(context)
    evaluated = evaluate_after_rebuild(memory)
    if evaluated is None:
        return dg.MaterializeResult(metadata={"problem": "the rules could not be evaluated; see the log"})
    rows, total = read_alerts(memory.store, limit=10)
    shown = [{"rule": one["rule_name"], "since": one["opened_at"], "what": one["message"]} for one in rows]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": total,
            "opened now": evaluated.opened,
            "open": dg.MetadataValue.md(markdown_table(shown)),
            "rules that could not be evaluated": dg.MetadataValue.md(
                markdown_table([{"rule": name, "why": why} for name, why in evaluated.problems.items()])
            ),
        }
    )
