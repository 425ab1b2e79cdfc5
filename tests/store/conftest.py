"""A small history in the store."""

from stored_history import add_outcomes

__all__ = ["add_outcomes"]
