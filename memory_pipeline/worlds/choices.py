"""Who tries which application when, and with which settings?

What belongs here: behaviour, that is the habits of teams, the influence of difficult applications, and how
one team adopts what was learned. What does not: the effects of settings.

Every application has preferences of its own (settings are correlated within it, as in real histories), yet
every setting varies within it. Given application, team and month, settings are chosen independently.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.worlds.vocabulary import (
    DEPARTMENTS,
    PRODUCT_CODE_TYPES,
    SILENT_SWITCHES,
    TRANSFORM_TYPES,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from memory_pipeline.worlds.catalogue import Catalogue

LEARNING_TEAM = "software_factory"


@dataclass(frozen=True)
class Team:
    """A team: its share of the work, the factor on its hazards (below 1 is skilled), its skill as a score."""

    share: float
    factor: float
    skill: float


TEAMS: Mapping[str, Team] = {
    "client_engineering": Team(share=0.20, factor=0.50, skill=1.2),
    "engineering_it": Team(share=0.17, factor=0.75, skill=0.3),
    "workplace_services": Team(share=0.20, factor=0.95, skill=-0.1),
    "field_services": Team(share=0.15, factor=1.25, skill=-1.0),
    LEARNING_TEAM: Team(share=0.28, factor=0.85, skill=-1.0),
}


@dataclass(frozen=True)
class Habit:
    """How a yes/no setting is chosen: the log-odds of `yes`, and the value that the learning team adopts.

    `skill` and `difficulty` are coefficients of the team's skill and the application's difficulty
    (standardised log), `by_type` is added by type of application.
    """

    base: float
    skill: float = 0.0
    difficulty: float = 0.0
    by_type: Mapping[str, float] = field(default_factory=dict)
    learned: bool | None = None


HABITS: Mapping[str, Habit] = {
    "close_processes": Habit(0.8, skill=0.4, difficulty=0.2, learned=True),
    "prerequisites: vcredist": Habit(0.8, skill=0.4, difficulty=0.3, learned=True),
    "prerequisites: dotnet": Habit(-0.6, by_type={"erp": 1.0, "developer_tools": 0.6}),
    "prerequisites: webview2": Habit(-1.8, by_type={"productivity": 1.0}),
    "prerequisites: java_runtime": Habit(-2.6, by_type={"erp": 1.2}),
    "repackaged": Habit(-0.4, difficulty=0.4),
    "transform": Habit(0.8, skill=0.3, learned=True),
    "wrapper": Habit(0.0, skill=1.6, difficulty=-0.5),
    "is_user_context": Habit(-1.4, by_type={"browser": 0.8, "productivity": 0.5, "utility": 0.7, "cad": 0.9}),
    "is_right_switch": Habit(2.1, skill=0.4, learned=True),
    "is_file_detection": Habit(-1.1, skill=-0.3, learned=False),
    "is_forced_restart": Habit(-1.2, difficulty=0.9, by_type={"security": 0.6, "runtime": 0.6}),
}
# Standard deviation of the applications' preferences, on the log-odds scale.
LEANING = 0.5
# Chance that an attempt is made by the application's home team instead of any team.
HOME_SHARE = 0.55
# The learning team begins after the first share of the history and has finished after the second; from then
# on it follows what was learned in the third share of its attempts. In between the share rises linearly.
LEARNING_STARTS, LEARNING_DONE, LEARNING_PEAK = 0.12, 0.82, 0.92
# Office hours (UTC) by which attempts are spread, and how much less happens on a Saturday or Sunday.
OFFICE_HOURS, WEEKEND_WEIGHT = (6, 18), 0.05
ICON_SIZES = (64, 128, 256, 512)
NAMING_SCHEMES = ("vendor_app_version", "app_version_arch", "ticket_number")


def draw_attempts(
    rng: np.random.Generator,
    catalogue: Catalogue,
    *,
    attempts: int,
    start: pd.Timestamp,
    end: pd.Timestamp,
    learning: tuple[pd.Timestamp, pd.Timestamp] | None = None,
) -> dict[str, NDArray[Any]]:
    """Draw context and settings of every attempt, in the order of time.

    The learning team learns from `start` to `end`, or in the interval `learning`.

    Returns
    -------
    dict of array, shape (n_attempts,)
        The columns of the sample's flat frame plus the hidden `application` (position in the catalogue),
        `difficulty`, `team_factor`, `skill` (of the team), `hardness` (standardised log difficulty) and
        `following` (the learning team's probability of doing what was learned; 0 for the others).
        `occurred_at` is datetime64 in UTC. Prerequisites are one yes/no column each, named
        `prerequisites: <element>`.
    """
    n_apps = len(catalogue)
    rest = rng.choice(n_apps, attempts - n_apps, p=catalogue.weight)
    app = rng.permutation(np.concatenate([np.arange(n_apps), rest]))
    log_difficulty = np.log(np.maximum(catalogue.difficulty, 0.02))
    hardness = (log_difficulty - log_difficulty.mean()) / log_difficulty.std()
    columns: dict[str, NDArray[Any]] = {
        "application": app,
        "application_name": catalogue.name[app],
        "application_vendor": catalogue.vendor[app],
        "application_type": catalogue.application_type[app],
        "installer_type": catalogue.installer_type[app],
        "difficulty": catalogue.difficulty[app],
        "hardness": hardness[app],
        "occurred_at": _draw_times(rng, attempts, start, end),
        "architecture": rng.choice(np.array(["x64", "x86", "arm64"], object), attempts, p=(0.8, 0.12, 0.08)),
        "requesting_department": _pick(rng, DEPARTMENTS, app, n_apps),
    }
    since, until = learning or (start, end)
    progress = (columns["occurred_at"] - since.tz_localize(None).to_datetime64()) / (until - since)
    columns |= _draw_teams(rng, app, n_apps, progress.astype(float))
    chosen = {name: _follow_habit(rng, habit, columns, n_apps) for name, habit in HABITS.items()}
    return columns | _name_settings(rng, chosen, columns, n_apps)


def _draw_teams(
    rng: np.random.Generator, app: NDArray[np.int64], n_apps: int, progress: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """Draw the team of every attempt, and compute how far it has adopted what was learned.

    `progress` is the share of the history before each attempt, shape (n_attempts,).
    """
    teams = list(TEAMS.values())
    shares = [team.share for team in teams]
    home = rng.choice(len(teams), n_apps, p=shares)[app]
    anybody = rng.choice(len(teams), len(app), p=shares)
    number = np.where(_chance(rng, len(app), HOME_SHARE), home, anybody)
    name = np.array(list(TEAMS), object)[number]
    following = LEARNING_PEAK * (progress - LEARNING_STARTS) / (LEARNING_DONE - LEARNING_STARTS)
    return {
        "team": name,
        "team_factor": np.array([team.factor for team in teams])[number],
        "skill": np.array([team.skill for team in teams])[number],
        "following": np.where(name == LEARNING_TEAM, np.clip(following, 0, LEARNING_PEAK), 0.0),
    }


def _draw_times(
    rng: np.random.Generator, attempts: int, start: pd.Timestamp, end: pd.Timestamp
) -> NDArray[np.datetime64]:
    """Draw sorted times within [start, end): whole days by weekday, then office hours."""
    days = pd.date_range(start, end - pd.Timedelta(days=1), freq="D").tz_convert("UTC").tz_localize(None)
    weight = np.where(days.day_of_week < 5, 1.0, WEEKEND_WEIGHT)  # noqa: PLR2004 - Saturday is 5
    day = rng.choice(len(days), attempts, p=weight / weight.sum())
    seconds = rng.integers(OFFICE_HOURS[0] * 3600, OFFICE_HOURS[1] * 3600, attempts)
    return np.sort(days.to_numpy()[day].astype("datetime64[s]") + seconds.astype("timedelta64[s]"))


def _pick(
    rng: np.random.Generator, values: tuple[Any, ...], app: NDArray[np.int64], n_apps: int
) -> NDArray[Any]:
    """Draw one of several values, with preferences of each application (Gumbel-max)."""
    preference = rng.normal(0, LEANING, (n_apps, len(values)))[app]
    options = np.array(values, object if isinstance(values[0], str) else None)
    chosen: NDArray[np.int64] = np.argmax(preference + rng.gumbel(size=preference.shape), axis=1)
    return np.take(options, chosen)


def _follow_habit(
    rng: np.random.Generator,
    habit: Habit,
    columns: Mapping[str, NDArray[Any]],
    n_apps: int,
) -> NDArray[np.bool_]:
    """Draw yes or no for every attempt."""
    log_odds = habit.base + habit.skill * columns["skill"] + habit.difficulty * columns["hardness"]
    log_odds = log_odds + rng.normal(0, LEANING, n_apps)[columns["application"]]
    for kind, shift in habit.by_type.items():
        log_odds = log_odds + shift * (columns["application_type"] == kind)
    by_habit = rng.random(len(log_odds)) < 1 / (1 + np.exp(-log_odds))
    follows = rng.random(len(log_odds)) < columns["following"]
    return by_habit if habit.learned is None else np.where(follows, habit.learned, by_habit)


def _name_settings(
    rng: np.random.Generator,
    chosen: Mapping[str, NDArray[np.bool_]],
    columns: Mapping[str, NDArray[Any]],
    n_apps: int,
) -> dict[str, NDArray[Any]]:
    """Return the recorded values of the settings."""
    app, installer, n = columns["application"], columns["installer_type"], len(columns["application"])
    yes_no = {name: _either(value, "yes", "no") for name, value in chosen.items()}
    has_transform = np.isin(installer, TRANSFORM_TYPES)
    # What was learned about the context concerns CAD only, so the learning team follows it only there.
    follows = (rng.random(n) < columns["following"]) & (columns["application_type"] == "cad")
    has_product_code = np.isin(installer, PRODUCT_CODE_TYPES)
    best_rule = _either(has_product_code, "product_code", "script")
    usual_rule = _either(has_product_code & _chance(rng, n, 0.6), "product_code", "registry")
    other_rule = np.where(_chance(rng, n, 0.25), "script", usual_rule)
    other_rule = np.where(rng.random(n) < columns["following"], best_rule, other_rule)
    postponed = _either(_chance(rng, n, 0.5), "suppress", "defer")
    return {
        "silent_switch": _draw_switches(rng, installer, chosen["is_right_switch"]),
        "install_context": _either(chosen["is_user_context"] & ~follows, "user", "system"),
        "detection_method": np.where(chosen["is_file_detection"], "file", other_rule),
        "transform": np.where(has_transform, yes_no["transform"], "no"),
        "reboot_handling": np.where(chosen["is_forced_restart"], "force", postponed),
        "close_processes": yes_no["close_processes"],
        "wrapper": _either(chosen["wrapper"], "psadt", "none"),
        "repackaged": yes_no["repackaged"],
        "package_icon_size": _pick(rng, ICON_SIZES, app, n_apps),
        "naming_scheme": _pick(rng, NAMING_SCHEMES, app, n_apps),
        **{name: value for name, value in yes_no.items() if name.startswith("prerequisites: ")},
    }


def _chance(rng: np.random.Generator, n: int, share: float) -> NDArray[np.bool_]:
    return rng.random(n) < share


def _either(condition: NDArray[np.bool_], when_true: str, when_false: str) -> NDArray[np.object_]:
    return np.where(condition, np.array(when_true, object), np.array(when_false, object))


def _draw_switches(
    rng: np.random.Generator, installer: NDArray[np.object_], right: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """Draw a switch: the usual one of the right (or wrong) ones with probability 0.7."""
    text = np.empty(len(installer), object)
    usual = _chance(rng, len(installer), 0.7)
    for kind, switches in SILENT_SWITCHES.items():
        for is_right in (True, False):
            options = [switch.text for switch in switches if switch.is_right is is_right]
            here = (installer == kind) & (right == is_right)
            text[here] = np.where(usual, *options)[here]
    return text
