"""What to do next: choosing an answer, logging it, and what advice there is."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.service.current_policy import CurrentPolicy
from memory_pipeline.service.descriptions import KnownValues
from memory_pipeline.service.outcomes import find_cases
from memory_pipeline.service.session import Service
from memory_pipeline.store import reads
from memory_pipeline.store.models import AdviceChange, AdviceVerification, ApproachRecommendation
from memory_pipeline.store.served import BY_PROGRAM, LOGGED, Asked, log_served

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from memory_pipeline.analysis.recommendations import Advice, Policy
    from memory_pipeline.service.descriptions import Description
    from memory_pipeline.service.outcomes import Case
    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store
    from memory_pipeline.store.frames import FrameStore

_WITHHELD = (
    "Withheld on purpose: a share of the answers is held back (MEMORY_CONTROL_SHARE), to measure what advice "
    "changes. Do as you would without it, and report the outcome with this id."
)


@dataclass(frozen=True)
class Answer:
    """Advice as served: under which id it is logged, and the past attempts like it.

    Attributes
    ----------
    recommendation_id
        An outcome can name it, and say whether the advice was followed; None where nothing was logged.
    advice
        What the policy says; without an approach where the answer was withheld.
    withheld
        Whether the answer is one of the control share (`MEMORY_CONTROL_SHARE`).
    cases
        Past attempts in the same context, those that share most settings with the advised approach
        first, the newest of them first: up to three that succeeded and three that did not.
    notes
        What of the description was taken otherwise than it was written (a value in another case), and what
        is not known.
    """

    recommendation_id: str | None
    advice: Advice
    cases: tuple[Case, ...]
    withheld: bool = False
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Choice:
    """An answer as it was chosen, before it is logged.

    Attributes
    ----------
    advice
        What the policy says, withheld or not.
    withheld
        Whether chance held it back.
    control_share
        The probability of that.
    """

    advice: Advice
    withheld: bool
    control_share: float

    def to_row(self) -> dict[str, Any]:
        """Return what is logged of it, as `store.served.log_served` takes it."""
        return {
            **{column: getattr(self.advice, column) for column in (*LOGGED, "candidates")},
            "withheld": self.withheld,
            "control_share": self.control_share,
        }

    def to_answer(self, recommendation_id: str) -> Answer:
        """Return the answer as it is shown, under the id of its log entry and without cases."""
        shown = withhold(self.advice) if self.withheld else self.advice
        return Answer(recommendation_id, shown, (), withheld=self.withheld)


class AdviceService(Service):
    """Questions about what to do next.

    Attributes
    ----------
    current_policy
        The policy that holds now; it is read again only where something changed.
    asked
        Who asks, for the log of answers; a door that opens a memory sets it.
    """

    asked: Asked = BY_PROGRAM

    def __init__(self, settings: Settings, store: Store, frames: FrameStore | None = None) -> None:
        super().__init__(settings, store, frames)
        self.current_policy = CurrentPolicy(self.store, self.frames)

    def recommend(
        self, context: Mapping[str, Any] | None = None, /, *, log: bool = True, **more: Any
    ) -> Answer:
        """Advise on an application that is described by what is known about it, and log the answer.

        With `MEMORY_EXPLORATION` above 0 the answer is drawn, and its propensity says how probable it was.
        With `MEMORY_CONTROL_SHARE` above 0 that share of the answers with an approach is withheld.

        Parameters
        ----------
        context
            Context columns and values; what is unknown is left out.
        log
            False only to look: nothing is logged, drawn or withheld, and there is no id to report.
        more
            Context columns as keywords, such as `installer_type="msi"`.

        Raises
        ------
        FileNotFoundError
            When nothing was learned yet: the message says to run a rebuild.
        DescriptionError
            When a column is not one that the memory knows (the message lists those that it does), or a value
            cannot be used; it is a ValueError.
        RuntimeError
            When the stored policy was written by another version of the project.
        """
        known = {**(context or {}), **more}
        if log:
            (answer,) = self.recommend_all([known])
        else:
            policy, (description,) = self._read_descriptions([known])
            answer = Answer(None, policy.recommend(description.columns), (), notes=description.notes)
        if answer.withheld:
            return answer
        advice = answer.advice
        return replace(answer, cases=find_cases(self.store, advice.context, advice.recommended_approach))

    def recommend_all(
        self,
        contexts: Sequence[Mapping[str, Any]],
        *,
        control_share: float | None = None,
        rng: np.random.Generator | None = None,
    ) -> list[Answer]:
        """Advise on many applications at once, and log the answers; past cases are not looked up.

        Parameters
        ----------
        contexts
            What is known about each, as in `recommend`.
        control_share
            Share of the answers to withhold; None for that of the settings.
        rng
            Source of chance: which answers are withheld, and what is tried where exploration is on.

        Raises
        ------
        FileNotFoundError, ValueError, RuntimeError
            As `recommend`; then nothing is logged.
        """
        started = time.perf_counter()
        policy, descriptions = self._read_descriptions(contexts)
        choices = choose_answers(
            policy,
            [one.columns for one in descriptions],
            exploration=self.settings.exploration,
            control_share=self.settings.control_share if control_share is None else control_share,
            rng=rng or np.random.default_rng(),
        )
        each = (time.perf_counter() - started) / max(len(choices), 1)
        answers = log_answers(self.store, choices, asked=self.asked, seconds=each)
        return [replace(answer, notes=one.notes) for answer, one in zip(answers, descriptions, strict=True)]

    def _read_descriptions(self, contexts: Sequence[Mapping[str, Any]]) -> tuple[Policy, list[Description]]:
        """Read the policy and the descriptions, and refuse context columns that it does not know."""
        policy = self.current_policy.read()
        known = KnownValues.of_context(policy)
        return policy, [known.read(context) for context in contexts]

    def recommendations(self) -> pd.DataFrame:
        """Read the recommendation table: one row per context that occurs, the most attempts first."""
        frame = reads.read_table(self.store, ApproachRecommendation)
        return frame.sort_values(["sample_size", "id"], ascending=[False, True], ignore_index=True)

    def advice_changes(self) -> pd.DataFrame:
        """Read what rebuilds changed in the advice and why, the newest first."""
        frame = reads.read_table(self.store, AdviceChange)
        return frame.sort_values("id", ascending=False, ignore_index=True)

    def advice_verifications(self) -> pd.DataFrame:
        """Read what following advice changed, one row per rebuild, the newest first."""
        frame = reads.read_table(self.store, AdviceVerification)
        return frame.sort_values("id", ascending=False, ignore_index=True)

    def advised_outcomes(self) -> pd.DataFrame:
        """Read the attempts that name the advice they were given, as `store.reads.read_advised_outcomes`."""
        return reads.read_advised_outcomes(self.store)


def choose_answers(
    policy: Policy,
    contexts: Sequence[Mapping[str, Any]],
    *,
    exploration: float,
    control_share: float,
    rng: np.random.Generator,
) -> list[Choice]:
    """Choose an answer for each context; nothing is read or logged.

    Parameters
    ----------
    policy
        The policy that holds now.
    contexts
        What is known about each application.
    exploration, control_share
        As the settings of these names; an answer without an approach is not withheld.
    rng
        Source of chance.
    """
    explored = policy
    if policy.limits.exploration != exploration:
        explored = replace(policy, limits=replace(policy.limits, exploration=exploration))
    choices = []
    for context in contexts:
        advice = explored.recommend(context, rng=rng)
        share = control_share if advice.recommended_approach is not None else 0.0
        choices.append(Choice(advice, withheld=bool(rng.random() < share), control_share=share))
    return choices


def log_answers(
    store: Store, choices: Sequence[Choice], *, asked: Asked = BY_PROGRAM, seconds: float | None = None
) -> list[Answer]:
    """Write answers to the log, and return them under the ids that outcomes can name.

    Parameters
    ----------
    asked
        Who asked for them.
    seconds
        How long each took; None: not known.
    """
    who = {"door": asked.door, "asked_by": asked.by, "seconds": seconds}
    ids = log_served(store, [choice.to_row() | who for choice in choices])
    return [choice.to_answer(identity) for identity, choice in zip(ids, choices, strict=True)]


def withhold(advice: Advice) -> Advice:
    """Return an advice without everything that it advises, for the control share."""
    return replace(
        advice,
        recommended_approach=None,
        left_open=(),
        avoid_approach=[],
        success_rate=advice.usual_rate,
        ci_low=0.0,
        ci_high=1.0,
        confidence=0.0,
        sample_size=0,
        units=0,
        attempts_in_context=None,
        evidence="none",
        supporting_patterns=[],
        reasons=[_WITHHELD],
        candidates=[],
        decisions=(),
    )
