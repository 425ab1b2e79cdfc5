"""Verification: whether advice that was served helped, by the attempts that name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory_pipeline.analysis.learning.advised import AdvisedAttempts, describe_advised
from memory_pipeline.analysis.learning.verification import verify_advice
from memory_pipeline.rebuild.features import read_features
from memory_pipeline.store.findings import save_verification
from memory_pipeline.store.frames import ADVISED_ATTEMPTS
from memory_pipeline.store.reads import read_advised_outcomes

if TYPE_CHECKING:
    from memory_pipeline.analysis.learning.verification import Verification
    from memory_pipeline.store.session import Session


@dataclass(frozen=True)
class UpdatedVerification:
    """The verdict, and the attempts that it rests on."""

    verification: Verification
    attempts: AdvisedAttempts

    @property
    def rows(self) -> None:
        """None: it is a verdict, not a table."""
        return


def update_verification(session: Session) -> UpdatedVerification:
    """Compare what happened with and without advice; store the verdict, and the attempts described.

    The frame `advised_attempts` is what `measures.update_measures` follows the gain over time from.
    """
    features = read_features(session)
    advised = describe_advised(
        features.frame,
        read_advised_outcomes(session.store),
        context=features.context,
        unit=session.settings.unit,
    )
    info = {"strata": advised.strata, "covariates": advised.covariates}
    session.frames.write(ADVISED_ATTEMPTS, advised.frame, info)
    found = verify_advice(advised)
    save_verification(session.store, found.to_dict())
    return UpdatedVerification(found, advised)


def read_advised_attempts(session: Session) -> AdvisedAttempts:
    """Read the attempts that `update_verification` described.

    Raises
    ------
    FileNotFoundError
        When advice was not verified yet.
    """
    attempts, info = session.frames.read(ADVISED_ATTEMPTS)
    return AdvisedAttempts(attempts, session.settings.unit, tuple(info["strata"]), tuple(info["covariates"]))
