"""The steps of a rebuild, in order, and what each reads: stated here once, for every way to run them.

`rebuild.run` calls them one after the other, `pipeline.assets` declares each as a Dagster asset. Nothing here
imports what a step needs, so that the order is known without it.
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCES = ("packaging_outcomes", "members")
"""Raw tables: the ingest writes them, no step does."""


@dataclass(frozen=True)
class Step:
    """One step of a rebuild.

    Attributes
    ----------
    name
        Of the step, of its Dagster asset, and of its contract where it has one.
    reads
        Sources and earlier steps whose tables or frames it reads, in their order.
    tables, frames
        What it writes: stored tables, and frames or JSON (see `store.frames`).
    """

    name: str
    reads: tuple[str, ...]
    tables: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()


STEPS = (
    Step(
        "outcome_features",
        ("packaging_outcomes",),
        frames=("outcome_features", "outcome_names", "name_changes"),
    ),
    Step("name_merges", ("outcome_features",), tables=("name_merges",), frames=("name_look_alikes",)),
    Step("outcome_evidence", ("outcome_features",), frames=("outcome_evidence", "outcome_values")),
    Step(
        "pattern_identifications",
        ("outcome_features", "outcome_evidence"),
        tables=("pattern_identifications", "pattern_history"),
        frames=("kept_results.patterns",),
    ),
    Step(
        "condition_associations",
        ("outcome_evidence", "pattern_identifications"),
        frames=("condition_associations", "pattern_overlaps", "kept_results.associations"),
    ),
    Step(
        "outcome_predictability",
        ("outcome_evidence",),
        frames=("outcome_predictability", "kept_results.predictability"),
    ),
    # Of the evidence, this and the next read how the conditions are encoded.
    Step(
        "success_factors",
        ("outcome_features", "outcome_evidence", "pattern_identifications"),
        tables=("success_factors",),
        frames=("kept_results.factors",),
    ),
    # Of the factors it reads what persons decided about: their sides and sentences.
    Step(
        "approach_recommendations",
        ("outcome_features", "outcome_evidence", "pattern_identifications", "success_factors"),
        tables=("approach_recommendations", "advice_changes"),
        frames=("policy", "kept_results.policy", "kept_results.advice"),
    ),
    Step(
        "advice_verification",
        ("packaging_outcomes", "outcome_features"),
        tables=("advice_verifications",),
        frames=("advised_attempts",),
    ),
    Step(
        "learning_measures",
        ("outcome_features", "advice_verification"),
        tables=("learning_measures", "learning_history"),
        frames=("learning_measures",),
    ),
    Step("member_features", ("members",), frames=("member_features", "label_changes")),
    Step("label_merges", ("member_features",), tables=("label_merges",)),
    Step("member_candidates", ("member_features",), frames=("member_candidates",)),
    Step("member_patterns", ("member_features", "member_candidates"), tables=("patterns",)),
    # Of the members it reads who may be seen.
    Step("question_prompts", ("members", "member_patterns"), tables=("question_prompts",)),
)
"""All steps; each stands after everything that it reads."""


def only_from(source: str) -> frozenset[str]:
    """Return the steps that rest on one source alone, directly or through others."""
    found = {source}
    for one in STEPS:
        if set(one.reads) <= found:
            found.add(one.name)
    return frozenset(found - {source})


def step(name: str) -> Step:
    """Return a step by its name.

    Raises
    ------
    KeyError
        When there is none of that name; the message lists those there are.
    """
    for one in STEPS:
        if one.name == name:
            return one
    raise KeyError(f"there is no step {name!r}; there are {[one.name for one in STEPS]}")
