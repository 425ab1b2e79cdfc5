"""Synthetic worlds with known truth: for the demo, for tests and for benchmarks.

Everything here is invented and says so (`source` is `sample`); only the vocabulary of Windows packaging is
real. A world is generated from a seed, and carries the truth that an analysis of it should find.
"""

from memory_pipeline.worlds.closed_loop import Continuation, Given, go_on
from memory_pipeline.worlds.counterfactuals import Contrast, Effect
from memory_pipeline.worlds.mechanism import Hazards
from memory_pipeline.worlds.organisation import Organisation, sample_organisation, write_records
from memory_pipeline.worlds.records import APPROACH_COLUMNS, CONTEXT_COLUMNS
from memory_pipeline.worlds.truth import Drift, Interaction, Truth

__all__ = [
    "APPROACH_COLUMNS",
    "CONTEXT_COLUMNS",
    "Continuation",
    "Contrast",
    "Drift",
    "Effect",
    "Given",
    "Hazards",
    "Interaction",
    "Organisation",
    "Truth",
    "go_on",
    "sample_organisation",
    "write_records",
]
