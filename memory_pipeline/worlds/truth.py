"""Which effects are planted in the sample organisation, and how large are they?

What belongs here: the planted contrasts, and everything else that an analysis should find. Their sizes are
not typed in but computed, see `worlds.counterfactuals`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from memory_pipeline.worlds.choices import HABITS, LEARNING_TEAM
from memory_pipeline.worlds.counterfactuals import Contrast, Effect, PotentialOutcomes
from memory_pipeline.worlds.vocabulary import (
    APPLICATION_TYPES,
    INSTALLER_TYPES,
    SILENT_SWITCHES,
    TRANSFORM_TYPES,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.worlds.mechanism import Columns
    from memory_pipeline.worlds.members import LabelVariants, MemberCluster

NOISE_COLUMNS = ("package_icon_size", "naming_scheme", "requesting_department")
_PREREQUISITES = tuple(name for name in HABITS if name.startswith("prerequisites: "))


@dataclass(frozen=True)
class Interaction:
    """A setting with an effect under one condition only: its effect inside and (zero) outside."""

    inside: Effect
    outside: Effect


@dataclass(frozen=True)
class Drift:
    """A setting whose effect ends at a date."""

    date: pd.Timestamp
    before: Effect
    after: Effect


@dataclass(frozen=True)
class Truth:
    """Everything that is planted.

    Parameters
    ----------
    effects
        Settings with an effect, each in its scope. One of them (detection by file) is harmful.
    interaction
        Installing for the user is harmful for CAD applications only.
    confounders
        Settings without an effect that seem good or bad because of who uses them, and for what.
    drift
        Repackaging helps until a date, and not after it.
    noise_columns
        Columns that are independent of everything else.
    null_columns
        Every column of settings or context without an effect: noise, confounders, other prerequisites.
    learning_team, learning_started
        The team that adopts what was learned, and since when. Its choices change, its hazards do not.
    success_rate
        Mean true success probability of all attempts.
    intraclass_correlation
        Share of the variance of success that lies between applications, by their true mean probabilities.
    monthly_success_rate
        Mean true success probability by month (`2025-01`).
    monthly_success_rate_by_team
        The same by team, then month.
    member_clusters, label_variants
        The clusters and spellings planted among the members, see `worlds.members`.
    """

    effects: tuple[Effect, ...]
    interaction: Interaction
    confounders: tuple[Effect, ...]
    drift: Drift
    noise_columns: tuple[str, ...]
    null_columns: tuple[str, ...]
    learning_team: str
    learning_started: pd.Timestamp
    success_rate: float
    intraclass_correlation: float
    monthly_success_rate: Mapping[str, float]
    monthly_success_rate_by_team: Mapping[str, Mapping[str, float]]
    member_clusters: tuple[MemberCluster, ...]
    label_variants: LabelVariants

    def effect(self, name: str) -> Effect:
        """Return a planted effect by the name of its contrast.

        Raises
        ------
        KeyError
            When no contrast has that name; the message lists those that exist.
        """
        both = (self.interaction.inside, self.interaction.outside, self.drift.before, self.drift.after)
        by_name = {one.contrast.name: one for one in (*self.effects, *self.confounders, *both)}
        if name not in by_name:
            raise KeyError(f"no planted effect is named {name!r}; there are {sorted(by_name)}")
        return by_name[name]


def planted_contrasts(columns: Columns) -> tuple[Contrast, ...]:
    """List the contrasts of settings with an effect; of silent switches for installer types that occur."""
    plain = (
        Contrast("closing processes", "close_processes", "yes", "no"),
        Contrast("Visual C++ runtime first", "prerequisites: vcredist", "yes", "no"),
        Contrast("detection by file", "detection_method", "file", "registry"),
        Contrast("transform", "transform", "yes", "no", {"installer_type": TRANSFORM_TYPES}),
    )
    switches = []
    for kind in INSTALLER_TYPES:
        right, wrong = (
            next(switch.text for switch in SILENT_SWITCHES[kind] if switch.is_right is is_right)
            for is_right in (True, False)
        )
        switches.append(
            Contrast(f"silent switch of {kind}", "silent_switch", right, wrong, {"installer_type": (kind,)})
        )
    return tuple(one for one in (*plain, *switches) if one.scope(columns).any())


def compute_truth(
    potential: PotentialOutcomes,
    *,
    learning_started: pd.Timestamp,
    member_clusters: tuple[MemberCluster, ...],
    label_variants: LabelVariants,
) -> Truth:
    """Compute the sizes of everything that is planted, from the potential outcomes."""
    columns, date = potential.columns, potential.drift_date
    others = tuple(kind for kind in APPLICATION_TYPES if kind != "cad")
    for_user = ("install_context", "user", "system")
    repackaging = ("repackaged", "yes", "no")
    confounders = (
        Contrast("PSADT wrapper", "wrapper", "psadt", "none"),
        Contrast("forced restart", "reboot_handling", "force", "defer"),
    )
    probability = pd.Series(potential.success_probability())
    mean = probability.mean()
    by_unit = probability.groupby(columns["application"]).transform("mean")
    month = pd.Series(pd.DatetimeIndex(columns["occurred_at"]).strftime("%Y-%m"))
    team = pd.Series(columns["team"])
    return Truth(
        effects=tuple(potential.effect(one) for one in planted_contrasts(columns)),
        interaction=Interaction(
            inside=potential.effect(
                Contrast("user context for CAD", *for_user, {"application_type": ("cad",)})
            ),
            outside=potential.effect(
                Contrast("user context elsewhere", *for_user, {"application_type": others})
            ),
        ),
        confounders=tuple(potential.effect(one) for one in confounders),
        drift=Drift(
            date=date,
            before=potential.effect(Contrast("repackaging before the drift", *repackaging, until=date)),
            after=potential.effect(Contrast("repackaging after the drift", *repackaging, since=date)),
        ),
        noise_columns=NOISE_COLUMNS,
        null_columns=(
            *NOISE_COLUMNS,
            *(one.column for one in confounders),
            *(name for name in _PREREQUISITES if name != "prerequisites: vcredist"),
        ),
        learning_team=LEARNING_TEAM,
        learning_started=learning_started,
        success_rate=float(mean),
        intraclass_correlation=float(((by_unit - mean) ** 2).mean() / (mean * (1 - mean))),
        monthly_success_rate=_by_month(probability, month),
        monthly_success_rate_by_team={
            name: _by_month(probability[team == name], month) for name in sorted(team.unique())
        },
        member_clusters=member_clusters,
        label_variants=label_variants,
    )


def _by_month(probability: pd.Series[float], month: pd.Series[str]) -> dict[str, float]:
    return {str(name): float(rate) for name, rate in probability.groupby(month).mean().items()}
