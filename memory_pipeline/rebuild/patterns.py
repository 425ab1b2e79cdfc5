"""Tested patterns: searched in the evidence, stored within MEMORY_MAX_PATTERNS, the others retired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.patterns import matching_attempts, search_patterns
from memory_pipeline.analysis.patterns.retirement import explain_absence
from memory_pipeline.analysis.patterns.sources import FOREIGN_ATTEMPTS, FOREIGN_UNITS, with_foreign_share
from memory_pipeline.rebuild.evidence import read_evidence
from memory_pipeline.rebuild.features import read_features
from memory_pipeline.rebuild.imported_evidence import with_imported
from memory_pipeline.rebuild.kept_results import (
    KeptResults,
    evidence_fingerprint,
    imported_fingerprint,
)
from memory_pipeline.rebuild.rows import records
from memory_pipeline.store.decisions import read_decisions
from memory_pipeline.store.findings import save_patterns
from memory_pipeline.store.identity import pattern_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import pandas as pd

    from memory_pipeline.analysis.evidence import Evidence
    from memory_pipeline.settings import Settings
    from memory_pipeline.store.session import Session

REASONS_SEARCHED = 5
"""Failure reasons, and kinds of intervention, that patterns are sought for: the most frequent ones."""

_IMPACT = (
    "rate",
    "base_rate",
    "risk_difference",
    "likely_difference",
    "ci_low",
    "ci_high",
    "odds_ratio",
    "support",
    "lift",
    "leverage",
    "conviction",
    "zhang",
    "p_value",
    "family_wise_p_value",
    "q_value",
    "tier",
    "earlier_difference",
    "later_difference",
    "separable_from_time",
    "adjusted_difference",
    "adjusted_ci_low",
    "adjusted_ci_high",
    "stratified_difference",
    "stratified_by",
    "turns",
)
_FOREIGN = (FOREIGN_ATTEMPTS, FOREIGN_UNITS)
"""What a pattern has more where evidence from elsewhere is imported."""


@dataclass(frozen=True)
class UpdatedPatterns:
    """What a search for patterns found and stored.

    Attributes
    ----------
    found
        How many patterns hold.
    crowded_out
        How many of them lost their place to MEMORY_MAX_PATTERNS.
    retired
        How many were active before and are not now.
    searched
        By target: how many combinations were `searched`, how many patterns `found`.
    kept
        The stored ones, the most certain first, with the columns of `search_patterns`.
    stored
        The same as rows of `pattern_identifications`.
    is_reused
        Whether the search of an earlier rebuild was taken over, since nothing that it rests on changed.
    """

    found: int
    crowded_out: int
    retired: int
    searched: Mapping[str, Mapping[str, int]]
    kept: pd.DataFrame
    stored: list[dict[str, Any]]
    is_reused: bool = False

    @property
    def rows(self) -> int:
        """Stored patterns."""
        return len(self.stored)


def update_patterns(session: Session) -> UpdatedPatterns:
    """Search the evidence for patterns and store them; what persons decided about one stands.

    What was imported from elsewhere is searched with it.
    """
    settings = session.settings
    read = read_features(session)
    features = read.frame
    own, encoding = read_evidence(session.frames)
    evidence = with_imported(session.frames, own, encoding)
    limits: dict[str, Any] = {
        "min_sample_size": settings.min_sample_size,
        "fdr": settings.false_discovery_rate,
        "targets": search_targets(features, settings),
        "min_units": settings.min_units,
        "tier": settings.pattern_tier,
        "column_share": read.column_share,
    }
    counted = evidence_fingerprint(session.frames), imported_fingerprint(session.frames)
    kept_results = KeptResults(session.frames)
    found = kept_results.frame(
        "patterns", {**limits, "counted": counted}, lambda: search_patterns(evidence, **limits)
    )
    counts = found.attrs["searched"]
    found = with_foreign_share(found, evidence)
    searched = {
        target: {"searched": count, "found": int((found["target"] == target).sum())}
        for target, count in counts.items()
    }
    best = found.sort_values(
        ["confidence", "q_value"], ascending=[False, True], kind="stable", ignore_index=True
    )
    ids = [pattern_id(row["target"], row["pattern_type"], row["conditions"]) for row in records(best)]
    decisions = read_decisions(session.store, "pattern")
    decided = dict(zip(decisions["finding_id"], decisions["decision"], strict=True))
    has_place = have_place(ids, decided, settings.max_patterns)
    kept = best[has_place].reset_index(drop=True)
    encoded = encoding.apply(features)
    rows = [pattern_row(row, *matching_attempts(encoded, features, row)) for row in records(kept)]
    crowded_out = {one for one, has in zip(ids, has_place, strict=True) if not has}
    retired = save_patterns(session.store, rows, _explainer(evidence, searched, crowded_out, settings))
    return UpdatedPatterns(
        len(best), len(crowded_out), retired, searched, kept, rows, is_reused=bool(kept_results.reused)
    )


def _explainer(
    evidence: Evidence,
    searched: Mapping[str, Any],
    crowded_out: Collection[str],
    settings: Settings,
) -> Callable[[Mapping[str, Any]], str]:
    """Return what says why a stored pattern was not found or not kept."""

    def explain(pattern: Mapping[str, Any]) -> str:
        if pattern["id"] in crowded_out:
            return f"lost to MEMORY_MAX_PATTERNS ({settings.max_patterns}): it holds, others are more certain"
        return explain_absence(
            evidence,
            pattern,
            searched=searched,
            min_sample_size=settings.min_sample_size,
            min_units=settings.min_units,
        )

    return explain


def search_targets(features: pd.DataFrame, settings: Settings) -> list[str]:
    """Return what patterns are sought for: success, interventions, and the frequent reasons and kinds.

    A reason or kind must occur with as many attempts and applications as a pattern must rest on. Where there
    is only one, it says the same as failure or intervention.
    """
    targets = ["success", "intervention"]
    for column in ("failure_reason", "intervention_kind"):
        groups = features.groupby(column)[settings.unit].agg(["size", "nunique"]).reset_index()
        if len(groups) == 1:
            continue
        enough = groups[
            (groups["size"] >= settings.min_sample_size) & (groups["nunique"] >= settings.min_units)
        ]
        frequent = enough.sort_values(["size", column], ascending=[False, True]).head(REASONS_SEARCHED)
        targets += [f"{column}={value}" for value in frequent[column]]
    return targets


def have_place(ids: Sequence[str], decided: Mapping[str, str | None], places: int) -> list[bool]:
    """Return which of the patterns found, the most certain first, are stored within MEMORY_MAX_PATTERNS.

    Those that a person keeps active have their place before all others, also while they are not found. Those
    that a person retired are stored, but take no place: they stay inactive.
    """
    free = places - sum(decision == "activate" for decision in decided.values())
    kept = []
    for one in ids:
        is_decided = decided.get(one) is not None
        kept.append(is_decided or free > 0)
        free -= not is_decided
    return kept


def pattern_row(pattern: Mapping[str, Any], related: list[str], related_count: int) -> dict[str, Any]:
    """Return a finding as a row of `pattern_identifications`, without id, times and state."""
    return {
        "pattern_type": pattern["pattern_type"],
        "pattern_name": pattern_name(pattern["conditions"]),
        "description": pattern["sentence"],
        "target": pattern["target"],
        "conditions": pattern["conditions"],
        "impact": {key: pattern[key] for key in (*_IMPACT, *_FOREIGN) if key in pattern},
        "confidence": pattern["confidence"],
        "sample_size": int(pattern["sample_size"]),
        "units": int(pattern["units"]),
        "related_outcomes": related,
        "related_count": related_count,
    }


def pattern_name(conditions: Mapping[str, str]) -> str:
    """Return the name of a pattern: its conditions."""
    return " + ".join(f"{column} = {value}" for column, value in conditions.items())
