"""What does the sample organisation consist of: its attempts, its members, and the truth about them?

What belongs here: the class of the result, and the function that generates it from its parts. What does not:
the rules of any part.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.worlds.catalogue import draw_catalogue
from memory_pipeline.worlds.choices import LEARNING_STARTS, draw_attempts
from memory_pipeline.worlds.counterfactuals import Contrast, PotentialOutcomes
from memory_pipeline.worlds.mechanism import Hazards, cause_hazards, utc_datetime64
from memory_pipeline.worlds.members import LABEL_VARIANTS, draw_members
from memory_pipeline.worlds.records import to_frame, to_records
from memory_pipeline.worlds.results import draw_results
from memory_pipeline.worlds.truth import Truth, compute_truth
from memory_pipeline.worlds.vocabulary import APPLICATION_TYPES, VENDOR_STEMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from memory_pipeline.worlds.catalogue import Catalogue

DEFAULT_SEED = 7
DEFAULT_END = datetime(2026, 7, 1, tzinfo=UTC)
# Share of the months before the drift.
_DRIFT_SHARE = 0.62
_LEAST_MONTHS, _LEAST_ATTEMPTS = 3, 100


@dataclass(frozen=True, eq=False)
class Organisation:
    """An invented organisation with a history whose causes are known.

    Made by `sample_organisation`.

    Parameters
    ----------
    seed
        Seed that it was generated from.
    members
        Member records in normal form.
    truth
        The planted effects, with sizes.
    potential
        The true success probabilities, for contrasts that are not in `truth`.
    catalogue
        The applications.
    start, end
        The first day of the history, and the day after it, in UTC.

    Examples
    --------
    >>> organisation = sample_organisation(seed=7)
    >>> len(organisation.outcomes), len(organisation.members)
    (6000, 400)
    >>> organisation.truth.effect("PSADT wrapper").risk_difference
    0.0
    """

    seed: int
    members: list[dict[str, Any]]
    truth: Truth
    potential: PotentialOutcomes
    catalogue: Catalogue
    start: pd.Timestamp
    end: pd.Timestamp
    _results: Mapping[str, NDArray[Any]]

    @cached_property
    def outcomes(self) -> list[dict[str, Any]]:
        """Outcome records in normal form, in the order of time; `occurred_at` is a datetime in UTC."""
        prefix = f"outcome-{self.seed}"
        columns = self.potential.columns
        return to_records(columns, self._results, self.versions_of(columns), id_prefix=prefix)

    def versions_of(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.object_]:
        """Return the application's version at each attempt: one minor release every `release_days` days."""
        app = columns["application"]
        days = (columns["occurred_at"] - utc_datetime64(self.start)) / np.timedelta64(1, "D")
        release = (days / self.catalogue.release_days[app]).astype(int)
        build = (release * 37 + app * 11) % 90
        parts = zip(self.catalogue.first_version[app], release, build, strict=True)
        return np.array([f"{major}.{minor}.{patch}" for major, minor, patch in parts], object)

    def outcomes_frame(self) -> pd.DataFrame:
        """Return the outcome records as a DataFrame: one column per field of the normal form."""
        return pd.DataFrame(self.outcomes)

    def attempts_frame(self) -> pd.DataFrame:
        """Return the attempts as a flat frame, one plain column per condition; see `records.to_frame`."""
        return to_frame(self.potential.columns, self._results)

    def success_probability(
        self, settings: Mapping[str, Any] | None = None, *, where: Mapping[str, tuple[str, ...]] | None = None
    ) -> NDArray[np.float64]:
        """Compute the true success probability of each attempt, with some settings replaced for all of them.

        Parameters
        ----------
        settings
            Column to value, for example `{"close_processes": "yes"}`; None for the attempts as they were.
        where
            Conditions on columns that an attempt has to meet; None for all.

        Returns
        -------
        array, shape (n_attempts that meet the conditions,)
            In the order of `outcomes`.
        """
        everything = Contrast("", "", "", "", conditions=where or {})
        return self.potential.success_probability(settings, scope=everything.scope(self.potential.columns))

    def to_files(self, folder: Path) -> tuple[Path, Path]:
        """Write `outcomes.jsonl` and `members.jsonl`; times are ISO 8601 with their zone.

        The folder is created if needed; files of an earlier call are replaced atomically.

        Returns
        -------
        tuple of Path
            The outcomes and the members.
        """
        folder.mkdir(parents=True, exist_ok=True)
        return (
            write_records(folder / "outcomes.jsonl", self.outcomes),
            write_records(folder / "members.jsonl", self.members),
        )


