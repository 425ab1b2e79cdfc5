"""Regret in closed loop: advice that learns from its own consequences, against other rules.

    python benchmarks/regret.py [--seeds 30] [--rounds 2000]

Each round an application of a random context (4 installer types, 2 teams) is packaged with one of 12
approaches (3 x 2 x 2 settings); regret is the success probability of the best approach less that of the
chosen one. *Structured* worlds add up effects of context and settings with small interactions (0.15 of
log-odds), as packaging does; in *unstructured* ones every approach has its own probability in every context.

Rules: random; flat Thompson (a beta posterior for each context and approach); LinUCB (alpha 1) and LinTS
(alpha 0.5) with one ridge regression per approach on the context's indicators, MABWiser's where it is
installed (`--mabwiser`) and else the same written here (Li et al. 2010; Agrawal and Goyal 2013); the naive
rule (highest observed share of successes in the context, untried ones first); ours: `fit_policy` with
Thompson sampling and a floor of 1%, fitted again when the history has grown by a tenth (after 50 rounds at
most); in the first 60 rounds, the approach tried least for the installer type.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from memory_pipeline.analysis.recommendations import fit_policy
from memory_pipeline.analysis.recommendations.approaches import approach_text

TYPES, TEAMS = ("msi", "exe", "nullsoft", "burn"), ("modern", "legacy")
SETTINGS = {"switches": ("a", "b", "c"), "detection": ("file", "code"), "wrapper": ("yes", "no")}
PLACES = [{"installer_type": kind, "team": team} for kind, team in product(TYPES, TEAMS)]
APPROACHES = [dict(zip(SETTINGS, values, strict=True)) for values in product(*SETTINGS.values())]
ARMS = len(APPROACHES)
FEATURES = np.array(
    [[1.0, *(place["installer_type"] == k for k in TYPES), place["team"] == TEAMS[0]] for place in PLACES]
)
FIRST, GROWTH, MOST = 60, 1.1, 50

Floats = np.ndarray
Chooser = Callable[[int], int]
Learner = Callable[[int, int, int], None]


def make_chances(seed: int, *, structured: bool) -> Floats:
    """Draw the success probability of each approach in each context, shape (contexts, approaches)."""
    random = np.random.default_rng(seed)
    if not structured:
        return random.beta(2, 2, (len(PLACES), ARMS))
    base = FEATURES[:, 1:] @ random.normal(0, 0.5, FEATURES.shape[1] - 1) + random.normal(0.3, 0.3)
    effects = {(c, v): random.normal(0, 0.6) for c, values in SETTINGS.items() for v in values}
    own = np.array([sum(effects[item] for item in approach.items()) for approach in APPROACHES])
    return expit(base[:, None] + own + random.normal(0, 0.15, (len(PLACES), ARMS)))


def random_rule(random: np.random.Generator) -> tuple[Chooser, Learner]:
    """Choose any approach."""
    return lambda _place: int(random.integers(ARMS)), lambda *_seen: None


def flat_thompson(random: np.random.Generator) -> tuple[Chooser, Learner]:
    """Draw from a beta posterior for each context and approach."""
    counts = np.ones((2, len(PLACES), ARMS))

    def learn(place: int, arm: int, won: int) -> None:
        counts[1 - won, place, arm] += 1

    return lambda place: int(np.argmax(random.beta(counts[0, place], counts[1, place]))), learn


def naive(random: np.random.Generator) -> tuple[Chooser, Learner]:
    """Choose what succeeded most often in the context."""
    tried, wins = np.zeros((2, len(PLACES), ARMS))

    def choose(place: int) -> int:
        shares = np.where(tried[place] > 0, wins[place] / np.maximum(tried[place], 1), np.inf)
        return int(random.choice(np.flatnonzero(shares == shares.max())))

    def learn(place: int, arm: int, won: int) -> None:
        tried[place, arm] += 1
        wins[place, arm] += won

    return choose, learn


def linear(random: np.random.Generator, *, thompson: bool) -> tuple[Chooser, Learner]:
    """Choose by LinTS or LinUCB with a ridge regression per approach."""
    size = FEATURES.shape[1]
    inverse, total = np.stack([np.eye(size)] * ARMS), np.zeros((ARMS, size))

    def choose(place: int) -> int:
        x = FEATURES[place]
        means = np.einsum("aij,aj->ai", inverse, total) @ x
        spread = np.sqrt(np.einsum("i,aij,j->a", x, inverse, x))
        return int(np.argmax(means + (0.5 * random.standard_normal(ARMS) if thompson else 1.0) * spread))

    def learn(place: int, arm: int, won: int) -> None:
        x = FEATURES[place]
        reach = inverse[arm] @ x
        inverse[arm] -= np.outer(reach, reach) / (1 + x @ reach)
        total[arm] += won * x

    return choose, learn


def mabwiser(random: np.random.Generator, *, thompson: bool) -> tuple[Chooser, Learner]:
    """Choose by MABWiser's LinTS or LinUCB."""
    from mabwiser.mab import MAB, LearningPolicy  # noqa: PLC0415 - a contender, need not be there

    rule = LearningPolicy.LinTS(alpha=0.5) if thompson else LearningPolicy.LinUCB(alpha=1.0)
    bandit = MAB(list(range(ARMS)), rule, seed=int(random.integers(2**31)))
    started = False

    def choose(place: int) -> int:
        return int(bandit.predict(FEATURES[[place]])) if started else int(random.integers(ARMS))

    def learn(place: int, arm: int, won: int) -> None:
        nonlocal started
        (bandit.partial_fit if started else bandit.fit)([arm], [won], FEATURES[[place]])
        started = True

    return choose, learn


