"""Draw what the memory learned: Altair charts of small result tables.

What belongs here: how findings and measures are drawn. Every
builder is a pure function of frames as the tables hold them, shared by notebooks, Dagster metadata and
whatever else shows charts. What does not: reading the database, raw attempts, any statistics (a chart's
headline comes from `analysis.learning.trend_text`).
"""

from memory_pipeline import lean_jsonschema  # noqa: F401 - before Altair
from memory_pipeline.charts.association import association_map
from memory_pipeline.charts.brushing import brush_success
from memory_pipeline.charts.calibration import calibration
from memory_pipeline.charts.change import change_contributors
from memory_pipeline.charts.drift import drift
from memory_pipeline.charts.effects import factor_effects, pattern_effects, recommendation_rates
from memory_pipeline.charts.gain import advice_gain
from memory_pipeline.charts.learning import advice_coverage, finding_replication
from memory_pipeline.charts.pictures import show_in_notebooks, to_markdown_png, to_png, to_svg
from memory_pipeline.charts.progress import prior_knowledge, success_over_time
from memory_pipeline.charts.segments import explore_success, success_by_segment

__all__ = [
    "advice_coverage",
    "advice_gain",
    "association_map",
    "brush_success",
    "calibration",
    "change_contributors",
    "drift",
    "explore_success",
    "factor_effects",
    "finding_replication",
    "pattern_effects",
    "prior_knowledge",
    "recommendation_rates",
    "show_in_notebooks",
    "success_by_segment",
    "success_over_time",
    "to_markdown_png",
    "to_png",
    "to_svg",
]
