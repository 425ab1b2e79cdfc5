"""The verification of advice in worlds where difficulty decides who follows it, and the gain is known.

    python benchmarks/verification.py [--worlds 500]

Worlds: 60 applications with deviations of their own (0.5 log-odds), 1,500 attempts after advice, four
contexts. Each attempt has a difficulty (a number known beforehand): easy ones succeed more and their
advice is followed more. Following changes the chance of success by `gain` points, the same for all. With a
control share, a fifth of the answers is withheld at random; who was served and does not follow gains
nothing, so that the truth of intention to treat is `gain` times the share that follows.

Printed per world and method: mean estimate, share of 95% intervals that hold the truth (Wilson), share that
is conclusive. The naive comparison is followed against not followed, with its binomial interval.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from scipy.special import expit

from memory_pipeline.analysis.learning.prognosis import prognostic_bands
from memory_pipeline.analysis.learning.verification import verify_advice
from memory_pipeline.analysis.stats.intervals import wilson_interval

ATTEMPTS, UNITS = 1500, 60


def advised_attempts(seed: int, *, gain: float, control_share: float) -> tuple[pd.DataFrame, float]:
    """Generate attempts after advice, and the expected share of the served ones that follow it."""
    random = np.random.default_rng([seed, 17])
    weights = random.pareto(1.5, UNITS) + 0.3
    unit = random.choice(UNITS, ATTEMPTS, p=weights / weights.sum())
    ease = random.normal(0, 1, UNITS)[unit] * 0.7 + random.normal(0, 0.7, ATTEMPTS)
    place = random.integers(0, 4, UNITS)[unit]
    base = 0.5 + 0.35 * (expit(1.2 * ease + 0.3 * place + random.normal(0, 0.5, UNITS)[unit]) - 0.5)
    is_control = random.random(ATTEMPTS) < control_share
    would_follow = expit(1.5 * ease)
    followed = ~is_control & (random.random(ATTEMPTS) < would_follow)
    wins = random.random(ATTEMPTS) < base + gain * followed
    frame = pd.DataFrame(
        {
            "application_name": unit.astype(str),
            "place": place.astype(str),
            "difficulty": prognostic_bands(pd.Series(ease), bands=10),
            "is_control": is_control,
            "followed": pd.Series(followed, dtype=object).where(~is_control, None),
            "outcome_status": np.where(wins, "success", "failure"),
        }
    )
    return frame, float(would_follow.mean())


def naive(frame: pd.DataFrame) -> tuple[float, float]:
    """Compare followed with not followed as they are; difference and margin."""
    served = frame[~frame["is_control"]]
    wins = served["outcome_status"] == "success"
    sides = [wins[served["followed"].astype(bool) == side] for side in (True, False)]
    variance = sum(side.mean() * (1 - side.mean()) / len(side) for side in sides)
    return float(sides[0].mean() - sides[1].mean()), 1.96 * float(np.sqrt(variance))


def share(flags: list[bool]) -> str:
    """Return a share with Wilson's interval as text."""
    low, high = wilson_interval(sum(flags), len(flags))
    return f"{np.mean(flags):.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=500)
    worlds = parser.parse_args().worlds
    print("| gain | control share | method | truth | mean estimate | coverage | conclusive |")
    print("|---" * 7 + "|")
    for gain in (0.0, 0.05, 0.15):
        for control_share in (0.0, 0.2):
            rows, crude = [], []
            for seed in range(worlds):
                frame, followers = advised_attempts(seed, gain=gain, control_share=control_share)
                result = verify_advice(frame, unit="application_name", strata=["place", "difficulty"])
                truth = gain * (followers if control_share else 1)
                covered = result.ci_low <= truth <= result.ci_high
                rows.append((result.method, result.gain, covered, result.conclusive, truth))
                difference, margin = naive(frame)
                crude.append((difference, abs(difference - gain) <= margin, abs(difference) > margin))
            methods = ", ".join(sorted({row[0] for row in rows}))
            ours = [np.mean([row[1] for row in rows]), [row[2] for row in rows], [row[3] for row in rows]]
            print(
                f"| {gain:+.2f} | {control_share} | {methods} | {np.mean([r[4] for r in rows]):+.3f} "
                f"| {ours[0]:+.3f} | {share(ours[1])} | {share(ours[2])} |"
            )
            print(
                f"| {gain:+.2f} | {control_share} | naive | {gain:+.3f} "
                f"| {np.mean([row[0] for row in crude]):+.3f} | {share([row[1] for row in crude])} "
                f"| {share([row[2] for row in crude])} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
