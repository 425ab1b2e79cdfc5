"""A fitted policy: what to advise in a described context, and how sure that is.

What a policy consists of is in `policy_model`. How candidates are weighed is in
`recommendations.posterior`, the words are in `advice`, the fit is in `recommendations.fit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit

from memory_pipeline.analysis.compute.threads import on_one_thread
from memory_pipeline.analysis.recommendations.answer import write_advice
from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
from memory_pipeline.analysis.recommendations.posterior import Outlook, look_out
from memory_pipeline.analysis.recommendations.selection import Choice, choose
from memory_pipeline.analysis.recommendations.suppression import set_aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from memory_pipeline.analysis.recommendations.advice import Advice
    from memory_pipeline.analysis.recommendations.contexts import Pattern
    from memory_pipeline.analysis.recommendations.pooled_records import Values


@dataclass(frozen=True)
class Policy(PolicyModel):
    """A fitted policy: answers for any description of a context."""

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
        for rows, outlook in self.outlooks(contexts):
            row = np.zeros(len(columns))
            own = [number[candidate.approach] for candidate in outlook.candidates]
            np.add.at(row, own, choose(outlook, self.limits).probabilities)
            table[rows] = row if own else overall
        return pd.DataFrame(table, index=contexts.index, columns=pd.Index(columns, dtype=object))

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

    def _outlook(self, pattern: Pattern) -> Outlook:
        return set_aside(self, look_out(self, *self.contexts.members(pattern)))

    def _keys_of(self, outcomes: pd.DataFrame) -> tuple[list[Values], pd.DataFrame]:
        encoded = self.approach_encoding.apply(outcomes)
        named = [encoded[column].to_numpy(dtype=object) for column in self.key_columns]
        return (list(zip(*named, strict=True)) if named else [()] * len(outcomes)), encoded
