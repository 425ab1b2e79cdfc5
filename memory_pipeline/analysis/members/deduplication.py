"""Which patterns are variants of a more informative one?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.members.vocabulary import label_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memory_pipeline.analysis.members.finding import Finding


SAME_MEMBERS = 0.5
"""Least overlap (Jaccard) of members with which two findings are variants."""
SAME_LABELS = 0.5
"""Least overlap (Jaccard) of labels with which two findings are variants."""
MOST_USED = 0.5
"""Share of a finding's labels in more informative ones of its category from which on it is a variant."""
_LISTED = 12


def without_variants(
    findings: Iterable[Finding], *, most: int
) -> list[tuple[Finding, list[tuple[str, ...]]]]:
    """Return the most informative findings of one category, without variants.

    Parameters
    ----------
    findings
        In any order.
    most
        Most findings that are returned.

    Returns
    -------
    list of tuple
        Each finding that stays, the most informative first, and the labels of its variants (at most 12):
        findings that share half of its labels or of its members, or of whose labels half are in findings
        before.
    """
    kept: list[tuple[Finding, list[tuple[str, ...]]]] = []
    for finding in sorted(findings, key=lambda one: (-one.weight, one.names)):
        same = next((place for place, (one, _) in enumerate(kept) if _is_variant(finding, one)), None)
        if same is None and "area" not in finding.details:
            same = _mostly_covered_by(finding, [one for one, _ in kept])
        if same is not None:
            one, variants = kept[same]
            if len(variants) < _LISTED and finding.names not in (*variants, one.names):
                variants.append(finding.names)
        elif len(kept) < most:
            kept.append((finding, []))
    return kept


def _mostly_covered_by(finding: Finding, kept: Sequence[Finding]) -> int | None:
    """Return the position of the finding with most labels in common, where half of the labels are used."""
    keys = {label_key(name) for name in finding.names}
    common = [len(keys & {label_key(name) for name in one.names}) for one in kept]
    used = keys & {label_key(name) for one in kept for name in one.names}
    return int(np.argmax(common)) if used and len(used) >= MOST_USED * len(keys) else None


def _is_variant(one: Finding, other: Finding) -> bool:
    if {*one.names} == {*other.names} or one.predicate == other.predicate:
        return True
    if "area" in one.details:  # areas differ by definition, whoever is in them
        return False
    keys, others = ({label_key(name) for name in each.names} for each in (one, other))
    if len(keys & others) >= SAME_LABELS * len(keys | others):
        return True
    common = len(np.intersect1d(one.member_ids, other.member_ids, assume_unique=True))
    everybody = one.member_count + other.member_count - common
    return common >= SAME_MEMBERS * max(everybody, 1)
