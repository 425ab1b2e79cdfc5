"""Whether the memory gets better: success over time, prior knowledge, replay and verification."""

from memory_pipeline.analysis.learning.replay import ReplayResult, replay

__all__ = ["ReplayResult", "replay"]
