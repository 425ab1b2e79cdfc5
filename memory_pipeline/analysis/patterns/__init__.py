"""Which combinations of conditions go with success or failure beyond chance."""

from memory_pipeline.analysis.patterns.find import find_patterns, search_patterns
from memory_pipeline.analysis.patterns.table import matching_attempts

__all__ = ["find_patterns", "matching_attempts", "search_patterns"]
