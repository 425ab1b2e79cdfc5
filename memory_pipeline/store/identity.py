"""Compute ids of findings from what defines them, so that a finding that comes back is the same row."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACE = uuid.UUID("6d656d6f-7279-5f70-8970-656c696e6500")
FACTOR_IDENTITY = ("column", "value", "reference")
"""The part of a factor's `implementation_details` that identifies it, in the order of `factor_id`."""


def stable_id(*parts: Any) -> str:
    """Compute the id of a finding from what defines it: equal parts give the same id."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts, sort_keys=True, default=str)))


def pattern_id(target: str, pattern_type: str, conditions: Mapping[str, str]) -> str:
    """Compute the id of a pattern from its target, its direction and its conditions."""
    return stable_id("pattern", target, pattern_type, dict(conditions))


def factor_id(column: str, value: str, reference: str) -> str:
    """Compute the id of a factor from what is compared with what.

    Where the effect applies is not part of it: a person's decision is about the comparison, and stays
    with it when a rebuild finds that the effect differs between contexts.
    """
    return stable_id("factor", column, value, reference, {})
