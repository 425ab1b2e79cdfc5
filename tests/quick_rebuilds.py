"""Rebuilds without what takes longest: contracts, pictures, and what learns again and again."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from memory_pipeline.ingest.yaml_files import read_yaml

if TYPE_CHECKING:
    import pytest

SLOW_MEASURES = ("knowledge_by_month", "replication_by_quarter", "replayed")
_read_yaml_once = cache(read_yaml)

CHARTS = (
    "advice_coverage",
    "association_map",
    "calibration",
    "factor_effects",
    "finding_replication",
    "pattern_effects",
    "prior_knowledge",
    "recommendation_rates",
    "success_by_segment",
    "success_over_time",
)


def leave_out_looks(patch: pytest.MonkeyPatch) -> None:
    """Leave contracts and pictures out from now on; what is found and stored is the same.

    The shipped vocabulary, which a rebuild reads four times, is read once.
    """
    patch.setattr("memory_pipeline.ingest.yaml_files.read_yaml", _read_yaml_once)
    patch.setattr("memory_pipeline.pipeline.build.load_contracts", tuple)
    patch.setattr("memory_pipeline.charts.to_markdown_png", lambda *_, **__: "")
    for chart in CHARTS:
        patch.setattr(f"memory_pipeline.charts.{chart}", lambda *_, **__: None)


def leave_out(patch: pytest.MonkeyPatch) -> None:
    """Leave the slow measures and classifiers out too: for tests of something else."""
    leave_out_looks(patch)
    patch.setattr("memory_pipeline.analysis.patterns.predictability._too_little", lambda *_: "left out")
    for measure in SLOW_MEASURES:
        patch.setattr(f"memory_pipeline.rebuild.measures.{measure}", lambda *_: [])
