"""A fitted policy: what to advise in a described context, and how sure that is.

What a policy consists of is in `recommendations.policy_model`, the posterior of the candidates in
`recommendations.posterior`, the words of an answer in `recommendations.explanations`, the fit in
`recommendations.fit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit

from memory_pipeline.analysis.compute.threads import on_one_thread
from memory_pipeline.analysis.recommendations.answer import build_advice
from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
from memory_pipeline.analysis.recommendations.posterior import ContextPosterior, posterior_in
from memory_pipeline.analysis.recommendations.selection import Choice, choose
from memory_pipeline.analysis.recommendations.situation import Situation
from memory_pipeline.analysis.recommendations.suppression import apply_suppression
from memory_pipeline.analysis.recommendations.unfamiliar import widen_for_unfamiliar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from memory_pipeline.analysis.recommendations.advice import Advice
    from memory_pipeline.analysis.recommendations.contexts import Pattern, UnknownValue
    from memory_pipeline.analysis.recommendations.pooled_records import Values


@dataclass(frozen=True)
class Policy(PolicyModel):
    """A fitted policy: gives advice for any description of a context."""

    @on_one_thread
    def recommend(self, context: Mapping[str, Any], *, rng: np.random.Generator | None = None) -> Advice:
        """Advise an approach for a described context.

        A context column that is not described, or whose described value never occurred, is averaged over, in
        the proportions of the past attempts that agree with the other columns; where none agree, of those
        with the same value of the pooling column; where there are none either, of all. Where a described
        value never occurred, the reasons name it and the nearest known one, and the answer is less sure
        (`recommendations.unfamiliar`). A key that the policy does not know is ignored and named in the
        reasons.

        Parameters
        ----------
        context
            What is known before the attempt, source column to value.
        rng
            Source of chance for Thompson sampling; used only where `exploration` is above 0.

        Returns
        -------
        Advice
            `recommended_approach` is None where the evidence is not enough; then `success_rate` is that of
            the usual mix of approaches. `confidence` is the posterior probability that the advised approach
            succeeds more often than the usual mix in this context.
        """
        return self.advise(self.read_situation(context), rng=rng)

    @on_one_thread
    def read_situation(self, context: Mapping[str, Any]) -> Situation:
        """Compute the posterior in a described context, from which `advise` answers any number of times."""
        described = self.contexts.spelled_as_known(
            {str(key): value for key, value in context.items() if key in self.context}
        )
        frame = pd.DataFrame([described], index=[0])
        unfamiliar = self.contexts.unknown_values(frame)[0]
        pattern = self.contexts.read(frame)[0]
        return Situation(
            dict(context),
            self._posterior_of(pattern, unfamiliar),
            unknown=tuple(str(key) for key in context if key not in self.context),
            unfamiliar=unfamiliar,
            pattern=pattern,
        )

    @on_one_thread
    def advise(
        self, situation: Situation, *, rng: np.random.Generator | None = None, picked: int | None = None
    ) -> Advice:
        """Choose an approach in a situation and explain it; `rng` and `picked` are those of `choose`."""
        return build_advice(self, situation, choose(situation.posterior, self.limits, rng=rng, picked=picked))

    @on_one_thread
    def probabilities(self, contexts: pd.DataFrame) -> pd.DataFrame:
        """Return the probability with which the policy picks each approach, for off-policy evaluation.

        Where it has no advice, approaches keep their past shares in the context or, where none was tried in
        it, in all contexts.

        Parameters
        ----------
        contexts
            One row per context, source columns as in `recommend`; other columns are ignored.

        Returns
        -------
        DataFrame
            Indexed as `contexts`, one column per candidate (JSON text of the approach, see
            `recommendations.approaches.approach_text`), rows sum to 1. `actions` gives the column of an
            attempt. A policy fitted without attempts has no columns.
        """
        columns = self.candidate_texts
        number = {text: i for i, text in enumerate(columns)}
        overall = np.zeros(len(columns))
        for ones in self.candidates.values():
            for candidate in ones:
                overall[number[candidate.approach]] += candidate.attempts
        overall /= max(overall.sum(), 1.0)
        table = np.zeros((len(contexts), len(columns)))
        for rows, posterior in self.posteriors(contexts):
            row = np.zeros(len(columns))
            own = [number[candidate.approach] for candidate in posterior.candidates]
            np.add.at(row, own, choose(posterior, self.limits).probabilities)
            table[rows] = row if own else overall
        return pd.DataFrame(table, index=contexts.index, columns=pd.Index(columns, dtype=object))

    def actions(self, outcomes: pd.DataFrame) -> pd.Series:
        """Return the candidate that each attempt counts as: the one with the same key in its pool.

        Returns
        -------
        Series of str or None
            JSON text of the approach; None where the attempt's approach is not a candidate.
        """
        keys, _ = self._keys_of(outcomes)
        pools = self.contexts.pools_of(outcomes)
        texts = {
            (pool, candidate.key): candidate.approach
            for pool, ones in self.candidates.items()
            for candidate in ones
        }
        found = [texts.get(pair) for pair in zip(pools, keys, strict=True)]
        return pd.Series(found, index=outcomes.index, dtype=object, name="action")

    def expected(self, outcomes: pd.DataFrame) -> pd.Series:
        """Predict the success rate of attempts of today from their context and the approach they took.

        Only the approach and context columns are used. A value that never occurred is predicted at the
        average.

        Returns
        -------
        Series
            Expected success rate, indexed as `outcomes`.
        """
        keys, encoded = self._keys_of(outcomes)
        context = self.contexts.encoding.apply(outcomes)
        conditions = pd.concat([context, encoded], axis=1)
        rates = expit(self.structured.log_odds(conditions, keys))
        if self.model_weights.unstructured > 0:
            apart = expit(self.unstructured.log_odds(conditions, keys))
            rates += self.model_weights.unstructured * (apart - rates)
        return pd.Series(self.level.move(rates), index=outcomes.index, name="expected_success")

    def posteriors(self, contexts: pd.DataFrame) -> Iterator[tuple[list[int], ContextPosterior]]:
        """Compute the posterior in each distinct context, one after the other, since a posterior is large.

        Parameters
        ----------
        contexts
            As in `probabilities`.

        Yields
        ------
        tuple
            The numbers of the rows with the context, from 0, and its posterior.
        """
        rows_of: dict[tuple[Pattern, tuple[UnknownValue, ...]], list[int]] = {}
        unfamiliar = self.contexts.unknown_values(contexts[[c for c in self.context if c in contexts]])
        for row, described in enumerate(zip(self.contexts.read(contexts), unfamiliar, strict=True)):
            rows_of.setdefault(described, []).append(row)
        for described, rows in rows_of.items():
            yield rows, self._posterior_of(*described)

    def choice(self, posterior: ContextPosterior) -> Choice:
        """Pick a candidate of a posterior."""
        return choose(posterior, self.limits)

    def _posterior_of(self, pattern: Pattern, unfamiliar: tuple[UnknownValue, ...]) -> ContextPosterior:
        found = posterior_in(self, *self.contexts.full_contexts(pattern))
        columns = dict.fromkeys(column for column, _ in unfamiliar)
        return apply_suppression(self, widen_for_unfamiliar(self, found, columns))

    def _keys_of(self, outcomes: pd.DataFrame) -> tuple[list[Values], pd.DataFrame]:
        encoded = self.approach_encoding.apply(outcomes)
        named = [encoded[column].to_numpy(dtype=object) for column in self.key_columns]
        return (list(zip(*named, strict=True)) if named else [()] * len(outcomes)), encoded
