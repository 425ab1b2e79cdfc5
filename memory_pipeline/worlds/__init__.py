"""Synthetic worlds with known truth: for the demo, for tests and for benchmarks.

Everything here is invented and marked as such (`source` is `sample`); only the vocabulary of Windows
packaging is real. A world is generated from a seed, together with the truth that an analysis should find.
"""

from memory_pipeline.worlds.closed_loop import Answer, Continuation, continue_with_advice
from memory_pipeline.worlds.counterfactuals import Contrast, Effect
from memory_pipeline.worlds.mechanism import Hazards
from memory_pipeline.worlds.organisation import Organisation, sample_organisation, write_records
from memory_pipeline.worlds.records import APPROACH_COLUMNS, CONTEXT_COLUMNS
from memory_pipeline.worlds.truth import Drift, Interaction, Truth

__all__ = [
    "APPROACH_COLUMNS",
    "CONTEXT_COLUMNS",
    "Answer",
    "Continuation",
    "Contrast",
    "Drift",
    "Effect",
    "Hazards",
    "Interaction",
    "Organisation",
    "Truth",
    "continue_with_advice",
    "sample_organisation",
    "write_records",
]
