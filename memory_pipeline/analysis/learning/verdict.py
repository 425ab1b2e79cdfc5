"""What may be said of an estimated gain: the verdict, and the sentences that every page shows.

Only an experiment shows that advice helped: a share of the answers was withheld at random, and the interval
that holds at every look leaves out 0. Everything else is consistent with helping at most.
"""

from __future__ import annotations

from memory_pipeline.analysis.text import points_text

Interval = tuple[float, float]

HELPED, HARMED = "helped", "harmed"
MAY_HAVE_HELPED, MAY_HAVE_HARMED = "consistent with helping", "consistent with harming"
CHANCE = "may be chance"
TOO_LITTLE = "not enough evidence"
VERDICTS = (HELPED, MAY_HAVE_HELPED, CHANCE, MAY_HAVE_HARMED, HARMED, TOO_LITTLE)
"""All verdicts, from the best to the worst, and the one without a number."""

_NO_EXPERIMENT = (
    "This is not an experiment: it cannot tell advice from whatever else, unrecorded, decides who follows it."
)
_REMEDY = "Set MEMORY_CONTROL_SHARE (0.1 withholds one answer in ten at random) to find out."
_WAIT = "The answers withheld at random will, once {attempts} attempts of {units} units name one."


def judge(interval: Interval, at_every_look: Interval | None) -> str:
    """Return the verdict of an estimate with enough evidence.

    Parameters
    ----------
    interval
        The 95% interval of the gain.
    at_every_look
        Of an experiment, the interval that holds at every look (`stats.confidence_sequences`); None without
        an experiment.
    """
    if at_every_look is not None and _excludes(at_every_look):
        return HELPED if at_every_look[0] > 0 else HARMED
    if _excludes(interval):
        return MAY_HAVE_HELPED if interval[0] > 0 else MAY_HAVE_HARMED
    return CHANCE


def headline(verdict: str, gain: float) -> str:
    """Write the verdict as a headline: `Following the advice changed success by +8 points`."""
    points = f"{points_text(100 * gain, signed=True)} points"
    if verdict in {MAY_HAVE_HELPED, MAY_HAVE_HARMED}:
        return f"Following the advice is {verdict}: {points} of success"
    return f"Following the advice changed success by {points}{', which may be chance' * (verdict == CHANCE)}"


def experiment_text(
    verdict: str, gain: float, interval: Interval, at_every_look: Interval, found: str
) -> str:
    """Write what an experiment found."""
    if verdict in {HELPED, HARMED}:
        tail = f"Read after every rebuild, {_points(at_every_look)} holds at all of them."
    else:
        tail = f"Not shown yet: read after every rebuild, only {_points(at_every_look)} holds at all of them."
    return f"{_change(verdict, gain, interval)}: {found}. {tail}"


def observed_text(
    verdict: str,
    gain: float,
    interval: Interval,
    e_values: tuple[float, float],
    found: str,
    *,
    control: int,
    floors: tuple[int, int],
) -> str:
    """Write what a comparison without an experiment found, how far it can be trusted, and the remedy.

    Parameters
    ----------
    e_values
        Of the gain and of the bound of its interval nearer to 0.
    control
        Attempts whose answer was withheld: too few for an experiment.
    floors
        Attempts and units that an experiment needs on each side.
    """
    remedy = _WAIT.format(attempts=floors[0], units=floors[1]) if control else _REMEDY
    strength = ""
    if verdict in {MAY_HAVE_HELPED, MAY_HAVE_HARMED}:
        effects = "both following and success" if gain > 0 else "both following and failure"
        strength = (
            f" Something unrecorded that makes {effects} {e_values[0]:.1f} times as likely could explain the "
            f"estimate away; for the interval to include 0, {e_values[1]:.1f} times is enough."
        )
    return f"{_change(verdict, gain, interval)}: {found}.{strength} {_NO_EXPERIMENT} {remedy}"


def _change(verdict: str, gain: float, interval: Interval) -> str:
    points = f"{100 * gain:+.1f} points (95% interval {_points(interval)})"
    if verdict in {MAY_HAVE_HELPED, MAY_HAVE_HARMED}:
        return f"Advice is {verdict}, {points} of success"
    return f"Advice changed success by {points}{', which may be chance' * (verdict == CHANCE)}"


def _points(interval: Interval) -> str:
    return f"{100 * interval[0]:+.1f} to {100 * interval[1]:+.1f}"


def _excludes(interval: Interval) -> bool:
    return interval[0] > 0 or interval[1] < 0
