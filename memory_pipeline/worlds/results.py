"""What is the result of each attempt: status, reason, interventions, measurements and feedback?

What belongs here: drawing from the mechanism, and everything known only after an attempt. What does not: the
mechanism, and the shape of the records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.worlds.mechanism import CAUSES
from memory_pipeline.worlds.reasons import (
    COMMENTS,
    INTERVENTION_SHARES,
    PARTIAL_SHARES,
    REASONS,
    REMEDIES,
    RESCUED_SHARE,
    RESTART_PENDING,
    RESTART_SHARES,
    TOUCH_UP,
    USUAL_RESTART_SHARE,
    Reason,
    Remedy,
)
from memory_pipeline.worlds.vocabulary import INSTALLER_FAMILIES, SILENT_SWITCHES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from memory_pipeline.worlds.mechanism import Columns

# The time after which a deployment service stops an installer that waits for input.
TIME_LIMIT_SECONDS = 3600
FEEDBACK_SHARE = 0.22
_RATINGS: Mapping[str, tuple[float, ...]] = {  # shares of 1 to 5
    "success": (0.0, 0.02, 0.10, 0.36, 0.52),
    "partial": (0.10, 0.30, 0.38, 0.18, 0.04),
    "failure": (0.42, 0.36, 0.17, 0.05, 0.0),
}
_MEAN_RETRIES = {"success": 0.08, "partial": 0.5, "failure": 0.9}
_RESTARTING_FAMILIES = ("windows_installer", "inno", "nullsoft")


def draw_results(
    rng: np.random.Generator, columns: Columns, hazards: NDArray[np.float64], size_mb: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """Draw the result of every attempt.

    Parameters
    ----------
    rng
        Source of randomness.
    columns
        Settings and context, as `draw_attempts` returns them.
    hazards : array, shape (n_attempts, n_causes)
        From `cause_hazards`.
    size_mb : array, shape (n_attempts,)
        Usual size of the application's package.

    Returns
    -------
    dict of array, shape (n_attempts,)
        `outcome_status`, `cause` (one of `CAUSES`, None for a success), `reason` (a `Reason` or None),
        `remedy` (a `Remedy` or None), `minutes`, `duration_seconds`, `package_size_mb`, `retries`,
        `needs_restart` (bool), `rating` (0 where there is none) and `comment`.
    """
    n = len(hazards)
    cause = _draw_causes(rng, hazards)
    partial_share = np.array([PARTIAL_SHARES.get(name, 0.0) for name in CAUSES])
    is_partial = (cause >= 0) & (rng.random(n) < partial_share[cause])
    status = np.where(cause < 0, "success", np.where(is_partial, "partial", "failure")).astype(object)

    family = np.array([INSTALLER_FAMILIES[kind] for kind in columns["installer_type"]], object)
    reason = _draw_reasons(rng, cause, columns, family)
    can_restart = np.isin(family, _RESTARTING_FAMILIES)
    # Files in use are replaced at the next start of the system; a forced restart does that at once.
    is_pending = is_partial & (cause == CAUSES.index("process_running")) & can_restart
    is_pending &= columns["reboot_handling"] != "force"
    reason[is_pending] = RESTART_PENDING
    restart_share = np.full(n, USUAL_RESTART_SHARE)
    for kind, share in RESTART_SHARES.items():
        restart_share[columns["application_type"] == kind] = share
    needs_restart = (status == "success") & can_restart & (rng.random(n) < restart_share)

    switch_is_wrong = hazards[:, CAUSES.index("wrong_silent_switch")] > 0
    remedy = _draw_remedies(rng, status, cause, switch_is_wrong)
    typical = np.array([0.0 if one is None else one.minutes for one in remedy])
    rating = np.zeros(n, np.int64)
    comment = np.full(n, None, object)
    for name, shares in _RATINGS.items():
        here = (status == name) & (rng.random(n) < FEEDBACK_SHARE)
        rating[here] = rng.choice(5, here.sum(), p=shares) + 1
        comment[here] = rng.choice(np.array(COMMENTS[name], object), here.sum())
    size = size_mb * rng.lognormal(0, 0.05, n)
    mean_retries = np.array([_MEAN_RETRIES[name] for name in status])
    return {
        "outcome_status": status,
        "cause": np.array([*CAUSES, None], object)[cause],
        "reason": reason,
        "remedy": remedy,
        "minutes": np.maximum(1, np.round(typical * rng.lognormal(0, 0.5, n))).astype(np.int64),
        "duration_seconds": _draw_durations(rng, status, reason, size),
        "package_size_mb": np.round(size, 1),
        "retries": rng.poisson(mean_retries),
        "needs_restart": needs_restart,
        "rating": rating,
        "comment": comment,
    }


def _draw_causes(rng: np.random.Generator, hazards: NDArray[np.float64]) -> NDArray[np.int64]:
    """Draw the cause of the first event as a position in `CAUSES`, -1 where there is none.

    With constant hazards the time of the first event is exponential with their sum, and its cause is
    independent of that time, with probabilities in proportion to the hazards.
    """
    total = hazards.sum(axis=1)
    strikes = rng.exponential(size=len(total)) < total
    cumulated = np.cumsum(hazards, axis=1)
    first = (cumulated < (rng.random(len(total)) * total)[:, None]).sum(axis=1)
    return np.where(strikes, first, -1)


def _draw_reasons(
    rng: np.random.Generator, cause: NDArray[np.int64], columns: Columns, family: NDArray[np.object_]
) -> NDArray[np.object_]:
    reasons = np.full(len(cause), None, object)
    for name, by_family in REASONS.items():
        for one_family, options in by_family.items():
            here = (cause == CAUSES.index(name)) & (family == one_family)
            drawn = rng.choice(len(options), here.sum(), p=[option.share for option in options])
            reasons[here] = np.array(options, object)[drawn]
    by_switch = {
        (kind, switch.text): Reason(switch.reason, switch.code)
        for kind, switches in SILENT_SWITCHES.items()
        for switch in switches
        if switch.reason is not None
    }
    for row in np.flatnonzero(cause == CAUSES.index("wrong_silent_switch")):
        reasons[row] = by_switch[columns["installer_type"][row], columns["silent_switch"][row]]
    return reasons


def _draw_remedies(
    rng: np.random.Generator,
    status: NDArray[np.object_],
    cause: NDArray[np.int64],
    switch_is_wrong: NDArray[np.bool_],
) -> NDArray[np.object_]:
    """Draw interventions: the remedy of the cause, one at the device for a wrong switch, or a correction."""
    by_cause: list[Remedy] = [REMEDIES[name] for name in CAUSES]
    remedy = np.array([*by_cause, TOUCH_UP], object)[cause]
    share = np.array([INTERVENTION_SHARES[name] for name in status])
    rescued = (status == "success") & switch_is_wrong
    remedy[rescued] = REMEDIES["wrong_silent_switch"]
    share[rescued] = RESCUED_SHARE
    remedy[rng.random(len(cause)) >= share] = None
    return remedy


def _draw_durations(
    rng: np.random.Generator,
    status: NDArray[np.object_],
    reason: NDArray[np.object_],
    size_mb: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Draw the seconds until each attempt ended: failures end early, waiting for input lasts to the limit."""
    seconds = (30 + 0.35 * size_mb) * rng.lognormal(0, 0.4, len(size_mb))
    seconds = np.where(status == "failure", seconds * rng.uniform(0.1, 0.8, len(seconds)), seconds)
    waited = np.array([one is not None and one.reason == "waits_for_input" for one in reason], bool)
    return np.where(waited, TIME_LIMIT_SECONDS, np.minimum(np.ceil(seconds), TIME_LIMIT_SECONDS - 1)).astype(
        np.int64
    )
