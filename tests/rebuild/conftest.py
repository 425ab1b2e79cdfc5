"""A small history and a few members in the store."""

from stored_history import add_members, add_outcomes, memory

__all__ = ["add_members", "add_outcomes", "memory"]
