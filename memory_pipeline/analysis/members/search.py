"""Which patterns are there among members, beyond chance?

Every pair of labels and every area is tested against shuffled members (`members.null_model`), with the false
discovery rate controlled over all of them. The significant ones are combined to patterns of five categories,
variants are merged, and each pattern is described in words with its evidence.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.members.areas import area_depths
from memory_pipeline.analysis.members.complements import (
    complementary_members,
    learners_and_knowers,
    matched_pairs,
)
from memory_pipeline.analysis.members.cross_domain import cross_domain_pairs
from memory_pipeline.analysis.members.deduplication import without_variants
from memory_pipeline.analysis.members.finding import CATEGORIES, Finding, MemberSearch, shown_name
from memory_pipeline.analysis.members.null_model import shuffled_members
from memory_pipeline.analysis.members.pairs import pairs_against_chance, pairs_by_place
from memory_pipeline.analysis.members.sets import role_sets, rule_of, set_findings
from memory_pipeline.analysis.members.text import NAME_LENGTH, wording_of
from memory_pipeline.analysis.stats.multiplicity import false_discovery_q_values

if TYPE_CHECKING:
    from memory_pipeline.analysis.members.labels import MemberLabels


PATTERN_COLUMNS = (
    *("name", "description", "category", "member_count", "related_member_ids"),
    *("evidence", "question_prompts", "found_by"),
)
_SETS = (
    ("ability", "skill_cluster"),
    ("interest", "interest_theme"),
    ("habit", "interest_theme"),
    ("wish", "collaboration_opportunity"),
)
_MOST_ACROSS = 3
_IN_EVIDENCE = ("area", "least", "sides", "both")
FOUND_BY = "statistics"


def find_member_patterns(
    labels: MemberLabels, search: MemberSearch | None = None, *, pairs: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Find patterns among members.

    Parameters
    ----------
    labels
        The visible members.
    search
        The limits of the search.
    pairs
        The pairs of these labels as `candidate_pairs` tested them with the same fewest members and seed,
        in any order; tested here where None.

    Returns
    -------
    DataFrame
        Columns `PATTERN_COLUMNS`, by category, the most informative first. `evidence` has `predicate` (as
        `members.predicates.parse_predicate` reads it), `labels` (by field), `expected`, `lift`, `p_value`,
        `q_value`, `tests` (the number of hypotheses of the q-value), `absorbed` (labels of variants),
        `questions` (each prompt with `audience` and `why`) and, where there are any, `rule` and `pairs`.
    """
    search = search or MemberSearch()
    if not labels.names:
        return pd.DataFrame(columns=list(PATTERN_COLUMNS))
    if pairs is None:
        tested = pairs_against_chance(labels, min_members=search.min_members, seed=search.seed)
    else:
        tested = pairs_by_place(pairs)
    shown, areas, tests = _tested(labels, tested, search)
    found = [*_sets(labels, shown, tested, search), *areas]
    found += learners_and_knowers(labels, shown, search)
    found += complementary_members(labels, shown, search)
    rows: list[dict[str, Any]] = []
    taken: set[frozenset[str]] = set()
    for category in CATEGORIES:
        own = [one for one in found if one.category == category and frozenset(one.names) not in taken]
        for finding, absorbed in without_variants(own, most=search.max_per_category):
            taken.add(frozenset(finding.names))
            rows.append(_row(labels, finding, absorbed, tests, search))
    return pd.DataFrame(rows, columns=list(PATTERN_COLUMNS))


def _tested(
    labels: MemberLabels, pairs: pd.DataFrame, search: MemberSearch
) -> tuple[pd.DataFrame, list[Finding], int]:
    """Test all pairs and areas together; return the significant pairs and areas, and the number of tests."""
    depths = area_depths(labels, search)
    tests = len(pairs) + len(depths)
    p_values = np.r_[pairs["p_value"].to_numpy(dtype=float), [one.p_value for one in depths]]
    q_values = false_discovery_q_values(p_values, tests) if tests else p_values
    pairs = pairs.assign(q_value=q_values[: len(pairs)])
    is_finding = (
        (pairs["q_value"] <= search.fdr)
        & (pairs["lift"] >= search.min_lift)
        & (pairs["members"] >= search.min_members)
    )
    shown = pairs[is_finding].reset_index(drop=True)
    areas = [
        replace(one, q_value=float(q))
        for one, q in zip(depths, q_values[len(pairs) :], strict=True)
        if q <= search.fdr and one.lift >= search.min_lift and one.member_count >= search.min_members
    ]
    return shown, areas, tests


def _sets(
    labels: MemberLabels, pairs: pd.DataFrame, all_pairs: pd.DataFrame, search: MemberSearch
) -> list[Finding]:
    found = []
    for role, category in _SETS:
        found += role_sets(labels, pairs, role, category, search)
    across = pairs[cross_domain_pairs(labels, pairs, all_pairs)]
    search = replace(search, max_labels=_MOST_ACROSS)
    return found + set_findings(labels, across, "cross_domain", search, kind="cross_set")


def _row(
    labels: MemberLabels,
    finding: Finding,
    absorbed: list[tuple[str, ...]],
    tests: int,
    search: MemberSearch,
) -> dict[str, Any]:
    """Return a finding as a row of patterns: in words, with its evidence."""
    rule = rule_of(labels, finding.labels) if finding.kind.endswith("_set") else {}
    pairs = matched_pairs(labels, finding) if "sides" in finding.details else []
    wording = wording_of(finding, [shown_name(labels, *one) for one in finding.labels], rule)
    by_field: dict[str, list[str]] = {}
    for own, label in finding.labels:
        by_field.setdefault(own, []).append(label)
    evidence = {
        "labels": by_field,
        "predicate": finding.predicate.to_json(),
        "expected": round(finding.expected, 2),
        "lift": round(finding.lift, 3),
        "p_value": finding.p_value,
        "q_value": finding.q_value,
        "tests": tests,
        "shuffles": shuffled_members(labels, seed=search.seed).count,
        "absorbed": [list(one) for one in absorbed],
        "vocabulary_version": labels.vocabulary.version,
        "questions": [asdict(one) for one in wording.questions],
    }
    evidence |= {key: value for key, value in (("rule", rule), ("pairs", pairs)) if value}
    evidence |= {key: finding.details[key] for key in _IN_EVIDENCE if key in finding.details}
    return {
        "name": wording.name[:NAME_LENGTH],
        "description": wording.description,
        "category": finding.category,
        "member_count": finding.member_count,
        "related_member_ids": [int(one) for one in finding.member_ids],
        "evidence": evidence,
        "question_prompts": [one.question for one in wording.questions],
        "found_by": FOUND_BY,
    }
