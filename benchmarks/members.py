"""Member patterns: how often any is found by chance, how many planted ones are found, and how fast.

    python benchmarks/members.py [--worlds 200] [--planted 30] [--members 50000] [--labels 300]

Without effects: (a) the sample community (400 members, planted clusters, several fields) with its labels
shuffled so that everybody keeps the number of labels per field and every label its frequency; (b) 300
members whose 20 skills are independent given how many they have. Printed is the share of worlds with any
pattern, with Wilson's 95% interval; the stated rate is 5%.

With effects: sample communities of other seeds. A planted cluster counts as found when a pattern has
at least two of its labels and no others. Patterns that mix two clusters, or that have labels of none, are
counted separately.

Speed: one community, from the records to the patterns, with the share of each step.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
from scipy import sparse

from memory_pipeline.analysis.members import find_member_patterns
from memory_pipeline.analysis.members.labels import MemberLabels, normalise_members
from memory_pipeline.analysis.members.null_model import shuffled_members
from memory_pipeline.analysis.members.pairs import pairs_against_chance
from memory_pipeline.analysis.members.vocabulary import Vocabulary, label_key
from memory_pipeline.analysis.stats.intervals import wilson_interval
from memory_pipeline.settings import Settings
from memory_pipeline.vocabulary import load_vocabulary
from memory_pipeline.worlds import sample_organisation

RATE = 0.05


def community(seed: int, members: int = 400) -> tuple[pd.DataFrame, tuple]:
    """Return the sample's members as stored, and the clusters planted among them."""
    world = sample_organisation(seed, attempts=100, applications=10, vendors=3, members=members)
    frame = pd.DataFrame(world.members)
    frame["id"] = np.arange(1, len(frame) + 1)
    return frame, world.truth.member_clusters


@cache
def vocabulary() -> Vocabulary:
    """Read the shipped vocabulary once."""
    return load_vocabulary(Settings(vocabulary=None))


def shuffled_world(seed: int) -> MemberLabels:
    """Shuffle the labels of a sample community once, keeping all margins."""
    frame, _ = community(seed)
    labels = normalise_members(frame, vocabulary())
    entries = shuffled_members(labels, count=50, seed=10_000 + seed).labels[-1].astype(np.int64)
    matrix = sparse.csr_array(
        (np.ones(len(entries), dtype=bool), entries, labels.matrix.indptr), shape=labels.matrix.shape
    )
    matrix.sort_indices()
    return replace(labels, matrix=matrix)


def independent_world(seed: int) -> MemberLabels:
    """Generate members with unequal numbers of labels, whose skills are otherwise independent."""
    rng = np.random.default_rng(seed)
    keen = rng.gamma(4, 0.25, 300)
    skills = [[f"skill{i:02d}" for i in range(20) if rng.random() < 0.12 * one] for one in keen]
    frame = pd.DataFrame({"id": range(1, 301), "is_visible": True, "skills": skills})
    frame["interests"] = [[] for _ in skills]
    frame["other_sets"] = [{} for _ in skills]
    return normalise_members(frame, vocabulary())


def empty_worlds(worlds: int) -> None:
    """Print the share of empty worlds with a pattern."""
    print(f"nothing there, {worlds} worlds each: share with any pattern (stated rate {RATE:.0%})")
    for name, make in (("shuffled sample", shuffled_world), ("independent", independent_world)):
        hits = sum(len(find_member_patterns(make(seed))) > 0 for seed in range(worlds))
        low, high = wilson_interval(hits, worlds)
        print(f"  {name:<16} {hits / worlds:.3f} [{low:.3f}, {high:.3f}]", flush=True)


