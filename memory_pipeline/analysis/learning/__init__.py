"""Whether the memory gets better: success over time, backtest, replay, replication and verification."""

from memory_pipeline.analysis.learning.changed_segments import changed_segments
from memory_pipeline.analysis.learning.replay import ReplayResult, replay

__all__ = ["ReplayResult", "changed_segments", "replay"]
