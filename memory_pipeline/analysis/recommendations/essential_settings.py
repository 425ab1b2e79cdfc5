"""Which settings of an advised approach have to be named: leaving the others open costs next to nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.recommendations.posterior import INDIFFERENCE, confidence_of
from memory_pipeline.analysis.recommendations.suppression import Suppression, promised_draws
from memory_pipeline.analysis.stats.beta_binomial import log_odds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
    from memory_pipeline.analysis.recommendations.posterior import ContextPosterior


@dataclass(frozen=True)
class EssentialSettings:
    """The settings of a candidate that are worth naming, and the success rate expected with them.

    Attributes
    ----------
    approach
        Settings to choose, source column to value; a value of None means "leave it unset".
    left_open
        Source columns of the candidate's settings that may go on as usual, or that a person left open.
    group
        Numbers of the candidates that agree with `approach`.
    draws
        Posterior draws of the success rate if `approach` is chosen and other settings go on as before: the
        mean over the group, weighted by past shares, shape (500,).
    attempts, successes, units
        Counts of `approach` in the pool; `units` is a lower bound.
    recent_share
        Share of the newest quarter of the pool's attempts that did so.
    """

    approach: dict[str, Any]
    left_open: tuple[str, ...]
    group: NDArray[np.int64]
    draws: Floats
    attempts: int
    successes: int
    units: int
    recent_share: float


def find_essential_settings(
    policy: PolicyModel, posterior: ContextPosterior, index: int
) -> EssentialSettings:
    """Return the settings of a candidate that are worth naming in a context.

    Settings are left open, the one that costs least first, as long as the expected success given up is one
    percentage point at most in all, and the rest still beats what is usual with the confidence that advice
    needs. What leaving a setting open costs is decided in the context at hand and given the candidate's other
    settings: it is then chosen as usual there. At least one setting is named. A setting that a person left
    open (`Suppression.is_left_open`) is never named, so that nothing may be left to advise.

    Parameters
    ----------
    policy
        The fitted model.
    posterior
        Of the candidates in the context.
    index
        Number of the candidate.
    """
    picked = _Picked(policy, posterior, index)
    named = picked.worth_naming()
    group = np.flatnonzero(picked.agreeing(named))
    stated: Mapping[str, Any] = json.loads(posterior.candidates[index].approach)
    return EssentialSettings(
        approach={
            column: stated.get(column)
            for column in dict.fromkeys([*stated, *policy.approach])
            if column in named
        },
        left_open=tuple(column for column in stated if column not in named),
        group=group,
        draws=_as_usual_among(posterior, group, promised_draws(posterior)),
        attempts=sum(posterior.candidates[number].attempts for number in group),
        successes=sum(posterior.candidates[number].successes for number in group),
        units=max(posterior.candidates[number].units for number in group),
        recent_share=sum(posterior.candidates[number].recent_share for number in group),
    )


@dataclass(frozen=True)
class _Picked:
    """A candidate in a context, and what leaving its settings open would cost."""

    policy: PolicyModel
    posterior: ContextPosterior
    index: int

    def worth_naming(self) -> set[str]:
        """Return the source columns whose settings have to be named."""
        positions = self.policy.key_positions
        settings = self.posterior.candidates[self.index].settings
        closed = {
            source
            for source, own in positions.items()
            if not any(
                self._suppression.is_left_open(self.policy.key_columns[position], settings)
                for position in own
            )
        }
        losses = {source: self._loss(source) for source in sorted(closed)}
        fewest = 1 if len(closed) == len(positions) else 0
        named, given_up = set(closed), 0.0
        enough = min(self.policy.limits.confidence_threshold, self._confidence(named))
        for source in sorted(losses, key=lambda one: losses[one]):
            given_up += max(losses[source], 0.0)
            if (
                len(named) <= fewest
                or given_up > INDIFFERENCE
                or (losses[source] > 0 and self._confidence(named - {source}) < enough)
            ):
                break
            named -= {source}
        return named

    def agreeing(self, named: Collection[str]) -> NDArray[np.bool_]:
        """Return which candidates have the candidate's values of some source columns, shape (candidates,)."""
        at = [position for source in named for position in self.policy.key_positions[source]]
        return np.asarray((self._keys[:, at] == self._keys[self.index, at]).all(axis=1))

    @cached_property
    def _keys(self) -> NDArray[np.int64]:
        """The keys of the candidates as numbers, shape (candidates, key columns)."""
        coded = self.policy.coded_keys
        return np.array([coded[candidate.key] for candidate in self.posterior.candidates])

    @cached_property
    def _suppression(self) -> Suppression:
        return Suppression(self.policy, self.posterior)

    @cached_property
    def _is_rarer(self) -> bool:
        return self._suppression.is_suppressed(self.posterior.candidates[self.index].settings)

    @cached_property
    def _in_context(self) -> Floats:
        """Weight of the full contexts in which the context's part of each term holds, shape (terms,)."""
        held = self.policy.structured.model.design.held
        weighted = [weight * held(described) for described, weight in self.posterior.full_contexts]
        return np.asarray(np.sum(weighted, axis=0))

    @cached_property
    def _unmet(self) -> NDArray[np.int64]:
        """Number of conditions of each term that the candidate's settings do not meet, shape (terms,)."""
        settings = self.posterior.candidates[self.index].settings
        return self.policy.structured.model.design.unmet(settings)

    @cached_property
    def _log_odds(self) -> Floats:
        return log_odds(self.posterior.draws[self.index])

    def _confidence(self, named: Collection[str]) -> float:
        """Return the probability that the settings named, with the others as usual, beat the usual mix."""
        as_usual = _as_usual_among(self.posterior, self.agreeing(named), self.posterior.draws)
        return confidence_of(as_usual, self.posterior)

    def _loss(self, source: str) -> float:
        """Return the expected success that is lost if the settings of a source column are chosen as usual.

        The other settings of the candidate stay. Where the approach that results is a candidate, its
        posterior counts, otherwise the picked one's, shifted by the coefficients of the structured model. To
        avoid the rarer side of a suppressed comparison is no reason to name a setting.
        """
        posterior, columns = self.posterior, self.policy.key_columns
        ours, rate = posterior.candidates[self.index], float(posterior.rates[self.index])
        values = self.policy.key_values_of(posterior.candidates, source)
        usual = np.bincount(values.code, weights=posterior.shares).tolist()
        positions = self.policy.key_positions[source]
        loss = 0.0
        for share, first, like in zip(usual, values.first, values.like[self.index].tolist(), strict=True):
            if like >= 0:
                settings = posterior.candidates[like].settings
            else:
                there = posterior.candidates[first].key
                settings = {**ours.settings, **{columns[at]: there[at] for at in positions}}
            if self._suppression and not self._is_rarer and self._suppression.is_suppressed(settings):
                continue
            other = posterior.rates[like] if like >= 0 else self._shifted(settings, positions).mean()
            loss += share * (rate - float(other))
        return loss

    def _shifted(self, settings: Mapping[str, str], positions: Sequence[int]) -> Floats:
        """Return draws of the success rate with other settings, by the structured model, shape (500,).

        They differ from those of the candidate at some positions of the key.
        """
        model = self.policy.structured.model
        ours, unmet = self.posterior.candidates[self.index].settings, self._unmet.copy()
        for column in (self.policy.key_columns[at] for at in positions):
            unmet[model.design.with_condition(column, ours[column])] += 1
            unmet[model.design.with_condition(column, settings[column])] -= 1
        own, other = self._unmet == 0, unmet == 0
        terms = np.flatnonzero(own != other)
        signs = np.where(other[terms], 1.0, -1.0)
        change = (self._in_context[terms] * signs) @ model.coefficient_draws[terms]
        is_structured = self.policy.model_weights.is_structured()
        shifted = expit(self._log_odds + change)
        return np.asarray(np.where(is_structured, shifted, self.posterior.draws[self.index]))


def _as_usual_among(posterior: ContextPosterior, group: NDArray[Any], draws: Floats) -> Floats:
    """Return draws of the success rate if candidates of a group are chosen in their past shares, (500,)."""
    return np.asarray(posterior.shares[group] @ draws[group] / posterior.shares[group].sum())
