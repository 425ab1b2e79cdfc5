"""What a fitted policy consists of, and its JSON form.

The posterior of the candidates in a context is in `recommendations.posterior`; the answers are in
`recommendations.policy`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from memory_pipeline.analysis.features.encoding import Encoding
from memory_pipeline.analysis.recommendations.candidates import Candidate, Remainder, Support
from memory_pipeline.analysis.recommendations.contexts import Contexts
from memory_pipeline.analysis.recommendations.decisions import SUPPRESS, FactorDecision, has_side
from memory_pipeline.analysis.recommendations.key_values import KeyValues, key_values
from memory_pipeline.analysis.recommendations.level import NO_LEVEL, Level
from memory_pipeline.analysis.recommendations.reward_model import ModelWeights, RewardModel
from memory_pipeline.analysis.recommendations.tried import NOT_COUNTED, TriedByContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.decisions import Settings
    from memory_pipeline.analysis.recommendations.pooled_records import Values


@dataclass(frozen=True)
class Limits:
    """What advice has to meet.

    Attributes
    ----------
    min_sample_size, min_units
        Attempts and units in the pool that each setting of an advised approach needs.
    min_attempts
        Attempts in the pool that a whole approach needs to be a candidate.
    confidence_threshold
        Posterior probability of being better than the usual mix that advice needs.
    exploration
        0: always the best candidate. Above 0: Thompson sampling, with this share spread evenly.
    """

    min_sample_size: int
    min_units: int
    min_attempts: int
    confidence_threshold: float
    exploration: float


@dataclass(frozen=True)
class PolicyModel:
    """What `fit_policy` returns: everything that answers are computed from.

    Attributes
    ----------
    approach, context, unit
        The source columns and the unit column that it was fitted with.
    limits
        What advice has to meet.
    contexts
        The contexts that occurred, and how a new one is encoded.
    approach_encoding
        How settings become categories.
    key_columns
        The encoded settings by which approaches are told apart.
    structured, unstructured
        The reward models: one in which success follows from the settings of an approach, and one in which
        each approach has an effect of its own in each context.
    model_weights
        Posterior probability of each.
    candidates
        By pool: the approaches tried there.
    support
        By pool, encoded setting and value: attempts and units.
    remainder
        By pool: the attempts with approaches that are not candidates.
    patterns
        Patterns that advice may name: `conditions`, `label`, `sentence`.
    history
        `attempts`, `successes`, `units` that it was fitted on.
    changes
        Change points in the history (`models.change_points.Change` as dicts); evidence from before them is
        left out.
    decisions
        Persons' decisions about factors; advice does not rest on factors that they suppressed.
    tried
        How often each candidate was tried in the contexts of the table of advice.
    level
        How much easier or harder everything is today; it moves all promises.
    """

    approach: tuple[str, ...]
    context: tuple[str, ...]
    unit: str
    limits: Limits
    contexts: Contexts
    approach_encoding: Encoding
    key_columns: tuple[str, ...]
    structured: RewardModel
    unstructured: RewardModel
    model_weights: ModelWeights
    candidates: Mapping[Values, tuple[Candidate, ...]]
    support: Support
    remainder: Mapping[Values, Remainder]
    patterns: tuple[Mapping[str, Any], ...]
    history: Mapping[str, int]
    changes: tuple[Mapping[str, Any], ...] = ()
    decisions: tuple[FactorDecision, ...] = ()
    level: Level = NO_LEVEL
    tried: TriedByContext = NOT_COUNTED

    @cached_property
    def version(self) -> str:
        """Hash of everything that the policy consists of."""
        text = json.dumps(self._content(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def candidate_texts(self) -> tuple[str, ...]:
        """The approaches that can be advised anywhere, as JSON texts."""
        return tuple(sorted({c.approach for ones in self.candidates.values() for c in ones}))

    @cached_property
    def suppressed(self) -> tuple[tuple[Mapping[str, str], Mapping[str, str]], ...]:
        """The rarer and the more usual side of each comparison that a person suppressed."""
        return suppressed_sides(self)

    @cached_property
    def key_positions(self) -> dict[str, list[int]]:
        """Positions in the key of each source column's encoded columns, where it has any there."""
        found: dict[str, list[int]] = {}
        for source in self.approach:
            own = self.approach_encoding.columns_of(source)
            positions = [position for position, column in enumerate(self.key_columns) if column in own]
            if positions:
                found[source] = positions
        return found

    @cached_property
    def coded_keys(self) -> dict[Values, NDArray[np.int64]]:
        """The keys of all candidates as numbers, equal for equal values of a key column."""
        keys = list(dict.fromkeys(one.key for ones in self.candidates.values() for one in ones))
        columns = [np.unique(column, return_inverse=True)[1] for column in zip(*keys, strict=True)]
        return dict(
            zip(keys, np.column_stack(columns) if columns else np.zeros((len(keys), 0), int), strict=True)
        )

    def key_values_of(self, candidates: tuple[Candidate, ...], source: str) -> KeyValues:
        """Return the values that candidates have of a source column of `key_positions`; cached."""
        keys = tuple(one.key for one in candidates)
        if (keys, source) not in self._key_values:
            coded = np.array([self.coded_keys[key] for key in keys])
            self._key_values[keys, source] = key_values(coded, self.key_positions[source])
        return self._key_values[keys, source]

    @cached_property
    def _key_values(self) -> dict[tuple[tuple[Values, ...], str], KeyValues]:
        return {}

    @cached_property
    def candidate_rows(self) -> dict[Values, NDArray[np.float64]]:
        """By pool: which terms of the structured model the settings of each candidate fulfil.

        Arrays of shape (candidates, terms), entries 0 and 1.
        """
        held = self.structured.model.design.held
        return {
            pool: np.array([held(one.settings) for one in ones], dtype=float)
            for pool, ones in self.candidates.items()
        }

    @cached_property
    def rows_by_approach(self) -> dict[str, Floats]:
        """The row of `candidate_rows` of each approach, which is the same in every pool, shape (terms,)."""
        return {
            one.approach: row
            for pool, ones in self.candidates.items()
            for one, row in zip(ones, self.candidate_rows[pool], strict=True)
        }

    def pool_level_log_odds(self, candidates_of: Values, pool: Values) -> tuple[Floats, Floats]:
        """Return the part of the candidates' log-odds that depends on settings and pool alone; cached.

        Parameters
        ----------
        candidates_of
            The pool whose candidates are meant.
        pool
            The pool for which success is predicted.

        Returns
        -------
        tuple
            At the posterior mode, shape (candidates,), and for each draw, shape (candidates, 500).
        """
        if (candidates_of, pool) not in self._pool_level_cache:
            model = self.structured.model
            held = (
                model.design.held(dict(zip(self.contexts.pooling_columns, pool, strict=True)))
                & self.is_pool_level
            )
            rows = self.candidate_rows[candidates_of][:, held]
            sums = rows @ model.coefficients[held], rows @ model.coefficient_draws[held]
            self._pool_level_cache[candidates_of, pool] = sums
        return self._pool_level_cache[candidates_of, pool]

    @cached_property
    def is_pool_level(self) -> NDArray[np.bool_]:
        """Which terms of the structured model depend on settings and pool alone, shape (terms,)."""
        contexts = set(self.contexts.columns) - set(self.contexts.pooling_columns)
        return self.structured.model.design.without(contexts)

    @cached_property
    def _pool_level_cache(self) -> dict[tuple[Values, Values], tuple[Floats, Floats]]:
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as JSON-able values; `from_dict` rebuilds one that gives the same answers."""
        return self._content() | {"version": self.version}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild a policy from `to_dict`."""
        return cls(
            approach=tuple(values["approach"]),
            context=tuple(values["context"]),
            unit=values["unit"],
            limits=Limits(**values["limits"]),
            contexts=Contexts.from_dict(values["contexts"]),
            approach_encoding=Encoding.from_dict(values["approach_encoding"]),
            key_columns=tuple(values["key_columns"]),
            structured=RewardModel.from_dict(values["structured"]),
            unstructured=RewardModel.from_dict(values["unstructured"]),
            model_weights=ModelWeights(**values["model_weights"]),
            candidates={
                tuple(pool): tuple(Candidate.from_dict(one) for one in ones)
                for pool, ones in values["candidates"]
            },
            support={(tuple(pool), *setting): tuple(counts) for pool, setting, counts in values["support"]},
            remainder={tuple(pool): Remainder(*values) for pool, values in values["remainder"]},
            patterns=tuple(dict(pattern) for pattern in values["patterns"]),
            history=dict(values["history"]),
            changes=tuple(dict(change) for change in values["changes"]),
            decisions=tuple(FactorDecision(**one) for one in values.get("decisions", ())),
            level=Level(**values.get("level", {})),
            tried=TriedByContext.from_dict(values["tried"]) if "tried" in values else NOT_COUNTED,
        )

    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = {
            "approach": list(self.approach),
            "context": list(self.context),
            "unit": self.unit,
            "limits": asdict(self.limits),
            "contexts": self.contexts.to_dict(),
            "approach_encoding": self.approach_encoding.to_dict(),
            "key_columns": list(self.key_columns),
            "structured": self.structured.to_dict(),
            "unstructured": self.unstructured.to_dict(),
            "model_weights": asdict(self.model_weights),
            "candidates": [
                [list(pool), [one.to_dict() for one in ones]] for pool, ones in self.candidates.items()
            ],
            "support": [
                [list(pool), [column, level], list(counts)]
                for (pool, column, level), counts in self.support.items()
            ],
            "remainder": [[list(pool), [one.share, one.gap]] for pool, one in self.remainder.items()],
            "patterns": [dict(pattern) for pattern in self.patterns],
            "history": dict(self.history),
            "changes": [dict(change) for change in self.changes],
            "decisions": [one.to_dict() for one in self.decisions],
            "level": asdict(self.level),
            "tried": self.tried.to_dict(),
        }
        return content


def suppressed_sides(policy: PolicyModel) -> tuple[tuple[Settings, Settings], ...]:
    """Return the rarer and the more usual side of each suppressed comparison.

    The more usual side is the one with more attempts over all pools, as with the references of factors; ties
    are broken by name.
    """

    def rank(side: Settings) -> tuple[int, list[tuple[str, str]]]:
        tried = [
            c.attempts for ones in policy.candidates.values() for c in ones if has_side(c.settings, side)
        ]
        return -sum(tried), sorted(side.items())

    found = []
    for one in policy.decisions:
        if one.decision == SUPPRESS:
            usual, rarer = sorted(one.sides, key=rank)
            found.append((rarer, usual))
    return tuple(found)