def planted_worlds(worlds: int) -> None:
    """Print how many planted clusters are found, and how many other patterns."""
    found, planted, sorts = Counter(), Counter(), Counter()
    for seed in range(1000, 1000 + worlds):
        frame, clusters = community(seed)
        labels = normalise_members(frame, vocabulary())
        patterns = find_member_patterns(labels)
        cores = {
            one.name: {
                label_key(vocabulary().name_of(label) or label)
                for label in (*one.skills, *one.interests, *one.wants_to_learn)
            }
            for one in clusters
        }
        planted.update(list(cores))
        reached = set()
        for evidence in patterns["evidence"]:
            spoken = {label_key(label) for own in evidence["labels"].values() for label in own}
            of = [name for name, core in cores.items() if len(spoken & core) >= 2]  # noqa: PLR2004 - two labels
            whole = [name for name in of if spoken <= cores[name]]
            reached.update(whole)
            sorts["one cluster" if whole else "part of a cluster, and more" if of else "no cluster"] += 1
        found.update(reached)
    print(f"planted clusters found, {worlds} worlds of 400 members")
    for name, count in planted.items():
        low, high = wilson_interval(found[name], count)
        print(f"  {name:<24} {found[name] / count:.2f} [{low:.2f}, {high:.2f}]")
    low, high = wilson_interval(found.total(), planted.total())
    print(f"  {'all':<24} {found.total() / planted.total():.3f} [{low:.3f}, {high:.3f}]")
    every = sorts.total()
    print(
        f"  patterns a world: {every / worlds:.1f}; "
        + ", ".join(f"{k} {v / every:.0%}" for k, v in sorts.items())
    )


def speed(members: int, labels: int) -> None:
    """Print how long one large community takes, step by step."""
    rng = np.random.default_rng(1)
    popularity = 1 / (np.arange(labels) + 10)
    share = 10 * popularity / popularity.sum()
    keen = rng.gamma(4, 0.25, members)
    names = np.array([f"label{i:03d}" for i in range(labels)], dtype=object)
    groups = rng.integers(0, 20, members)
    skills, interests = [], []
    for i in range(members):
        held = rng.random(labels) < share * keen[i]
        group = np.arange(groups[i] * 5, groups[i] * 5 + 4)
        held[group] |= rng.random(4) < 0.3  # noqa: PLR2004 - planted: labels of a group go together
        own = names[held]
        skills.append([one for one in own if int(one[5:]) % 3])
        interests.append([one for one in own if not int(one[5:]) % 3])
    frame = pd.DataFrame({"id": range(1, members + 1), "is_visible": True, "skills": skills})
    frame["interests"] = interests
    frame["other_sets"] = [{} for _ in skills]
    find_member_patterns(independent_world(0))  # compiles
    times, processor = [time.perf_counter()], time.process_time()
    table = normalise_members(frame, vocabulary())
    times.append(time.perf_counter())
    shuffled = shuffled_members(table)
    times.append(time.perf_counter())
    pairs_against_chance(table, min_members=8)
    times.append(time.perf_counter())
    patterns = find_member_patterns(table)
    times.append(time.perf_counter())
    steps = ("labels", f"{shuffled.count} shuffles", "pairs", "patterns")
    parts = ", ".join(f"{step} {b - a:.1f} s" for step, a, b in zip(steps, times, times[1:], strict=False))
    whole = f"{times[-1] - times[0]:.1f} s, {time.process_time() - processor:.1f} s of processor time"
    print(f"{members:,} members, {labels} labels, {table.matrix.nnz:,} entries: {whole} ({parts})")
    print(f"  {len(patterns)} patterns: {patterns['category'].value_counts().to_dict()}")


def main() -> None:
    """Run all three parts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, value in (("worlds", 200), ("planted", 30), ("members", 50_000), ("labels", 300)):
        parser.add_argument(f"--{name}", type=int, default=value)
    chosen = parser.parse_args()
    if chosen.members:
        speed(chosen.members, chosen.labels)
    if chosen.planted:
        planted_worlds(chosen.planted)
    if chosen.worlds:
        empty_worlds(chosen.worlds)


if __name__ == "__main__":
    main()
