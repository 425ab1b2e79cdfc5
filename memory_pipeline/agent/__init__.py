"""The pattern finder: Claude reads what a community is like, proposes patterns, and code checks each."""

from memory_pipeline.agent.pattern_finder import Discovery, PatternFinderAgent

__all__ = ["Discovery", "PatternFinderAgent"]
