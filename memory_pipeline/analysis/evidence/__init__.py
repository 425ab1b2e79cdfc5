"""Counts that add up: all rows are read once, and everything after works on these."""

from memory_pipeline.analysis.evidence.count import count_evidence
from memory_pipeline.analysis.evidence.evidence import Evidence

__all__ = ["Evidence", "count_evidence"]
