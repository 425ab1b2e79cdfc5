"""Which members of a community go together, and what is worth asking them."""

from memory_pipeline.analysis.members.search import find_member_patterns

__all__ = ["find_member_patterns"]
