"""Verification: whether advice that was served helped, by the attempts that name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory_pipeline.analysis.learning.prognosis import prognostic_bands, prognostic_score
from memory_pipeline.analysis.learning.verification import verify_advice
from memory_pipeline.rebuild.features import read_features
from memory_pipeline.store.findings import save_verification
from memory_pipeline.store.frames import ADVISED_ATTEMPTS
from memory_pipeline.store.reads import read_advised_outcomes

if TYPE_CHECKING:
    import pandas as pd

    from memory_pipeline.analysis.learning.verification import Verification
    from memory_pipeline.store.session import Session

_HOME = "installer_type"
_DIFFICULTY = "difficulty"


@dataclass(frozen=True)
class UpdatedVerification:
    """The verdict, and the attempts that it rests on (see `advised_attempts`)."""

    verification: Verification
    attempts: pd.DataFrame

    @property
    def rows(self) -> None:
        """None: it is a verdict, not a table."""
        return


def update_verification(session: Session) -> UpdatedVerification:
    """Compare what happened with and without advice; store the verdict, and the attempts by stratum.

    The frame `advised_attempts` is what `measures.update_measures` follows the gain over time from.
    """
    attempts, strata = advised_attempts(session)
    session.frames.write(ADVISED_ATTEMPTS, attempts, {"strata": strata})
    found = verify_advice(attempts, unit=session.settings.unit, strata=strata)
    save_verification(session.store, found.to_dict())
    return UpdatedVerification(found, attempts)


def advised_attempts(session: Session) -> tuple[pd.DataFrame, list[str]]:
    """Find the attempts that name advice, and how hard each was beforehand.

    Returns
    -------
    DataFrame
        One row per attempt: `id`, the evidence unit, `occurred_at`, `outcome_status`, `followed` (True,
        False or None), `is_control` (the answer was withheld), `served_at`, and the strata.
    list of str
        The strata: the installer type where it is recorded, and the band of difficulty.
    """
    unit, features = session.settings.unit, read_features(session)
    advised = read_advised_outcomes(session.store)[["id", "followed", "is_control", "served_at"]]
    named = features.frame["id"].isin(advised["id"])
    attempts, history = features.frame[named], features.frame[~named]
    if len(advised):
        history = history[history["occurred_at"] < advised["served_at"].min()]
    expected = prognostic_score(attempts, history, context=features.context, unit=unit)
    home = [_HOME] if _HOME in attempts else []
    # Only these columns: a context column may have the name of one that is added.
    kept = attempts[list(dict.fromkeys(["id", unit, "occurred_at", "outcome_status", *home]))]
    kept = kept.assign(**{_DIFFICULTY: prognostic_bands(expected)}).merge(advised, on="id", how="inner")
    return kept, [*home, _DIFFICULTY]


def read_advised_attempts(session: Session) -> tuple[pd.DataFrame, list[str]]:
    """Read what `update_verification` found, as `advised_attempts` returns it.

    Raises
    ------
    FileNotFoundError
        When advice was not verified yet.
    """
    attempts, info = session.frames.read(ADVISED_ATTEMPTS)
    return attempts, info["strata"]
