"""A small history in the store."""

from stored_history import add_outcomes, memory

__all__ = ["add_outcomes", "memory"]
