"""A fitted policy: what to advise in a described context, and how sure that is.

What belongs here: what a policy consists of, and reading a described context. How candidates are weighed
is in `outlook`, the words are in `advice`, the fit is in `recommendations`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit

from memory_pipeline.analysis.advice import Advice, write_advice
from memory_pipeline.analysis.candidates import Candidate, Rest, Support
from memory_pipeline.analysis.contexts import Contexts, Pattern
from memory_pipeline.analysis.decided import FactorDecision
from memory_pipeline.analysis.expectation import Chances, Expectation
from memory_pipeline.analysis.features import Encoding
from memory_pipeline.analysis.outlook import Choice, Outlook, choose, look_out
from memory_pipeline.analysis.setting_aside import set_aside, suppressed_sides
from memory_pipeline.analysis.threads import on_one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from memory_pipeline.analysis.track_record import Values

    Floats = NDArray[np.float64]


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
class Policy:
    """What `fit_policy` learnt; answers for any description of a context.

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
        What changed during the history (`drift.Change` as dicts): evidence from before is left out.
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

    @on_one_thread
    def recommend(self, context: Mapping[str, Any], *, rng: np.random.Generator | None = None) -> Advice:
        """Advise an approach for a described context.

        A context column that is not described (or was described with a value that never occurred) is
        averaged over, in the proportions of past attempts that agree with the rest of the description;
        where none agree, of those with the same installer type, then of all. A key that the policy
        does not know is left out of account and named in the reasons.

        Parameters
        ----------
        context
            What is known beforehand, source column to value.
        rng
            Source of chance; used only where `exploration` is above 0.

        Returns
        -------
        Advice
            `recommended_approach` is None where the evidence is not enough; then `success_rate` is that
            of what is usually done. `confidence` is the posterior probability that the advised approach
            succeeds more often than the usual mix of approaches does in this context.
        """
        described = {str(key): value for key, value in context.items() if key in self.context}
        pattern = self.contexts.read(pd.DataFrame([described], index=[0]))[0]
        outlook = self._outlook(pattern)
        return write_advice(
            self,
            dict(context),
            outlook,
            choose(outlook, self.limits, rng=rng),
            unknown=[str(key) for key in context if key not in self.context],
            unseen=self.contexts.unseen(pattern, described),
        )

    @on_one_thread
    def probabilities(self, contexts: pd.DataFrame) -> pd.DataFrame:
        """Tell with which probability the policy picks each approach, for off-policy evaluation.

        Where it has no advice, what is usual goes on: the past shares of the approaches in the context,
        or in all contexts where none was tried in this one.

        Parameters
        ----------
        contexts
            One row a context, source columns as in `recommend`; other columns are ignored.

        Returns
        -------
        DataFrame
            Indexed as `contexts`, one column per candidate (JSON text of the approach, see
            `approaches.approach_text`), rows sum to 1. `actions` gives the column of an attempt. A
            policy fitted without attempts has no columns.
        """
        columns = self.candidate_texts
        number = {text: i for i, text in enumerate(columns)}
        overall = np.zeros(len(columns))
        for ones in self.candidates.values():
            for candidate in ones:
                overall[number[candidate.approach]] += candidate.attempts
        overall /= max(overall.sum(), 1.0)
        table = np.zeros((len(contexts), len(columns)))
        for rows, outlook in self.outlooks(contexts):
            row = np.zeros(len(columns))
            own = [number[candidate.approach] for candidate in outlook.candidates]
            np.add.at(row, own, choose(outlook, self.limits).probabilities)
            table[rows] = row if own else overall
        return pd.DataFrame(table, index=contexts.index, columns=pd.Index(columns, dtype=object))

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

    def actions(self, outcomes: pd.DataFrame) -> pd.Series:
        """Name the candidate that each attempt counts as: the one with the same key at its place.

        Returns
        -------
        Series of str or None
            None where the attempt's approach is no candidate.
        """
        keys, _ = self._keys_of(outcomes)
        places = self.contexts.places_of(outcomes)
        texts = {
            (place, candidate.key): candidate.approach
            for place, ones in self.candidates.items()
            for candidate in ones
        }
        found = [texts.get(pair) for pair in zip(places, keys, strict=True)]
        return pd.Series(found, index=outcomes.index, dtype=object, name="action")

    def expected(self, outcomes: pd.DataFrame) -> pd.Series:
        """Predict the success rate of attempts from their context and the approach they took.

        Nothing but the approach and context columns is looked at. A value never seen stands at the
        average.
        """
        keys, encoded = self._keys_of(outcomes)
        context = self.contexts.encoding.apply(outcomes)
        conditions = pd.concat([context, encoded], axis=1)
        rates = expit(self.ruled.log_odds(conditions, keys))
        if self.chances.unruled > 0:
            apart = expit(self.unruled.log_odds(conditions, keys))
            rates += self.chances.unruled * (apart - rates)
        return pd.Series(rates, index=outcomes.index, name="expected_success")

    def outlooks(self, contexts: pd.DataFrame) -> Iterator[tuple[list[int], Outlook]]:
        """Weigh the candidates in each different context, one after the other: an outlook is large.

        Parameters
        ----------
        contexts
            As in `probabilities`.

        Yields
        ------
        tuple
            The numbers of the rows that have the context, from 0, and its outlook.
        """
        rows_of: dict[Pattern, list[int]] = {}
        for row, pattern in enumerate(self.contexts.read(contexts)):
            rows_of.setdefault(pattern, []).append(row)
        for pattern, rows in rows_of.items():
            yield rows, self._outlook(pattern)

    def choice(self, outlook: Outlook) -> Choice:
        """Choose among the candidates of an outlook."""
        return choose(outlook, self.limits)

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as JSON-able values, from which `from_dict` makes one that answers alike."""
        return self._content() | {"version": self.version}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Policy:
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

    def _outlook(self, pattern: Pattern) -> Outlook:
        return set_aside(self, look_out(self, *self.contexts.members(pattern)))

    def _keys_of(self, outcomes: pd.DataFrame) -> tuple[list[Values], pd.DataFrame]:
        encoded = self.approach_encoding.apply(outcomes)
        named = [encoded[column].to_numpy(dtype=object) for column in self.key_columns]
        return (list(zip(*named, strict=True)) if named else [()] * len(outcomes)), encoded
