"""How much of the results the conditions explain at all."""

import dagster as dg

from memory_pipeline.pipeline.assets.common import memory_asset, memory_of
from memory_pipeline.pipeline.metadata import picture, preview

_DESCRIBED = {
    "question": "What is predicted: units (MEMORY_UNIT) that were not learned from, or their later attempts.",
    "model": "Which model predicts; the chosen one did best inside the part that it learned from.",
    "brier_skill": "Share of the scatter that is explained: 0 as the base rate, 1 everything.",
    "ci_low": "Lower bound of its 95% interval (whole units resampled).",
    "ci_high": "Upper bound of its 95% interval.",
    "log_loss_skill": "The same, of the log loss.",
    "auc": "Probability that a success had the higher predicted chance than a failure.",
    "calibration_intercept": "0 where predicted chances are right on average.",
    "calibration_slope": "1 where they are neither too bold (below) nor too timid (above).",
    "base_rate": "Share of attempts that succeed.",
    "attempts": "Attempts predicted.",
    "units": "Units (MEMORY_UNIT) behind them.",
    "sentence": "The answer in words.",
}
_SHOWN = ("question", "model", "brier_skill", "ci_low", "ci_high", "auc", "calibration_slope", "attempts")
_SCHEMA = dg.TableSchema(
    columns=[dg.TableColumn(name, description=text) for name, text in _DESCRIBED.items()]
)


@memory_asset(group="patterns", kinds={"parquet", "scikitlearn"}, schema=_SCHEMA)
def outcome_predictability(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """How much of success the recorded conditions explain, tried on attempts that no model has seen.

    **What it is for.** Patterns say what matters; this says how much everything recorded matters together.
    Where the answer is "little", results hang on what nobody records, and better records will help more
    than better analysis. Models (logistic regression, gradient boosting) are learned from some applications
    and tried on others, and from earlier attempts and tried on later ones.

    **How to read it.** `brier_skill` of 0.15: knowing the conditions takes away 15% of the squared error of
    simply expecting the average. 0 is nothing; single attempts stay uncertain even where their chances are
    well known, so that 1 is out of reach. The picture shows whether predicted chances came true.
    """
    from memory_pipeline import charts  # noqa: PLC0415 - imports Altair
    from memory_pipeline.rebuild.predictability import update_predictability  # noqa: PLC0415 - scikit-learn

    updated = update_predictability(memory_of(context))
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": updated.rows,
            "answer": updated.summary,
            "calibration": picture(charts.calibration, updated.calibration, updated.summary),
            "preview": preview(updated.scores, _SHOWN),
        }
    )
