"""How the candidates stand in one context: what each is expected to achieve, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.recommendations.candidates import Candidate, Rest
from memory_pipeline.analysis.recommendations.success_model import N_DRAWS
from memory_pipeline.analysis.stats.beta_binomial import log_odds, smoothed_shares

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.contexts import Member
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
    from memory_pipeline.analysis.recommendations.pooled_records import Level, Values


_TIE = 1e-9
INDIFFERENCE = 0.01
"""Success rates closer than this are a tie, which goes to what is more usual."""


_MATTERING_SHARE = 0.1


@dataclass(frozen=True)
class Outlook:
    """The candidates in one context.

    Attributes
    ----------
    members
        The full contexts that the description stands for, with weights that sum to 1.
    is_widened
        Whether past attempts that agree with the description were lacking.
    candidates
        Approaches that were tried at every place that matters in the description.
    draws
        Posterior draws of each candidate's success rate, shape (candidates, 500).
    shares
        How often each was chosen among them, shape (candidates,), summing to 1.
    usual
        Draws of the success rate when approaches go on being chosen as before, shape (500,).
    rest
        What was tried beside the candidates.
    """

    members: list[Member]
    is_widened: bool
    candidates: tuple[Candidate, ...]
    draws: Floats
    shares: Floats
    usual: Floats
    rest: Rest

    @property
    def rates(self) -> Floats:
        """Expected success rates: posterior means, shape (candidates,)."""
        return np.asarray(self.draws.mean(axis=1))

    @property
    def propensities(self) -> Floats:
        """How often each candidate was chosen among everything that was tried, shape (candidates,)."""
        return np.asarray((1 - self.rest.share) * self.shares)


def look_out(policy: PolicyModel, members: list[Member], is_widened: bool) -> Outlook:
    """Weigh the candidates of a context, averaging over the full contexts that it stands for."""
    place, numbers = _common_candidates(policy, members)
    candidates = tuple(policy.candidates[place][number] for number in numbers)
    draws = np.zeros((len(candidates), N_DRAWS))
    shares = np.zeros(len(candidates))
    if not candidates:
        return Outlook(members, is_widened, (), draws, shares, np.zeros(N_DRAWS), Rest(0.0, 0.0))
    for described, weight in members:
        draws += weight * _success_draws(policy, described, place, numbers)
        counts = [_attempts(level, described, candidates) for level in policy.ruled.levels]
        shares += weight * smoothed_shares(counts)
    shares /= shares.sum()
    rest = _rest(policy, members)
    among = shares @ draws
    usual = (1 - rest.share) * among + rest.share * expit(log_odds(among) + rest.gap)
    # As far as approaches may not matter at all, every one of them does what the usual mix does.
    nothing_matters = policy.chances.is_indifferent()
    draws[:, nothing_matters] = usual[nothing_matters]
    return Outlook(members, is_widened, candidates, draws, shares, usual, rest)


def confidence_of(draws: Floats, outlook: Outlook) -> float:
    """Tell how probable it is that success rates, as draws, are above those of the usual mix."""
    gain = draws - outlook.usual
    return float(np.mean(gain > _TIE) + np.mean(np.abs(gain) <= _TIE) / 2)


def _common_candidates(policy: PolicyModel, members: list[Member]) -> tuple[Values, list[int]]:
    """Find the candidates tried at each place that matters in a description: the main place, their numbers.

    A place matters where a tenth of the description or more lies in it.
    """
    weight_of: dict[Values, float] = {}
    for described, weight in members:
        place = policy.contexts.place_of(described)
        weight_of[place] = weight_of.get(place, 0.0) + weight
    if not weight_of:
        return (), []
    main = max(sorted(weight_of), key=lambda place: weight_of[place])
    keys = [
        {candidate.key for candidate in policy.candidates.get(place, ())}
        for place, weight in weight_of.items()
        if weight >= _MATTERING_SHARE
    ]
    ours = policy.candidates.get(main, ())
    return main, [i for i, candidate in enumerate(ours) if all(candidate.key in tried for tried in keys)]


def _rest(policy: PolicyModel, members: list[Member]) -> Rest:
    found = [
        (policy.rest.get(policy.contexts.place_of(described), Rest(0.0, 0.0)), weight)
        for described, weight in members
    ]
    share = sum(weight * rest.share for rest, weight in found)
    gap = sum(weight * rest.share * rest.gap for rest, weight in found)
    return Rest(share, gap / share if share else 0.0)


def _success_draws(
    policy: PolicyModel, described: Mapping[str, str], place: Values, numbers: list[int]
) -> Floats:
    """Draw success rates, ruled and unruled as often as each is probable, shape (candidates, 500).

    Parameters
    ----------
    policy
        What was learnt.
    described
        A context in full.
    place, numbers
        The place whose candidates are weighed, and which of them.
    """
    keys = [policy.candidates[place][number].key for number in numbers]
    model = policy.ruled.model
    point, eta = (part[numbers] for part in policy.settled(place, policy.contexts.place_of(described)))
    varying = np.flatnonzero(model.design.held(described) & ~policy.is_settled)
    rows = policy.candidate_rows[place][np.array(numbers)[:, None], varying]
    point, eta = point + rows @ model.coefficients[varying], eta + rows @ model.coefficient_draws[varying]
    draws = policy.ruled.draws(described, keys, point, eta)
    is_unruled = policy.chances.is_unruled()
    if is_unruled.any():
        model = policy.unruled.model
        held = model.design.held(described)
        point = np.full(len(keys), model.coefficients[held].sum())
        eta = np.tile(model.coefficient_draws[held].sum(axis=0), (len(keys), 1))
        draws[:, is_unruled] = policy.unruled.draws(described, keys, point, eta)[:, is_unruled]
    return draws


def _attempts(level: Level, described: Mapping[str, str], candidates: Sequence[Candidate]) -> Floats:
    place = tuple(described[column] for column in level.columns)
    records = [level.records.get((place, candidate.key)) for candidate in candidates]
    return np.array([r.attempts if r else 0 for r in records], dtype=float)
