"""The assets, one module per group, in the order of the way of the data.

Each calls the step of the same name in `rebuild`, and describes the result in metadata. Heavy libraries are
imported inside the assets, so that definitions load quickly.
"""

from memory_pipeline.pipeline.assets.alerts import alerts
from memory_pipeline.pipeline.assets.associations import condition_associations
from memory_pipeline.pipeline.assets.community import (
    label_merges,
    member_candidates,
    member_features,
    member_patterns,
    question_prompts,
)
from memory_pipeline.pipeline.assets.discovery import discovery_runs
from memory_pipeline.pipeline.assets.evidence import outcome_evidence
from memory_pipeline.pipeline.assets.factors import success_factors
from memory_pipeline.pipeline.assets.features import name_merges, outcome_features
from memory_pipeline.pipeline.assets.ingest import members, packaging_outcomes
from memory_pipeline.pipeline.assets.learning import learning_measures
from memory_pipeline.pipeline.assets.patterns import pattern_identifications
from memory_pipeline.pipeline.assets.predictability import outcome_predictability
from memory_pipeline.pipeline.assets.recommendations import approach_recommendations
from memory_pipeline.pipeline.assets.verification import advice_verification

ALL = [
    packaging_outcomes,
    members,
    outcome_features,
    name_merges,
    outcome_evidence,
    pattern_identifications,
    condition_associations,
    outcome_predictability,
    success_factors,
    approach_recommendations,
    learning_measures,
    advice_verification,
    member_features,
    label_merges,
    member_candidates,
    member_patterns,
    question_prompts,
    alerts,
    discovery_runs,
]
