"""From stored attempts to categories: flat rows, levels, encodings, and what counts as which outcome."""

from memory_pipeline.analysis.features.encoding import Encoding, encode
from memory_pipeline.analysis.features.flatten import flatten_outcomes

__all__ = ["Encoding", "encode", "flatten_outcomes"]
