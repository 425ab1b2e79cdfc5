"""Which approach to advise in a described context, how sure that is, and why."""

from memory_pipeline.analysis.recommendations.advice import Advice
from memory_pipeline.analysis.recommendations.fit import fit_policy
from memory_pipeline.analysis.recommendations.policy import Policy

__all__ = ["Advice", "Policy", "fit_policy"]