def sample_organisation(
    seed: int = DEFAULT_SEED,
    *,
    attempts: int = 6000,
    applications: int = 150,
    vendors: int = 40,
    months: int = 18,
    members: int = 400,
    end: datetime = DEFAULT_END,
    hazards: Hazards | None = None,
) -> Organisation:
    """Generate a synthetic organisation that packages Windows applications.

    Vendors, applications and people are invented; installer types, switches and exit codes are real. The same
    arguments always give the same organisation. What is random is drawn from independent streams, so that
    the number of attempts changes neither applications nor members.

    Parameters
    ----------
    seed
        Non-negative.
    attempts, applications, vendors, members
        Number of each.
    months
        Length of the history.
    end
        The day after the history (in UTC), as a time with a zone.
    hazards
        Hazard of each cause; None for the usual ones. With `Hazards.without_effects()` no setting has an
        effect.

    Raises
    ------
    ValueError
        When a size is out of its range or `end` has no time zone.
    """
    _check_sizes(
        attempts=attempts, applications=applications, vendors=vendors, months=months, members=members
    )
    if end.tzinfo is None:
        raise ValueError(f"end is {end!r}, which has no time zone; write for example {DEFAULT_END!r}")
    of_catalogue, of_choices, of_results, of_members = (
        np.random.default_rng(stream) for stream in np.random.SeedSequence(seed).spawn(4)
    )
    last = pd.Timestamp(end).tz_convert("UTC").normalize()
    start = last - pd.DateOffset(months=months)
    drift_date = start + pd.DateOffset(months=round(months * _DRIFT_SHARE))

    catalogue = draw_catalogue(of_catalogue, applications=applications, vendors=vendors)
    columns = draw_attempts(of_choices, catalogue, attempts=attempts, start=start, end=last)
    potential = PotentialOutcomes(columns, drift_date, hazards or Hazards())
    results = draw_results(
        of_results,
        columns,
        cause_hazards(columns, drift_date=drift_date, hazards=potential.hazards),
        catalogue.size_mb[columns["application"]],
    )
    people, clusters = draw_members(of_members, members, id_prefix=f"member-{seed}")
    return Organisation(
        seed=seed,
        members=people,
        truth=compute_truth(
            potential,
            learning_started=start + LEARNING_STARTS * (last - start),
            member_clusters=clusters,
            label_variants=LABEL_VARIANTS,
        ),
        potential=potential,
        catalogue=catalogue,
        start=start,
        end=last,
        _results=results,
    )


def _check_sizes(*, attempts: int, applications: int, vendors: int, months: int, members: int) -> None:
    limits = {
        "attempts": (attempts, _LEAST_ATTEMPTS, None, ""),
        "applications": (applications, len(APPLICATION_TYPES), attempts, "the number of attempts"),
        "vendors": (
            vendors,
            1,
            min(applications, len(VENDOR_STEMS)),
            "the number of applications and of names",
        ),
        "months": (months, _LEAST_MONTHS, None, ""),
        "members": (members, 1, None, ""),
    }
    for name, (value, least, most, why) in limits.items():
        if value < least:
            raise ValueError(f"{name} is {value}; take at least {least}")
        if most is not None and value > most:
            raise ValueError(f"{name} is {value}; take at most {most}, {why}")


def write_records(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    """Write records as JSON, one per line, and atomically; times are ISO 8601 with their zone."""
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(
            json.dumps(record, ensure_ascii=False, default=datetime.isoformat) + "\n" for record in records
        )
    return unfinished.replace(path)
