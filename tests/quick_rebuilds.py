"""Rebuilds without what takes longest: contracts, pictures, and what learns again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

SLOW_MEASURES = ("knowledge_by_month", "replication_by_quarter", "replayed")
SLOW_CHARTS = ("success_over_time", "success_by_segment", "prior_knowledge")


def leave_out_looks(patch: pytest.MonkeyPatch) -> None:
    """Leave contracts and pictures out from now on; what is found and stored is the same."""
    patch.setattr("memory_pipeline.pipeline.build.load_contracts", tuple)
    patch.setattr("memory_pipeline.charts.to_markdown_png", lambda *_, **__: "")
    for chart in SLOW_CHARTS:
        patch.setattr(f"memory_pipeline.charts.{chart}", lambda *_, **__: None)


def leave_out(patch: pytest.MonkeyPatch) -> None:
    """Leave the slow measures and classifiers out too: for tests of something else."""
    leave_out_looks(patch)
    patch.setattr("memory_pipeline.analysis.patterns.predictability._too_little", lambda *_: "left out")
    for measure in SLOW_MEASURES:
        patch.setattr(f"memory_pipeline.rebuild.measures.{measure}", lambda *_: [])
