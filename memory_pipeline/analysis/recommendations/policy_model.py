"""What a fitted policy consists of, and its JSON form.

How candidates are weighed in a context is in `recommendations.posterior`; the answers are in `policy`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from memory_pipeline.analysis.features.encoding import Encoding
from memory_pipeline.analysis.recommendations.candidates import Candidate, Rest, Support
from memory_pipeline.analysis.recommendations.contexts import Contexts
from memory_pipeline.analysis.recommendations.decisions import SUPPRESS, FactorDecision, has_side
from memory_pipeline.analysis.recommendations.reward_model import Chances, Expectation

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
        Attempts and units at the place that each setting of an advised approach needs.
    min_attempts
        Attempts that a whole approach needs to be a candidate.
    confidence_threshold
        Probability of being better than what is usual.
    exploration
        0: always the best. Above: Thompson sampling, this share of it spread evenly.
    """

    min_sample_size: int
    min_units: int
    min_attempts: int
    confidence_threshold: float
    exploration: float


@dataclass(frozen=True)
class PolicyModel:
    """What `fit_policy` learnt: everything that answers are computed from.

    Attributes
    ----------
    approach, context, unit
        The source columns and the unit that it was fitted with.
    limits
        What advice has to meet.
    contexts
        The contexts that occurred, and how a new one is read.
    approach_encoding
        How the settings become categories.
    key_columns
        The encoded settings by which approaches are told apart.
    ruled, unruled
        What is expected where settings tell what an approach achieves, with records from everywhere to the
        described context; and where each approach has a way of its own in each context.
    chances
        How probable either is.
    candidates
        Per place, the approaches tried there.
    support
        By place, encoded setting and level: attempts and units.
    rest
        Per place, what was tried beside the candidates.
    patterns
        Patterns that advice may name: `conditions`, `label`, `sentence`.
    history
        `attempts`, `successes`, `units` that it was fitted on.
    changes
        What changed during the history (`models.change_points.Change` as dicts): evidence from before is
        left out.
    decisions
        What persons decided about factors; advice does not rest on those that they suppressed.
    """

    approach: tuple[str, ...]
    context: tuple[str, ...]
    unit: str
    limits: Limits
    contexts: Contexts
    approach_encoding: Encoding
    key_columns: tuple[str, ...]
    ruled: Expectation
    unruled: Expectation
    chances: Chances
    candidates: Mapping[Values, tuple[Candidate, ...]]
    support: Support
    rest: Mapping[Values, Rest]
    patterns: tuple[Mapping[str, Any], ...]
    history: Mapping[str, int]
    changes: tuple[Mapping[str, Any], ...] = ()
    decisions: tuple[FactorDecision, ...] = ()

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
    def tried(self) -> dict[tuple[Values, str], dict[str, int]]:
        """By place and encoded setting: the attempts with each level."""
        found: dict[tuple[Values, str], dict[str, int]] = {}
        for (place, column, level), (attempts, _) in self.support.items():
            found.setdefault((place, column), {})[level] = attempts
        return found

    @cached_property
    def candidate_rows(self) -> dict[Values, NDArray[np.float64]]:
        """Which terms of the model hold for the candidates of each place, as far as settings decide it.

        Arrays of shape (candidates, terms), entries 0 and 1.
        """
        held = self.ruled.model.design.held
        return {
            place: np.array([held(one.settings) for one in ones], dtype=float)
            for place, ones in self.candidates.items()
        }

    def settled(self, candidates_at: Values, place: Values) -> tuple[Floats, Floats]:
        """Add up what settings and place alone say of the candidates of a place, in log-odds.

        Parameters
        ----------
        candidates_at
            Whose candidates.
        place
            Where they are looked at.

        Returns
        -------
        tuple
            By the coefficients, shape (candidates,), and by each draw of them, shape (candidates, 500).
        """
        if (candidates_at, place) not in self._settled_before:
            model = self.ruled.model
            held = model.design.held(dict(zip(self.contexts.home, place, strict=True))) & self.is_settled
            rows = self.candidate_rows[candidates_at][:, held]
            sums = rows @ model.coefficients[held], rows @ model.coefficient_draws[held]
            self._settled_before[candidates_at, place] = sums
        return self._settled_before[candidates_at, place]

    @cached_property
    def is_settled(self) -> NDArray[np.bool_]:
        """Which terms of the model rest on settings and place alone, shape (terms,)."""
        contexts = set(self.contexts.columns) - set(self.contexts.home)
        return self.ruled.model.design.without(contexts)

    @cached_property
    def _settled_before(self) -> dict[tuple[Values, Values], tuple[Floats, Floats]]:
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as JSON-able values, from which `from_dict` makes one that answers alike."""
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
            ruled=Expectation.from_dict(values["ruled"]),
            unruled=Expectation.from_dict(values["unruled"]),
            chances=Chances(**values["chances"]),
            candidates={
                tuple(place): tuple(Candidate.from_dict(one) for one in ones)
                for place, ones in values["candidates"]
            },
            support={(tuple(place), *setting): tuple(counts) for place, setting, counts in values["support"]},
            rest={tuple(place): Rest(*values) for place, values in values["rest"]},
            patterns=tuple(dict(pattern) for pattern in values["patterns"]),
            history=dict(values["history"]),
            changes=tuple(dict(change) for change in values["changes"]),
            decisions=tuple(FactorDecision(**one) for one in values.get("decisions", ())),
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
            "ruled": self.ruled.to_dict(),
            "unruled": self.unruled.to_dict(),
            "chances": asdict(self.chances),
            "candidates": [
                [list(place), [one.to_dict() for one in ones]] for place, ones in self.candidates.items()
            ],
            "support": [
                [list(place), [column, level], list(counts)]
                for (place, column, level), counts in self.support.items()
            ],
            "rest": [[list(place), [one.share, one.gap]] for place, one in self.rest.items()],
            "patterns": [dict(pattern) for pattern in self.patterns],
            "history": dict(self.history),
            "changes": [dict(change) for change in self.changes],
            "decisions": [one.to_dict() for one in self.decisions],
        }
        return content


def suppressed_sides(policy: PolicyModel) -> tuple[tuple[Settings, Settings], ...]:
    """List the rarer and the more usual side of each suppressed comparison.

    Usual is what was tried most often anywhere, as with the references of factors; a tie goes by name.
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
