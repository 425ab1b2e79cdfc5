"""What to avoid in a context: settings and whole approaches that are expected to do clearly worse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.names import MISSING, OTHER
from memory_pipeline.analysis.recommendations.posterior import expectation_of
from memory_pipeline.analysis.recommendations.suppression import Suppression, promised_draws
from memory_pipeline.analysis.text import name_factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
    from memory_pipeline.analysis.recommendations.posterior import ContextPosterior
    from memory_pipeline.analysis.recommendations.selection import Choice


CLEARLY = 0.975
"""Probability of being worse from which on it is clear."""
SMALLEST_LOSS = 0.05
"""Loss of expected success from which on a warning is given."""
_MOST_APPROACHES = 3


def find_avoidable(policy: PolicyModel, posterior: ContextPosterior, choice: Choice) -> list[dict[str, Any]]:
    """Return the settings and approaches that are expected to do clearly worse here than the best one.

    A setting is listed if the approaches that have it, weighted by their past shares, lose five points or
    more against the best one, with a probability of 0.975 of being worse, and lose as much against approaches
    that differ from them in nothing else (so that it is not blamed for the settings it came with). A whole
    approach is listed if none of its settings is. What a person suppressed is never listed.

    Returns
    -------
    list of dict
        `approach` (setting to value), `success_rate`, `ci_low`, `ci_high`, `sample_size`, `sentence`.
    """
    if len(posterior.candidates) < 2:  # noqa: PLR2004 - one approach leaves nothing to avoid
        return []
    best = int(np.argmax(posterior.rates)) if choice.best is None else choice.best
    found = _settings(policy, posterior, best)
    avoided = [entry["encoded"] for entry in found]
    entries = found + _whole_approaches(policy, posterior, best, avoided)
    ordered = sorted(entries, key=lambda entry: entry["success_rate"])
    return [{key: value for key, value in entry.items() if key != "encoded"} for entry in ordered]


def _settings(policy: PolicyModel, posterior: ContextPosterior, best: int) -> list[dict[str, Any]]:
    ours = posterior.candidates[best]
    suppression = Suppression(policy, posterior)
    found = []
    for position, column in enumerate(policy.key_columns):
        for level in sorted({c.key[position] for c in posterior.candidates}):
            if level in {ours.key[position], OTHER, MISSING} or suppression.is_suppressed_level(
                column, level
            ):
                continue
            having = np.array([c.key[position] == level for c in posterior.candidates])
            entry = _clearly_worse(posterior, having, best)
            partners = _partners(posterior, position, having)
            attempts = _attempts(policy, posterior, column, level)
            if entry is None or partners is None or attempts < policy.limits.min_sample_size:
                continue
            loss = partners[1] - partners[0]
            if loss.mean() < SMALLEST_LOSS or np.mean(loss > 0) < CLEARLY:
                continue
            sentence = (
                f"Avoid {name_factor(column, level)}: {entry['success_rate']:.0%} of attempts are expected "
                f"to succeed, {100 * loss.mean():.0f} points fewer than with other values of it "
                f"({attempts:,} attempts)."
            )
            source, value = _source_and_value(posterior, position, column, level, policy)
            found.append(
                entry
                | {"approach": {source: value}, "sample_size": attempts, "sentence": sentence}
                | {"encoded": (position, level)}
            )
    return found


def _attempts(policy: PolicyModel, posterior: ContextPosterior, column: str, level: str) -> int:
    """Count the attempts with a setting in the pools that the description stands for."""
    pools = {policy.contexts.pool_of(described) for described, _ in posterior.full_contexts}
    return sum(policy.support.get((pool, column, level), (0, 0))[0] for pool in pools)


def _whole_approaches(
    policy: PolicyModel, posterior: ContextPosterior, best: int, avoided: list[tuple[int, str]]
) -> list[dict[str, Any]]:
    found = []
    suppression = Suppression(policy, posterior)
    for i, candidate in enumerate(posterior.candidates):
        is_covered = suppression.is_suppressed(candidate.settings) or any(
            candidate.key[position] == level for position, level in avoided
        )
        if i == best or is_covered or candidate.attempts < policy.limits.min_sample_size:
            continue
        only = np.arange(len(posterior.candidates)) == i
        entry = _clearly_worse(posterior, only, best)
        if entry is None:
            continue
        approach = json.loads(candidate.approach)
        rate = promised_draws(posterior)[best].mean()
        sentence = (
            f"Avoid this combination: {entry['success_rate']:.0%} of attempts are expected to succeed, "
            f"against {rate:.0%} ({candidate.successes:,} of {candidate.attempts:,} attempts "
            f"succeeded)."
        )
        found.append(entry | {"approach": approach, "sample_size": candidate.attempts, "sentence": sentence})
    return sorted(found, key=lambda entry: entry["success_rate"])[:_MOST_APPROACHES]


def _clearly_worse(
    posterior: ContextPosterior, having: NDArray[np.bool_], best: int
) -> dict[str, Any] | None:
    """Return the expected success rate of some candidates with its interval, if clearly below the best one's.

    None otherwise. Where persons suppressed factors, it has to be clear with and without these.
    """
    promised = promised_draws(posterior)
    for draws in (promised,) if promised is posterior.draws else (promised, posterior.draws):
        loss = draws[best] - np.average(draws[having], axis=0, weights=posterior.shares[having])
        if loss.mean() < SMALLEST_LOSS or np.mean(loss > 0) < CLEARLY:
            return None
    draws = np.average(promised[having], axis=0, weights=posterior.shares[having])
    expected = expectation_of(draws)
    return {"success_rate": expected.rate, "ci_low": expected.low, "ci_high": expected.high}


def _partners(
    posterior: ContextPosterior, position: int, having: NDArray[np.bool_]
) -> tuple[Floats, Floats] | None:
    """Return mean draws of approaches with a setting, and of those that differ in it alone, each (500,).

    Where no two approaches differ in this setting alone: of all that have it and of all others.
    """
    rest = [c.key[:position] + c.key[position + 1 :] for c in posterior.candidates]
    pairs = [(i, j) for i in np.flatnonzero(having) for j in np.flatnonzero(~having) if rest[i] == rest[j]]
    if not pairs:
        sides = (having, ~having)
        return tuple(  # type: ignore[return-value]
            np.average(posterior.draws[side], axis=0, weights=posterior.shares[side]) for side in sides
        )
    weight = np.array([np.sqrt(posterior.shares[i] * posterior.shares[j]) for i, j in pairs])
    with_it, without = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    return (
        np.asarray(np.average(posterior.draws[with_it], axis=0, weights=weight)),
        np.asarray(np.average(posterior.draws[without], axis=0, weights=weight)),
    )


def _source_and_value(
    posterior: ContextPosterior, position: int, column: str, level: str, policy: PolicyModel
) -> tuple[str, Any]:
    """Return a setting as it was stated: source column and value."""
    if column not in policy.approach:
        return column, level
    stated = [json.loads(c.approach).get(column) for c in posterior.candidates if c.key[position] == level]
    return column, stated[0] if len({str(value) for value in stated}) == 1 else level
