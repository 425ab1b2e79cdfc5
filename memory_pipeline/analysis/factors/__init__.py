"""What one setting, or two together, change in success, everything else being equal."""

from memory_pipeline.analysis.factors.estimate import estimate_factors

__all__ = ["estimate_factors"]
