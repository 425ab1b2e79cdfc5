"""Can advice learned from the first part of a real history be followed in the later part, and does it hold?

    python benchmarks/real_advice.py --data FOLDER [--share 0.6]

Histories with many settings that nobody designed for this: days of packages in a Chocolatey AU pipeline
(`choco_unibas/package_days.parquet`) and runs of published R scripts (`dataverse_r/runs.parquet`), with the
columns of the shipped mappings; one that is not in the folder is left out. A policy is fitted to the first
part and asked about each later attempt. Printed per history:

- advised: share of the later attempts with a recommendation, and with one that is marked as untested;
- agree: of the recommended, the share that did so; of the untested, the same;
- promised, realised: expected success of the attempts that did as recommended, and their success; the margin
  is that of units (95%, t); at most a few units did so where it is "-";
- usual, base: what is said to be usual on average, and the success of all later attempts;
- skill: Brier skill of `expected` against the base rate of the first part, and of the later part.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from memory_pipeline.analysis.recommendations import fit_policy
from memory_pipeline.analysis.recommendations.essential_settings import find_essential_settings
from memory_pipeline.analysis.recommendations.explanations import is_untested
from memory_pipeline.ingest.mapping import OutcomeMapping, load_mapping

HISTORIES = {
    "packages in a Chocolatey pipeline": ("choco_unibas/package_days.parquet", "chocolatey_au_package_days"),
    "published R scripts": ("dataverse_r/runs.parquet", "dataverse_r_runs"),
}
_FIELDS = ("application_vendor", "installer_type")
_FEW_UNITS = 3


def read_history(path: Path, mapping: OutcomeMapping) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a history with the columns of a mapping; returns it in the order of time, with the roles."""
    table = pd.read_parquet(path)
    if pd.api.types.is_numeric_dtype(table[mapping.renames["occurred_at"]]):
        # Years: attempts without one cannot be put in order.
        table = table[table[mapping.renames["occurred_at"]].notna()]
        years = table[mapping.renames["occurred_at"]].astype(int).astype(str)
        when = pd.to_datetime(years, format="%Y", utc=True)
    else:
        when = pd.to_datetime(table[mapping.renames["occurred_at"]], utc=True)
    status = table[mapping.renames.get("outcome_status", "status")]
    fields = {name: mapping.renames[name] for name in _FIELDS if name in mapping.renames}
    context = {name: column for name, column in (fields | mapping.context).items() if column in table}
    approach = {name: column for name, column in mapping.approach.items() if column in table}
    frame = pd.DataFrame(
        {
            "occurred_at": when,
            "application_name": table[mapping.renames["application_name"]],
            "outcome_status": np.where(status == "success", "success", "failure"),
            **{name: table[column] for name, column in (context | approach).items()},
        }
    )
    roles = {"approach": list(approach), "context": list(context), "unit": "application_name"}
    return frame.sort_values("occurred_at", kind="stable").reset_index(drop=True), roles


def measure(outcomes: pd.DataFrame, roles: dict[str, Any], share: float) -> dict[str, str]:
    """Fit on the first part, and compare the later part with what was advised and expected."""
    early, later = outcomes.iloc[: int(share * len(outcomes))], outcomes.iloc[int(share * len(outcomes)) :]
    started = time.process_time()
    policy = fit_policy(early, **roles)
    seconds = time.process_time() - started
    won = (later["outcome_status"] == "success").to_numpy(dtype=float)
    actions = policy.actions(later).to_numpy().astype(str)
    size = len(later)
    is_advised, is_tried = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    agrees, promised, usual = np.zeros(size, dtype=bool), np.zeros(size), np.zeros(size)
    for rows, posterior in policy.posteriors(later):
        choice = policy.choice(posterior)
        usual[rows] = posterior.usual.mean()
        if choice.index is None:
            continue
        essential = find_essential_settings(policy, posterior, choice.index)
        (is_tried if is_untested(essential) else is_advised)[rows] = True
        group = [posterior.candidates[one].approach for one in essential.group]
        agrees[rows] = np.isin(actions[rows], group)
        promised[rows] = essential.draws.mean()
    did = is_advised & agrees
    base = (early["outcome_status"] == "success").mean()
    expected = policy.expected(later).to_numpy()
    error = float(np.mean((expected - won) ** 2))
    skills = [1 - error / float(np.mean((one - won) ** 2)) for one in (base, won.mean())]
    return {
        "advised": f"{is_advised.mean():.2f} / {is_tried.mean():.2f}",
        "agree": f"{_share(agrees[is_advised])} / {_share(agrees[is_tried])}",
        "promised": f"{promised[did].mean():.3f}" if did.any() else "-",
        "realised": _by_units(won[did], later["application_name"][did]),
        "usual": f"{usual.mean():.3f}",
        "base": f"{won.mean():.3f}",
        "skill": " / ".join(f"{one:+.3f}" for one in skills),
        "fit": f"{seconds:.1f} s",
    }


def _share(flags: np.ndarray) -> str:
    return f"{flags.mean():.3f}" if len(flags) else "-"


def _by_units(won: np.ndarray, units: pd.Series) -> str:
    """Return a success rate with its margin over units as text."""
    if not len(won):
        return "-"
    table = pd.DataFrame({"won": won, "unit": units.to_numpy()}).groupby("unit")["won"].agg(["sum", "size"])
    rate = won.mean()
    if len(table) <= _FEW_UNITS:
        return f"{rate:.3f} (n {len(won)}, {len(table)} units) -"
    residual = (table["sum"] - rate * table["size"]).to_numpy()
    spread = np.sqrt(len(table) / (len(table) - 1) * np.sum(residual**2)) / len(won)
    margin = stats.t.ppf(0.975, len(table) - 1) * spread
    return f"{rate:.3f} ± {margin:.3f} (n {len(won)}, {len(table)} units)"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with the histories")
    parser.add_argument("--share", type=float, default=0.6, help="share of attempts that is learned from")
    arguments = parser.parse_args()
    columns = ("advised", "agree", "promised", "realised", "usual", "base", "skill", "fit")
    print("| history | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|")
    for name, (file, mapping) in HISTORIES.items():
        if not (arguments.data / file).exists():
            print(f"| {name} | not in {arguments.data} |")
            continue
        loaded = load_mapping(mapping)
        assert isinstance(loaded, OutcomeMapping)  # noqa: S101 - for mypy
        found = measure(*read_history(arguments.data / file, loaded), arguments.share)
        print(f"| {name} | " + " | ".join(found[column] for column in columns) + " |", flush=True)


if __name__ == "__main__":
    main()
