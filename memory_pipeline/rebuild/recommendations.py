"""Recommendations: the policy fitted to the features, and the advice for each context that occurs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.recommendations import Policy
from memory_pipeline.analysis.recommendations.current import fit_current_policy
from memory_pipeline.analysis.recommendations.nameable_patterns import nameable_patterns
from memory_pipeline.analysis.recommendations.table import (
    advise_contexts,
    contexts_that_occur,
    levels_of,
    recommendation_rows,
    with_decisions,
)
from memory_pipeline.rebuild.evidence import read_encoding
from memory_pipeline.rebuild.features import read_features
from memory_pipeline.rebuild.kept_results import KeptResults, features_fingerprint
from memory_pipeline.rebuild.names import decided_names
from memory_pipeline.rebuild.rows import records
from memory_pipeline.settings import parse_interval
from memory_pipeline.store.decisions import read_factor_decisions, read_nameable_patterns
from memory_pipeline.store.findings import save_advice_changes, save_recommendations
from memory_pipeline.store.frames import POLICY
from memory_pipeline.store.models import ApproachRecommendation
from memory_pipeline.store.reads import read_table

if TYPE_CHECKING:
    from memory_pipeline.store.session import Session


@dataclass(frozen=True)
class UpdatedRecommendations:
    """What was fitted and advised.

    Attributes
    ----------
    policy
        The policy, with what persons decided.
    stored
        The rows of `approach_recommendations`.
    changes
        What changed in the advice since before.
    is_reused
        Whether the policy of an earlier rebuild was taken over, since nothing that it rests on changed.
    """

    policy: Policy
    stored: list[dict[str, Any]]
    changes: list[dict[str, Any]]
    is_reused: bool = False

    @property
    def rows(self) -> int:
        """Contexts that occur."""
        return len(self.stored)


def update_recommendations(session: Session) -> UpdatedRecommendations:
    """Fit the policy, advise on every context that occurs, and store both with what changed."""
    settings, features = session.settings, read_features(session)
    half_life = settings.evidence_half_life
    encoding = read_encoding(session.frames)
    options: dict[str, Any] = {
        "approach": features.approach,
        "context": features.context,
        "unit": settings.unit,
        "min_sample_size": settings.min_sample_size,
        "confidence_threshold": settings.confidence_threshold,
    }
    rests_on = {
        **options,
        "half_life": half_life,
        "features": features_fingerprint(session.frames),
        "encoding": encoding.to_dict(),
    }
    kept = KeptResults(session.frames)
    policy = kept.value(
        "policy",
        rests_on,
        lambda: fit_current_policy(
            features.frame,
            **options,
            encoding=encoding,
            half_life=None if half_life is None else parse_interval(half_life),
        ),
        (Policy.to_dict, Policy.from_dict),
    )
    patterns = nameable_patterns(read_nameable_patterns(session.store))
    policy = replace(policy, contexts=replace(policy.contexts, names=decided_names(session.frames)))
    # A decision that is made meanwhile waits, and then finds this policy.
    with session.store.advice_lock():
        decisions = read_factor_decisions(session.store, levels_of(policy))
        policy = with_decisions(policy, decisions, patterns)
        before, policy_before = earlier_advice(session)
        contexts = contexts_that_occur(features.frame)
        rows = kept.value(
            "advice",
            {"policy": policy.version, "contexts": contexts},
            partial(recommendation_rows, policy, contexts),
            (list[dict[str, Any]], list[dict[str, Any]]),
        )
        rows, changes = advise_contexts(
            policy, contexts, before=before, policy_before=policy_before, rows=rows
        )
        session.frames.write_json(POLICY, policy.to_dict())
        save_recommendations(session.store, rows)
        save_advice_changes(session.store, changes)
    return UpdatedRecommendations(policy, rows, changes, is_reused="policy" in kept.reused)


def earlier_advice(session: Session) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Read the recommendation table and the policy that the rebuild before left; empty at the first."""
    rows = read_table(session.store, ApproachRecommendation)
    try:
        policy = session.frames.read_json(POLICY)
    except FileNotFoundError:
        policy = {}
    return records(rows), policy
