"""Is one failing application under several names taken for several witnesses, and what do names cost?

    python benchmarks/names.py [--worlds 200] [--speed]

Each world has 30 applications of 10 vendors with 20 attempts each, of which 80% succeed, and one vendor more,
of whose 70 attempts 20% (`less different`: 55%) do. In `one application` these are of one application under
seven names: spellings, versions and architectures, and both together. In `seven applications` they are of
seven with names of their own. Printed, with Wilson's 95% interval: the share of worlds where `find_patterns`
reports that vendor, with names as recorded and as a rebuild reads them. The former is an error, the
latter power.

With `--speed`: seconds to find which of 100,000 names are one and which look alike, beside 25,000.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.look_alikes import find_look_alikes
from memory_pipeline.analysis.features.same_names import NameRules, count_names, fold_names, rename
from memory_pipeline.analysis.patterns import find_patterns
from memory_pipeline.analysis.stats.intervals import wilson_interval

FAILING = "Contoso"
SPELLINGS = (
    "Contoso Viewer",
    "contoso viewer",
    "CONTOSO VIEWER",
    "Contoso\u00a0Viewer",
    "Contoso View\u200ber",
    "\uff23ontoso Viewer",
    "Contoso  viewer",
)
VERSIONS = (
    "Contoso Viewer 1.8 (x64)",
    "Contoso Viewer 1.9 x86",
    "Contoso Viewer_2.0.1_amd64",
    "Contoso Viewer 2.1",
    "Contoso Viewer v2.2",
    "Contoso Viewer (64-bit)",
    "Contoso Viewer 2.3.0-beta.1",
)
APART = ("Viewer", "Editor", "Reader", "Office 365", "Java 8", "SQL Server 2019", "Agent")
WORLDS = {
    "one application, seven spellings": (SPELLINGS, 0.2),
    "one application, seven versions": (VERSIONS, 0.2),
    "one application, both": ((*SPELLINGS[:4], *(one.upper() for one in VERSIONS[:2]), VERSIONS[3]), 0.2),
    "seven applications": (APART, 0.2),
    "seven applications, less different": (APART, 0.55),
}
RULES = NameRules(
    folded=frozenset({"application_name", "application_vendor"}), versioned=frozenset({"application_name"})
)
VENDORS, APPLICATIONS, ATTEMPTS, FAILING_ATTEMPTS = 10, 30, 20, 70
USUAL = 0.8


def world(names: tuple[str, ...], rate: float, seed: int) -> pd.DataFrame:
    """Generate a history with a vendor that succeeds at a rate of its own, under some names."""
    random = np.random.default_rng(seed)
    usual = np.repeat(np.arange(APPLICATIONS), ATTEMPTS)
    application = [f"App {one:02d}" for one in usual]
    vendor = [f"Vendor {one % VENDORS}" for one in usual]
    failing = [names[one % len(names)] for one in range(FAILING_ATTEMPTS)]
    size = len(usual) + len(failing)
    chance = np.r_[np.full(len(usual), USUAL), np.full(len(failing), rate)]
    return pd.DataFrame(
        {
            "application_name": pd.Series(application + failing, dtype="str"),
            "application_vendor": pd.Series(vendor + [FAILING] * len(failing), dtype="str"),
            "switch": random.choice(["/S", "/qn"], size),
            "os": random.choice(["win10", "win11"], size),
            "occurred_at": pd.Timestamp("2025-01-01", tz="UTC")
            + pd.to_timedelta(random.permutation(size), "h"),
            "outcome_status": np.where(random.random(size) < chance, "success", "failure"),
        }
    )


def read_names(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return a history with its names as a rebuild reads them."""
    counts = count_names(outcomes, ["application_name", "application_vendor"])
    return rename(outcomes, fold_names(counts, RULES))


def blames_the_vendor(outcomes: pd.DataFrame) -> bool:
    """Return whether a pattern says that the failing vendor goes with success or failure."""
    found = find_patterns(outcomes, min_sample_size=30, conditions=["application_vendor", "switch", "os"])
    return any(one.get("application_vendor") == FAILING for one in found["conditions"])


def measure_speed() -> None:
    """Print how long it takes to compare many names of three words, of which one in a hundred is mistyped."""
    random = np.random.default_rng(1)
    letters = np.array(list("bcdfglmnprstvaeiou"))
    words = ["".join(random.choice(letters, random.integers(4, 9))) for _ in range(3_000)]
    for size in (25_000, 100_000):
        names = [" ".join(random.choice(words, 3)) for _ in range(size)]
        mistyped = [one[:3] + one[4:] for one in names[: size // 100]]
        known = list(dict.fromkeys([*names[: size - len(mistyped)], *mistyped]))
        counts = pd.DataFrame({"column_name": "application_name", "raw_name": known, "attempts": 1})
        began = time.perf_counter()
        fold_names(counts, RULES)
        between = time.perf_counter()
        named = counts.rename(columns={"raw_name": "name"})
        alike = find_look_alikes(named, applications={"application_name"})
        seconds = time.perf_counter() - between
        print(
            f"{len(known):,} names: {between - began:.2f} s which are one, {seconds:.2f} s which look alike "
            f"({len(alike)} pairs listed)"
        )


def main() -> None:
    """Print the shares of worlds, or the times."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    if arguments.speed:
        measure_speed()
        return
    for name, (names, rate) in WORLDS.items():
        histories = [world(names, rate, seed) for seed in range(arguments.worlds)]
        for how, read in (("as recorded", lambda one: one), ("as read", read_names)):
            found = sum(blames_the_vendor(read(one)) for one in histories)
            low, high = wilson_interval(found, arguments.worlds)
            share = found / arguments.worlds
            print(f"{name}, names {how}: {found} of {arguments.worlds}: {share:.3f} [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    main()
