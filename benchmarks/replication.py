"""How many findings hold on later history, compared with their confidence.

    python benchmarks/replication.py [--seeds 8] [--tier exploratory] [--picture reliability.png]
    MEMORY_HOME=... python benchmarks/replication.py --memory

Without `--memory`: sample organisations, generated, one per seed. With it: the outcomes of the memory of
MEMORY_HOME. Each history is cut between months at several places (--shares); what is found in the earlier
part is tried on the later part. It holds where the difference has the same sign. Cuts of one history
share attempts, so the intervals (Wilson's) are somewhat too short.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from memory_pipeline import charts
from memory_pipeline.analysis.evidence import Evidence, count_evidence
from memory_pipeline.analysis.features.encoding import FLOORS, learn_conditions
from memory_pipeline.analysis.features.flatten import condition_columns
from memory_pipeline.analysis.features.outcomes import outcome_labels
from memory_pipeline.analysis.learning.replication import reliability, replicate_on_later_history
from memory_pipeline.analysis.names import OUTCOME
from memory_pipeline.analysis.patterns.search import TIERS
from memory_pipeline.rebuild.flat_outcomes import OutcomeKeys, keys_by_month, read_flat
from memory_pipeline.rebuild.months import snapshot
from memory_pipeline.rebuild.patterns import search_targets
from memory_pipeline.settings import Settings
from memory_pipeline.store import open_store
from memory_pipeline.worlds import sample_organisation

PERIOD = "month"


def evidence_of(outcomes: pd.DataFrame, settings: Settings) -> Evidence:
    """Count a flat history by month, as a rebuild does."""
    outcomes = outcomes.reset_index(drop=True)
    columns = [c for c in condition_columns(outcomes, unit=settings.unit) if c != settings.unit]
    floors = FLOORS.at_most(settings.min_sample_size, settings.min_units)
    encoded = learn_conditions(outcomes, columns, unit=settings.unit, floors=floors).apply(outcomes)
    frame = encoded.assign(
        **{
            OUTCOME: outcome_labels(outcomes),
            settings.unit: outcomes[settings.unit],
            PERIOD: outcomes["occurred_at"].dt.strftime("%Y-%m"),
        }
    )
    conditions = [str(column) for column in encoded]
    return count_evidence(frame, conditions=conditions, outcome=OUTCOME, unit=settings.unit, period=PERIOD)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memory", action="store_true", help="the memory of MEMORY_HOME")
    parser.add_argument("--seeds", type=int, default=8, help="sample organisations")
    parser.add_argument("--shares", type=float, nargs="*", default=[0.4, 0.5, 0.6, 0.7, 0.8])
    parser.add_argument("--tier", choices=TIERS, default="default")
    parser.add_argument("--picture", type=Path, help="PNG to write")
    arguments = parser.parse_args()
    settings = Settings()
    if arguments.memory:
        with snapshot(open_store(settings)) as connection:
            keys = OutcomeKeys.union(keys_by_month(connection).values())
            histories = [read_flat(connection, keys)]
    else:
        worlds = [sample_organisation(seed=seed) for seed in range(arguments.seeds)]
        histories = [world.attempts_frame() for world in worlds]
    parts = []
    for outcomes in histories:
        evidence = evidence_of(outcomes, settings)
        for share in arguments.shares:
            tried = replicate_on_later_history(
                evidence,
                share=share,
                min_sample_size=settings.min_sample_size,
                min_units=settings.min_units,
                fdr=settings.false_discovery_rate,
                targets=search_targets(outcomes, settings),
                tier=arguments.tier,
            )
            parts.append(tried.assign(share=share))
    tried = pd.concat(parts, ignore_index=True)
    known = tried[tried["held"].notna()]
    print(f"{len(histories)} histories, {len(tried)} findings, {len(known)} could be tried, ", end="")
    print(f"{int(known['held'].astype(bool).sum())} held\n")
    table = reliability(tried)
    print("| said | held | 95% interval | findings |\n|---|---|---|---|")
    for _, row in table.iterrows():
        said, held, low, high = (
            f"{row[name]:.3f}" for name in ("predicted", "observed", "ci_low", "ci_high")
        )
        print(f"| {said} | {held} | [{low}, {high}] | {row['findings']:.0f} |")
    if arguments.picture is not None:
        bins = table.rename(columns={"findings": "attempts"}).assign(question="findings")
        note = "On the dashed line, as many held as their confidence states. Lines: Wilson's 95% intervals."
        said = "Patterns of the earlier part of a history, tried on the later part: calibration."
        picture = charts.calibration(bins, said, things="findings", note=note)
        arguments.picture.write_bytes(charts.to_png(picture))


if __name__ == "__main__":
    main()