def ours(random: np.random.Generator) -> tuple[Chooser, Learner]:
    """Choose by the memory's policy, with exploration."""
    rows: list[dict[str, object]] = []
    numbers = {approach_text(approach): arm for arm, approach in enumerate(APPROACHES)}
    tried = {kind: np.zeros(ARMS) for kind in TYPES}
    state = {"next": float(FIRST), "tables": None}

    def refit() -> None:
        policy = fit_policy(
            pd.DataFrame(rows),
            approach=list(SETTINGS),
            context=["installer_type", "team"],
            unit="application_name",
            min_sample_size=1,
            min_units=1,
            min_attempts=1,
            exploration=0.01,
        )
        table = policy.probabilities(pd.DataFrame(PLACES))
        chances = np.zeros((len(PLACES), ARMS))
        for text in table:
            chances[:, numbers[text]] += table[text].to_numpy()
        state["tables"] = chances
        state["next"] = min(len(rows) * GROWTH, len(rows) + MOST)

    def choose(place: int) -> int:
        if len(rows) >= state["next"]:
            refit()
        if state["tables"] is None:
            # What was never tried for an installer type is not a candidate: try all approaches first.
            kind = PLACES[place]["installer_type"]
            return int(random.choice(np.flatnonzero(tried[kind] == tried[kind].min())))
        return int(random.choice(ARMS, p=state["tables"][place]))

    def learn(place: int, arm: int, won: int) -> None:
        named = {"application_name": f"app-{len(rows)}", "outcome_status": "success" if won else "failure"}
        rows.append({**PLACES[place], **APPROACHES[arm], **named})
        tried[PLACES[place]["installer_type"]][arm] += 1

    return choose, learn


def regret(rule: tuple[Chooser, Learner], chances: Floats, rounds: int, seed: int) -> float:
    """Run a rule in a world and return its regret, summed over the rounds."""
    world = np.random.default_rng([seed, 1])
    choose, learn = rule
    lost = 0.0
    for place in world.integers(len(PLACES), size=rounds):
        arm = choose(int(place))
        lost += chances[place].max() - chances[place, arm]
        learn(int(place), arm, int(world.random() < chances[place, arm]))
    return float(lost)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--mabwiser", action="store_true", help="MABWiser's LinUCB and LinTS")
    arguments = parser.parse_args()
    lin = mabwiser if arguments.mabwiser else linear
    rules: dict[str, Callable[[np.random.Generator], tuple[Chooser, Learner]]] = {
        "random": random_rule,
        "flat Thompson": flat_thompson,
        "naive": naive,
        "LinUCB": lambda random: lin(random, thompson=False),
        "LinTS": lambda random: lin(random, thompson=True),
        "ours": ours,
    }
    print(f"Regret over {arguments.rounds} rounds, mean of {arguments.seeds} seeds (95% margin)\n")
    print("| world | " + " | ".join(rules) + " | ours / LinTS | ours / flat Thompson | ours / best |")
    print("|---" * (len(rules) + 4) + "|")
    for structured in (True, False):
        lost: dict[str, list[float]] = {name: [] for name in rules}
        for seed in range(arguments.seeds):
            chances = make_chances(seed, structured=structured)
            for name, rule in rules.items():
                lost[name].append(regret(rule(np.random.default_rng(seed)), chances, arguments.rounds, seed))
        means = {name: float(np.mean(values)) for name, values in lost.items()}
        spread = stats.t.ppf(0.975, arguments.seeds - 1) / np.sqrt(arguments.seeds)
        cells = [
            f"{means[name]:.0f} ± {spread * np.std(values, ddof=1):.0f}" for name, values in lost.items()
        ]
        best = min(mean for name, mean in means.items() if name != "ours")
        ratios = [means["ours"] / other for other in (means["LinTS"], means["flat Thompson"], best)]
        kind = "structured" if structured else "unstructured"
        print(f"| {kind} | " + " | ".join([*cells, *(f"{ratio:.2f}" for ratio in ratios)]) + " |", flush=True)


if __name__ == "__main__":
    main()
