"""Organisations that ask for advice, in which who follows it depends on how easy an attempt is.

A history of 3,000 attempts before any advice and 1,500 after it, of 60 applications, few of which have most
attempts. Recorded are what a record of packaging has (installer type, type and vendor of the application,
complexity, operating system, site); log-odds of success add up from them and a deviation of each application
(standard deviation 0.5). An attempt is followed with log-odds of `slope` times its ease in standard
deviations. Following changes the chance of success by `gain`, the same for all.

What may be unrecorded: half of the ease, of attempts (`of attempts`) or of applications (`of applications`).
`cells`: ease is another number for each complexity and installer type, not a sum. `spells`: for about a month
each, an application goes well or badly, and so does following, one independent of the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from memory_pipeline.analysis.learning.advised import AdvisedAttempts, describe_advised

Floats = NDArray[np.float64]
BEFORE, AFTER, UNITS = 3000, 1500, 60
UNIT = "application_name"
CONTEXT = ("installer_type", "application_type", "application_vendor", "complexity", "target_os", "site")
_OF_UNIT = {"installer_type": 4, "application_type": 5, "application_vendor": 12}
_OF_ATTEMPT = {"complexity": 5, "target_os": 3, "site": 6}
_SPREAD = {
    "installer_type": 0.4,
    "application_type": 0.4,
    "application_vendor": 0.3,
    "target_os": 0.4,
    "site": 0.3,
}
_DAYS_BEFORE, _DAYS_AFTER, _SPELL = 540, 360, 30


@dataclass(frozen=True)
class Organisation:
    """Attempts before and after the first advice, as the memory knows them, and what it does not know.

    Attributes
    ----------
    described
        The later attempts as a rebuild describes them; their outcomes are drawn by `with_advice`.
    logit
        Log-odds of success of each without advice, shape (later attempts,).
    ease, following
        What followers go by, in standard deviations, and a persistent part of their log-odds, shape (later
        attempts,).
    """

    described: AdvisedAttempts
    logit: Floats
    ease: Floats
    following: Floats


def organisation(
    seed: int, *, unrecorded: str = "", cells: bool = False, spells: bool = False
) -> Organisation:
    """Generate an organisation, and describe its later attempts as a rebuild does."""
    random = np.random.default_rng([seed, 13])
    weights = random.pareto(1.5, UNITS) + 0.3
    total = BEFORE + AFTER
    unit = random.choice(UNITS, total, p=weights / weights.sum())
    days = np.concatenate(
        [np.sort(random.uniform(0, size, n)) for size, n in ((_DAYS_BEFORE, BEFORE), (_DAYS_AFTER, AFTER))]
    )
    days[BEFORE:] += _DAYS_BEFORE
    codes = {name: random.integers(0, size, UNITS)[unit] for name, size in _OF_UNIT.items()}
    codes |= {name: random.integers(0, size, total) for name, size in _OF_ATTEMPT.items()}
    known = sum(random.normal(0, spread, 12)[codes[name]] for name, spread in _SPREAD.items())
    if cells:
        known = 0.3 * known + random.normal(0, 1, (5, 4))[codes["complexity"], codes["installer_type"]]
    else:
        known = known + 0.5 * (2.0 - codes["complexity"])
    ease = (known - known.mean()) / known.std()
    unknown = np.zeros(total)
    if unrecorded:
        of_units = random.normal(0, 1, UNITS)[unit]
        unknown = of_units if unrecorded == "of applications" else random.normal(0, 1, total)
        ease = (ease + unknown) / np.sqrt(2)
    logit = 1.0 + ease + 0.5 * random.normal(0, 1, UNITS)[unit]
    following = np.zeros(total)
    if spells:
        spell = (days // _SPELL).astype(int) + 7 * unit
        logit = logit + 0.8 * random.normal(0, 1, spell.max() + 1)[spell]
        following = random.normal(0, 1, spell.max() + 1)[spell]
    frame = pd.DataFrame({name: pd.Series(code).map("{}".format) for name, code in codes.items()})
    frame = frame.assign(
        id=np.arange(total).astype(str),
        application_name=unit.astype(str),
        occurred_at=pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(days, unit="D"),
        outcome_status=np.where(random.random(total) < _chance(logit), "success", "failure"),
    )
    later = frame.iloc[BEFORE:]
    advised = pd.DataFrame(
        {
            "id": later["id"],
            "followed": None,
            "is_control": False,
            "served_at": frame["occurred_at"].iloc[BEFORE] - pd.Timedelta(hours=1),
        }
    )
    described = describe_advised(frame, advised, context=CONTEXT, unit=UNIT)
    return Organisation(described, logit[BEFORE:], ease[BEFORE:], following[BEFORE:])


def with_advice(
    asked: Organisation, seed: int, *, slope: float, gain: float, control_share: float = 0.0
) -> tuple[AdvisedAttempts, float, float]:
    """Draw who follows and what happens.

    Returns
    -------
    attempts
        As a rebuild has them.
    of_following, of_serving
        The true effects on success.
    """
    random = np.random.default_rng([seed, 29])
    size = len(asked.logit)
    is_control = random.random(size) < control_share
    would_follow = expit(slope * asked.ease + asked.following)
    followed = ~is_control & (random.random(size) < would_follow)
    wins = random.random(size) < _chance(asked.logit) + gain * followed
    frame = asked.described.frame.assign(
        is_control=is_control,
        followed=pd.Series(followed, dtype=object).where(~is_control, None).to_numpy(),
        outcome_status=np.where(wins, "success", "failure"),
    )
    drawn = AdvisedAttempts(frame, asked.described.unit, asked.described.strata, asked.described.covariates)
    return drawn, gain, gain * float(would_follow.mean())


def _chance(logit: Floats) -> Floats:
    """Return the chance of success without advice: below 0.9, so that a gain can be added."""
    return np.asarray(0.03 + 0.87 * expit(logit))
