"""What an answer consists of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Advice:
    """What to do next in a described context.

    Attributes
    ----------
    context
        The description, as it was given.
    recommended_approach
        The settings to choose; None where the evidence is not enough. Settings that can
        stay as they are without loss are not named.
    left_open
        Settings that are not worth naming (choosing all of them as usual costs one point at most), or that a
        person left to those who package; keep them as they are.
    avoid_approach
        Settings and whole approaches that are expected to do clearly worse, the worst first: dicts with
        `approach`, `success_rate`, `ci_low`, `ci_high`, `sample_size`, `sentence`.
    success_rate, ci_low, ci_high
        Expected success rate of the recommended approach with its 95% credible interval; without a
        recommendation, of the usual mix of approaches.
    confidence
        Posterior probability that the recommended approach (without one: the best-looking one) succeeds
        more often than the usual mix of approaches.
    sample_size, units
        Attempts and units (a lower bound) behind the recommended approach; without one, the attempts with
        all candidates and the units of the candidate that has most.
    attempts_in_context
        Of all attempts with the recommended approach (without one, with any candidate) those in the context
        itself, as far as it describes the columns of the table of advice and the pooling column; None by a
        policy of an earlier version.
    evidence
        `whole`: the approach was tried as it stands `min_sample_size` times or more; `additive`: only each
        of its settings was, and the sample is that of the setting with the fewest attempts; `untested`: worth
        trying, but fewer than one in twenty of the newest quarter of the attempts did so, so that nobody has
        seen whether the expectation holds today; `none`: there is no recommendation.
    usual_approach, usual_rate
        The approach most often chosen in the context, and the expected success rate of the usual mix.
    supporting_patterns
        Labels of the patterns that hold in the context with the recommended approach.
    reasons
        Sentences that explain the answer.
    candidates
        All candidates with their expected success rates, the highest first.
    propensity
        Probability with which the policy gives this answer.
    policy_version
        Version of the policy that answered.
    decisions
        Persons' decisions about factors that concern the answer
        (`recommendations.decisions.FactorDecision` as dicts).
    """

    context: Mapping[str, Any]
    recommended_approach: dict[str, Any] | None
    left_open: tuple[str, ...]
    avoid_approach: list[dict[str, Any]]
    success_rate: float
    ci_low: float
    ci_high: float
    confidence: float
    sample_size: int
    units: int
    attempts_in_context: int | None
    evidence: str
    usual_approach: dict[str, Any] | None
    usual_rate: float
    supporting_patterns: list[str]
    reasons: list[str]
    candidates: list[dict[str, Any]]
    propensity: float
    policy_version: str
    decisions: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the advice as a dict; JSON-able where the given context is."""
        return asdict(self)
