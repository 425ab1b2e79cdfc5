"""Identities of findings: equal parts give the same id, so that a finding that comes back is the same row."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACE = uuid.UUID("6d656d6f-7279-5f70-8970-656c696e6500")
FACTOR_IDENTITY = ("column", "value", "reference")
"""What of a factor's `implementation_details` tells it from others, in the order of `factor_id`."""


def stable_id(*parts: Any) -> str:
    """Make the identity of a finding from what defines it; equal parts give the same identity."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts, sort_keys=True, default=str)))


def pattern_id(target: str, pattern_type: str, conditions: Mapping[str, str]) -> str:
    """Identity of a pattern: its target, its direction and its conditions."""
    return stable_id("pattern", target, pattern_type, dict(conditions))


def factor_id(column: str, value: str, reference: str) -> str:
    """Identity of a factor: what is compared with what.

    Where the effect was found to hold is no part of it: a person's decision is about the comparison, and
    stays with it when a rebuild finds the effect to differ between contexts.
    """
    return stable_id("factor", column, value, reference, {})
