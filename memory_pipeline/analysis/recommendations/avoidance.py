"""What to keep away from in a context: settings and whole approaches expected to do clearly worse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.names import MISSING, OTHER
from memory_pipeline.analysis.recommendations.suppression import SetAside, as_recorded
from memory_pipeline.analysis.text import name_factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
    from memory_pipeline.analysis.recommendations.posterior import Outlook
    from memory_pipeline.analysis.recommendations.selection import Choice


CLEARLY = 0.975
"""Probability of being worse that makes it clear."""
SMALLEST_LOSS = 0.05
"""Loss of expected success that is worth a warning."""
_MOST_WHOLES = 3


def find_avoidable(policy: PolicyModel, outlook: Outlook, choice: Choice) -> list[dict[str, Any]]:
    """List what is expected to do clearly worse here than the best-looking approach.

    A setting is listed when the approaches that have it lose, in the proportions in which they were
    chosen, five points or more against the best with a probability of 0.975, and lose as much against
    approaches that differ from them in nothing else (so that it is not blamed for its company). Whole
    approaches are listed where none of their settings is. What a person suppressed warns of nothing: an
    approach or setting that is taken for another one is not listed.

    Returns
    -------
    list of dict
        `approach` (setting to value), `success_rate`, `ci_low`, `ci_high`, `sample_size`, `sentence`.
    """
    if len(outlook.candidates) < 2:  # noqa: PLR2004 - one approach leaves nothing to avoid
        return []
    best = int(np.argmax(outlook.rates)) if choice.best is None else choice.best
    found = _settings(policy, outlook, best)
    avoided = [entry["encoded"] for entry in found]
    entries = found + _wholes(policy, outlook, best, avoided)
    ordered = sorted(entries, key=lambda entry: entry["success_rate"])
    return [{key: value for key, value in entry.items() if key != "encoded"} for entry in ordered]


def _settings(policy: PolicyModel, outlook: Outlook, best: int) -> list[dict[str, Any]]:
    ours = outlook.candidates[best]
    persons = SetAside(policy, outlook)
    found = []
    for position, column in enumerate(policy.key_columns):
        for level in sorted({c.key[position] for c in outlook.candidates}):
            if level in {ours.key[position], OTHER, MISSING} or persons.is_moved_level(column, level):
                continue
            having = np.array([c.key[position] == level for c in outlook.candidates])
            entry = _clearly_worse(outlook, having, best)
            partners = _partners(outlook, position, having)
            attempts = _attempts(policy, outlook, column, level)
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
            source, value = _source_and_value(outlook, position, column, level, policy)
            found.append(
                entry
                | {"approach": {source: value}, "sample_size": attempts, "sentence": sentence}
                | {"encoded": (position, level)}
            )
    return found


def _attempts(policy: PolicyModel, outlook: Outlook, column: str, level: str) -> int:
    """Count the attempts with a setting at the places that the description leaves open."""
    places = {policy.contexts.place_of(described) for described, _ in outlook.members}
    return sum(policy.support.get((place, column, level), (0, 0))[0] for place in places)


def _wholes(
    policy: PolicyModel, outlook: Outlook, best: int, avoided: list[tuple[int, str]]
) -> list[dict[str, Any]]:
    found = []
    persons = SetAside(policy, outlook)
    for i, candidate in enumerate(outlook.candidates):
        is_covered = persons.is_moved(candidate.settings) or any(
            candidate.key[position] == level for position, level in avoided
        )
        if i == best or is_covered or candidate.attempts < policy.limits.min_sample_size:
            continue
        only = np.arange(len(outlook.candidates)) == i
        entry = _clearly_worse(outlook, only, best)
        if entry is None:
            continue
        approach = json.loads(candidate.approach)
        rate = as_recorded(outlook)[best].mean()
        sentence = (
            f"Avoid this combination: {entry['success_rate']:.0%} of attempts are expected to succeed, "
            f"against {rate:.0%} ({candidate.successes:,} of {candidate.attempts:,} attempts "
            f"succeeded)."
        )
        found.append(entry | {"approach": approach, "sample_size": candidate.attempts, "sentence": sentence})
    return sorted(found, key=lambda entry: entry["success_rate"])[:_MOST_WHOLES]


def _clearly_worse(outlook: Outlook, having: NDArray[np.bool_], best: int) -> dict[str, Any] | None:
    """Return the expected rate of some candidates, where it is clearly below the best one's.

    Both as the history has it and without what persons suppressed.
    """
    recorded = as_recorded(outlook)
    for weighed in (recorded,) if recorded is outlook.draws else (recorded, outlook.draws):
        loss = weighed[best] - np.average(weighed[having], axis=0, weights=outlook.shares[having])
        if loss.mean() < SMALLEST_LOSS or np.mean(loss > 0) < CLEARLY:
            return None
    draws = np.average(recorded[having], axis=0, weights=outlook.shares[having])
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"success_rate": float(draws.mean()), "ci_low": float(low), "ci_high": float(high)}


def _partners(outlook: Outlook, position: int, having: NDArray[np.bool_]) -> tuple[Floats, Floats] | None:
    """Pair approaches that differ in one setting alone; return the draws of both sides, averaged.

    Where no two approaches differ in just this setting, the sides are all that have it and all others.
    """
    rest = [c.key[:position] + c.key[position + 1 :] for c in outlook.candidates]
    pairs = [(i, j) for i in np.flatnonzero(having) for j in np.flatnonzero(~having) if rest[i] == rest[j]]
    if not pairs:
        sides = (having, ~having)
        return tuple(  # type: ignore[return-value]
            np.average(outlook.draws[side], axis=0, weights=outlook.shares[side]) for side in sides
        )
    weight = np.array([np.sqrt(outlook.shares[i] * outlook.shares[j]) for i, j in pairs])
    with_it, without = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    return (
        np.asarray(np.average(outlook.draws[with_it], axis=0, weights=weight)),
        np.asarray(np.average(outlook.draws[without], axis=0, weights=weight)),
    )


def _source_and_value(
    outlook: Outlook, position: int, column: str, level: str, policy: PolicyModel
) -> tuple[str, Any]:
    """Give a setting back as it was stated: source column and value."""
    if column not in policy.approach:
        return column, level
    stated = [json.loads(c.approach).get(column) for c in outlook.candidates if c.key[position] == level]
    return column, stated[0] if len({str(value) for value in stated}) == 1 else level
