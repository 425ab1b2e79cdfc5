"""The pattern finder: Claude reads a profile of the community and proposes patterns; code verifies each."""

from memory_pipeline.agent.pattern_finder import Discovery, PatternFinderAgent

__all__ = ["Discovery", "PatternFinderAgent"]
