"""What a term of a regression is: conditions that all hold, none for the intercept, two for a pair."""

from __future__ import annotations

Condition = tuple[str, str]
"""Column and level."""
Term = tuple[Condition, ...]
INTERCEPT: Term = ()
