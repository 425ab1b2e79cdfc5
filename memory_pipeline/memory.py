"""The memory as one object: what every door (command line, notebook, agent, web) asks and tells.

The doors hold no rules of their own; this layer joins the store with the analysis.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from memory_pipeline.analysis.names import MEASURES
from memory_pipeline.settings import Settings
from memory_pipeline.store import decisions, open_store, reads
from memory_pipeline.store.decisions import read_factor_decisions, read_nameable_patterns
from memory_pipeline.store.discovery import save_checks, stored_patterns
from memory_pipeline.store.findings import (
    log_served,
    pattern_history,
    plain,
    save_advice_changes,
    save_member_patterns,
    save_recommendations,
)
from memory_pipeline.store.frames import (
    CONDITION_ASSOCIATIONS,
    OUTCOME_FEATURES,
    OUTCOME_PREDICTABILITY,
    PATTERN_OVERLAPS,
    POLICY,
    FrameStore,
)
from memory_pipeline.store.members import (
    forget_members,
    read_visibility,
    save_questions,
    without_members,
)
from memory_pipeline.store.models import (
    AdviceChange,
    AdviceVerification,
    ApproachRecommendation,
    DiscoveryRun,
    Ingest,
    LabelMerge,
    LearningHistory,
    LearningMeasure,
    Member,
    MemberPattern,
    PackagingOutcome,
    PatternIdentification,
    QuarantinedRecord,
    QuestionPrompt,
    SuccessFactor,
)
from memory_pipeline.vocabulary import load_vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from memory_pipeline.analysis.members.labels import MemberLabels
    from memory_pipeline.analysis.recommendations import Advice, Policy
    from memory_pipeline.store import Store

PATTERN_ORDERS = ("confidence", "impact", "sample_size")
_CASES = 3
_REFRESHED_AT_ONCE = 250
"""Contexts of the recommendation table that are worked out anew when a person decides."""
_WITHHELD = (
    "Withheld on purpose: a share of the answers is held back (MEMORY_CONTROL_SHARE), to measure what advice "
    "changes. Do as you would without it, and report the outcome with this id."
)


@dataclass(frozen=True)
class Case:
    """A past attempt that an answer points to, and how many of the advised settings it had."""

    outcome_id: str
    application_name: str
    occurred_at: pd.Timestamp
    outcome_status: str
    failure_reason: str | None
    settings_agreeing: int
    settings_advised: int


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
    """

    recommendation_id: str | None
    advice: Advice
    cases: tuple[Case, ...]
    withheld: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values."""
        return asdict(self)


class Memory:
    """An organisation's memory.

    Examples
    --------
    >>> with Memory.open() as memory:
    ...     memory.recommend(installer_type="msi").advice.recommended_approach
    {...'silent_switch': ...}
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store
        self.frames = FrameStore(settings.storage)

    @classmethod
    def open(cls, settings: Settings | None = None) -> Self:
        """Open the memory that the settings name, by default those of the environment."""
        settings = settings or Settings()
        return cls(settings, open_store(settings))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the database."""
        self.store.close()

    def outcomes(self, **filters: Any) -> pd.DataFrame:
        """Read outcomes, the newest first; the filters are those of `store.reads.read_outcomes`."""
        return reads.read_outcomes(self.store, **filters)

    def patterns(
        self,
        *,
        pattern_type: str | None = None,
        min_confidence: float = 0.0,
        sort: str = "confidence",
        include_retired: bool = False,
    ) -> pd.DataFrame:
        """Read patterns, by default the active ones, the most confident (or of most impact) first.

        Persons' decisions and notes stand behind each (`store.decisions.COLUMNS`), as with all findings.

        Raises
        ------
        ValueError
            When the order is not one of `PATTERN_ORDERS`.
        """
        if sort not in PATTERN_ORDERS:
            msg = f"sort is {sort!r}; use one of {', '.join(PATTERN_ORDERS)}"
            raise ValueError(msg)
        frame = reads.read_table(self.store, PatternIdentification)
        frame = frame[frame["confidence"] >= min_confidence]
        if not include_retired:
            frame = frame[frame["active"].astype(bool)]
        if pattern_type is not None:
            frame = frame[frame["pattern_type"] == pattern_type]
        effect = frame["impact"].map(lambda impact: abs(impact["risk_difference"])).astype(float)
        first = {"confidence": frame["confidence"], "impact": effect, "sample_size": frame["sample_size"]}
        order = pd.DataFrame({"first": first[sort], "effect": effect, "id": frame["id"]})
        order = order.sort_values(["first", "effect", "id"], ascending=[False, False, True])
        return decisions.with_decisions(self.store, "pattern", frame.loc[order.index].reset_index(drop=True))

    def pattern(self, identity: str) -> dict[str, Any]:
        """Read one pattern with everything behind it, active or not.

        Parameters
        ----------
        identity
            Its id, or the beginning of it where no other id begins so.

        Returns
        -------
        dict
            The columns of `pattern_identifications` and of `store.decisions.COLUMNS`, and as frames
            `history` (what the rebuilds said, a row for each change), `decision_log`, and `outcomes` (the
            attempts of `related_outcomes`, in that order).

        Raises
        ------
        KeyError
            When no pattern, or more than one, has such an id.
        """
        with self.store.transaction() as connection:
            identity = decisions.find_id(connection, "pattern", identity)
        frame = reads.read_table(self.store, PatternIdentification, id=identity)
        row = decisions.with_decisions(self.store, "pattern", frame).astype(object).iloc[0]
        related = reads.outcomes_by_id(self.store, row["related_outcomes"])
        return {
            **{str(name): value for name, value in row.where(row.notna(), None).items()},
            "history": pattern_history(self.store, identity),
            "decision_log": decisions.decision_log(self.store, "pattern", identity),
            "outcomes": related,
        }

    def decide(
        self, kind: str, identity: str, decision: str | None = None, *, by: str, note: str | None = None
    ) -> dict[str, Any]:
        """Decide about a finding, or note something about it, so that it survives every rebuild.

        Parameters and errors are those of `store.decisions.decide`: patterns and member patterns can be
        told to `activate` or `retire`, factors to `confirm` or `suppress`; `reset` takes it back. Advice
        follows at once, in the recommendation table too.
        """
        held = decisions.decide(self.store, kind, identity, by=by, decision=decision, note=note)
        if kind in {"pattern", "factor"}:
            self.refresh_advice()
        return held

    def refresh_advice(self) -> int:
        """Bring the recommendation table to what persons decided since the last rebuild.

        Nothing is learnt anew. What changes is logged as of a rebuild (`advice_changes`).

        Returns
        -------
        int
            How many contexts are advised otherwise; 0 where there is nothing to bring up to date yet, and
            where the next rebuild will: another version of the project learnt the policy, or there are more
            than 250 contexts. `recommend` knows of decisions in any case.
        """
        try:
            with self.store.advice_lock():
                return self._advise_anew(self.frames.read_json(POLICY), self._policy())
        except (FileNotFoundError, RuntimeError):
            return 0

    def _advise_anew(self, stored: Mapping[str, Any], policy: Policy) -> int:
        """Write the recommendation table by a policy, in place of the stored one's; count the changes."""
        from memory_pipeline.analysis.recommendations.table import advise_contexts  # noqa: PLC0415 - needs scipy

        table = reads.read_table(self.store, ApproachRecommendation)
        if len(table) > _REFRESHED_AT_ONCE:
            return 0
        before: list[dict[str, Any]] = [plain(row) for row in table.to_dict("records")]
        rows, changes = advise_contexts(
            policy, [row["conditions"] for row in before], before=before, policy_before=stored
        )
        self.frames.write_json(POLICY, policy.to_dict())
        save_recommendations(self.store, rows)
        save_advice_changes(self.store, changes)
        return len(changes)

    def associations(self, *, include_all: bool = False) -> pd.DataFrame:
        """Read how strongly conditions go together, by default where that is sure, the strongest first.

        Raises
        ------
        FileNotFoundError
            When nothing was analysed yet: the message says to run a rebuild.
        """
        frame, _ = self.frames.read(CONDITION_ASSOCIATIONS)
        return frame if include_all else frame[frame["is_sure"].astype(bool)].reset_index(drop=True)

    def pattern_overlaps(self) -> pd.DataFrame:
        """Read which patterns cover the same attempts, the most alike first; raises as `associations`."""
        return self.frames.read(PATTERN_OVERLAPS)[0]

    def predictability(self) -> pd.DataFrame:
        """Read how much of success the conditions explain, by question and model.

        `attrs` holds the `summary` (a sentence, also where there are no rows) and the `calibration`
        (rows as dicts); raises as `associations`.
        """
        frame, info = self.frames.read(OUTCOME_PREDICTABILITY)
        frame.attrs.update(info)
        return frame

    def factors(self, *, application_type: str | None = None, include_all: bool = False) -> pd.DataFrame:
        """Read success factors, the surest gain or harm first; with a type, those that apply to it.

        By default each that was shown to matter, once, without those that a person suppressed; with
        `include_all` every comparison that was made.
        """
        frame = reads.read_table(self.store, SuccessFactor)
        frame = decisions.with_decisions(self.store, "factor", frame)
        if not include_all:
            details = frame["implementation_details"]
            shown = details.map(lambda one: one["is_factor"] and not one["is_mirrored"])
            frame = frame[shown.astype(bool) & (frame["decision"] != "suppress")]
        if application_type is not None:
            frame = frame[
                frame["applicability_conditions"].map(
                    lambda where: _allows(where, "application_type", application_type)
                )
            ]
        # A gain is worth its lower bound, a harm its upper one: what is at least certain.
        sure = frame[["ci_low", "ci_high"]].astype(float)
        worth = sure["ci_low"].clip(lower=0) - sure["ci_high"].clip(upper=0)
        order = pd.DataFrame({"worth": worth, "effect": frame["effectiveness"].astype(float).abs()})
        order = order.sort_values(["worth", "effect"], ascending=False, kind="stable")
        return frame.loc[order.index].reset_index(drop=True)

    def factor(self, identity: str) -> dict[str, Any]:
        """Read one success factor with everything behind it, shown to matter or not.

        Parameters
        ----------
        identity
            Its id, or the beginning of it where no other id begins so.

        Returns
        -------
        dict
            The columns of `success_factors` and of `store.decisions.COLUMNS`, and as frames `patterns`
            (those that say the same and are active), `with_value` and `with_reference` (past attempts on
            both sides), and `decision_log`.

        Raises
        ------
        KeyError
            When no factor, or more than one, has such an id, or no rebuild has it now.
        RuntimeError
            When the stored factors were written by another version of the project.
        """
        with self.store.transaction() as connection:
            identity = decisions.find_id(connection, "factor", identity)
        frame = reads.read_table(self.store, SuccessFactor, id=identity)
        if frame.empty:
            msg = f"factor {identity} was decided on, but the newest rebuild does not have it"
            raise KeyError(msg)
        row = decisions.with_decisions(self.store, "factor", frame).astype(object).iloc[0]
        details = row["implementation_details"]
        if "cases" not in details:
            msg = "the stored factors were written by another version; run `memory-pipeline rebuild`"
            raise RuntimeError(msg)
        patterns, cases = self.patterns(), details["cases"]
        return {
            **{str(name): value for name, value in row.where(row.notna(), None).items()},
            "patterns": patterns[patterns["id"].isin(details["patterns"])].reset_index(drop=True),
            **{
                side: reads.outcomes_by_id(self.store, cases[side])
                for side in ("with_value", "with_reference")
            },
            "decision_log": decisions.factor_decision_log(self.store, identity, details),
        }

    def recommendations(self) -> pd.DataFrame:
        """Read the recommendation table: one row per context that occurs, the most attempts first."""
        frame = reads.read_table(self.store, ApproachRecommendation)
        return frame.sort_values(["sample_size", "id"], ascending=[False, True], ignore_index=True)

    def learning(self, measure: str | None = None, *, history: bool = False) -> pd.DataFrame:
        """Read the learning measures in the order of time.

        Parameters
        ----------
        measure
            One of `analysis.measures.MEASURES`; None for all.
        history
            What each rebuild measured, with `recorded_at`, instead of what the newest says: a row for
            each change.

        Raises
        ------
        ValueError
            When there is no such measure.
        """
        if measure is not None and measure not in MEASURES:
            raise ValueError(f"measure is {measure!r}; use one of {', '.join(MEASURES)}")
        frame = reads.read_table(self.store, LearningHistory if history else LearningMeasure)
        if measure is not None:
            frame = frame[frame["measure"] == measure]
        by = ["measure", "segment_column", "segment_value", "period_start", "id"]
        return frame.sort_values(by, ignore_index=True).drop(columns="id")

    def learning_summary(self) -> dict[str, str]:
        """Say in one sentence per measure where the memory stands; see `analysis.learning.text`."""
        from memory_pipeline.analysis.learning.text import learning_sentences  # noqa: PLC0415

        return learning_sentences(self.learning())

    def advice_verifications(self) -> pd.DataFrame:
        """Read what following advice changed, one row per rebuild, the newest first."""
        frame = reads.read_table(self.store, AdviceVerification)
        return frame.sort_values("id", ascending=False, ignore_index=True)

    def advised_outcomes(self) -> pd.DataFrame:
        """Read the attempts that name the advice they were given, as `store.reads.read_advised_outcomes`."""
        return reads.read_advised_outcomes(self.store)

    def advice_changes(self) -> pd.DataFrame:
        """Read what rebuilds changed in the advice and why, the newest first."""
        frame = reads.read_table(self.store, AdviceChange)
        return frame.sort_values("id", ascending=False, ignore_index=True)

    def members(self) -> pd.DataFrame:
        """Read the members that may be seen, as stored."""
        from memory_pipeline.analysis.members.labels import is_visible  # noqa: PLC0415 - needs scipy

        frame = reads.read_table(self.store, Member, order_by="id")
        return frame[is_visible(frame)].reset_index(drop=True)

    def member_labels(self) -> MemberLabels:
        """Read the members that may be seen as labels of the vocabulary, in their present state."""
        from memory_pipeline.analysis.members.labels import normalise_members  # noqa: PLC0415 - needs scipy

        members = reads.read_table(self.store, Member, order_by="id")
        vocabulary = load_vocabulary(self.settings)
        return normalise_members(members, vocabulary, strata=self.settings.strata)

    def find_member_patterns(self) -> dict[str, int]:
        """Let statistics look for member patterns anew and store them; returns how many per category."""
        from memory_pipeline.analysis.members import find_member_patterns  # noqa: PLC0415
        from memory_pipeline.analysis.members.finding import MemberSearch  # noqa: PLC0415

        labels = self.member_labels()
        search = MemberSearch(
            min_members=self.settings.min_group_size, fdr=self.settings.false_discovery_rate
        )
        found = find_member_patterns(labels, search)
        self.store_member_patterns(found, labels)
        self.refresh_questions()
        return {str(category): int(count) for category, count in found["category"].value_counts().items()}

    def store_member_patterns(self, found: pd.DataFrame, labels: MemberLabels) -> int:
        """Store what statistics found among members, and bring what others claimed up to date.

        What was told better keeps its words; verified claims are checked again; who may not be seen any
        more is taken out of all patterns.

        Returns
        -------
        int
            How many verified claims changed.
        """
        from memory_pipeline.analysis.members.revalidation import told_better  # noqa: PLC0415 - needs scipy

        save_member_patterns(self.store, told_better(found, stored_patterns(self.store)))
        changed = self.check_claims(labels)
        forget_members(self.store, labels.member_ids.tolist(), min_group_size=self.settings.min_group_size)
        return changed

    def refresh_questions(self) -> int:
        """Make the table of questions that of the patterns in use; returns how many there are."""
        from memory_pipeline.analysis.members.questions import question_rows  # noqa: PLC0415

        questions = question_rows(self.member_patterns())
        save_questions(self.store, questions)
        return len(questions)

    def check_claims(self, labels: MemberLabels | None = None) -> int:
        """Check stored patterns that carry verified claims against the members of today.

        Parameters
        ----------
        labels
            The members; read anew where None.

        Returns
        -------
        int
            How many changed: other members or figures, no longer holding, or holding again.
        """
        from memory_pipeline.analysis.members.revalidation import checks_of  # noqa: PLC0415 - needs scipy

        stored = [row for row in stored_patterns(self.store) if "verified" in (row["evidence"] or {})]
        if not stored:
            return 0
        members = self.member_labels() if labels is None else labels
        checks = checks_of(members, stored, min_group_size=self.settings.min_group_size)
        save_checks(self.store, checks)
        return len(checks)

    def member_patterns(self, *, category: str | None = None, include_retired: bool = False) -> pd.DataFrame:
        """Read member patterns, by default the active ones, the largest first; nobody hidden is named.

        Members who opted out since the last rebuild are taken out as they are read, and a pattern that
        thereby falls below the group size is left out.
        """
        from memory_pipeline.analysis.members.labels import is_visible  # noqa: PLC0415 - needs scipy

        frame = reads.read_table(self.store, MemberPattern)
        frame = decisions.with_decisions(self.store, "member_pattern", frame)
        if not include_retired:
            frame = frame[frame["is_active"].astype(bool)]
        if category is not None:
            frame = frame[frame["category"] == category]
        members = read_visibility(self.store)
        visible = set(members.loc[is_visible(members), "id"])
        left = frame["related_member_ids"].map(lambda ids: [one for one in ids if one in visible])
        gone = frame["related_member_ids"].map(len) - left.map(len)
        frame = frame.assign(
            related_member_ids=left,
            member_count=frame["member_count"] - gone,
            evidence=frame["evidence"].map(lambda one: without_members(one, visible)),
        )
        frame = frame[(gone == 0) | (frame["member_count"] >= self.settings.min_group_size)]
        return frame.sort_values(["member_count", "name"], ascending=[False, True], ignore_index=True)

    def member_pattern(self, identity: int) -> dict[str, Any] | None:
        """Read one member pattern, retired or not; None where there is none."""
        frame = reads.read_table(self.store, MemberPattern)
        found = frame[frame["id"] == identity].to_dict("records")
        return {str(key): value for key, value in found[0].items()} if found else None

    def discovery_runs(self) -> pd.DataFrame:
        """Read the runs of the pattern finder, the newest first."""
        return (
            reads.read_table(self.store, DiscoveryRun, order_by="started_at")
            .iloc[::-1]
            .reset_index(drop=True)
        )

    def questions(self, *, category: str | None = None) -> pd.DataFrame:
        """Read the questions worth asking members, by pattern."""
        frame = reads.read_table(self.store, QuestionPrompt, order_by="id")
        shown = set(self.member_patterns(category=category)["name"])
        return frame[frame["pattern_name"].isin(shown)].reset_index(drop=True)

    def label_merges(self, *, member_field: str | None = None, why: str | None = None) -> pd.DataFrame:
        """Read which labels were read as another, and which look alike, the most frequent first."""
        frame = reads.read_table(self.store, LabelMerge)
        if member_field is not None:
            frame = frame[frame["field"] == member_field]
        if why is not None:
            frame = frame[frame["why"] == why]
        order = ["members", "field", "raw_label", "id"]
        return frame.sort_values(order, ascending=[False, True, True, True], ignore_index=True)

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
        ValueError
            When a column is not one that the memory knows; the message lists those that it does.
        RuntimeError
            When the stored policy was written by another version of the project.
        """
        known = {**(context or {}), **more}
        if not log:
            policy = self._policy_for([known])
            advice = policy.recommend(known)
            return Answer(None, advice, self.cases(known, advice.recommended_approach))
        (answer,) = self.recommend_all([known])
        if answer.withheld:
            return answer
        return replace(answer, cases=self.cases(known, answer.advice.recommended_approach))

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
        policy = self._policy_for(contexts)
        random = rng or np.random.default_rng()
        explored = replace(policy, limits=replace(policy.limits, exploration=self.settings.exploration))
        wanted = self.settings.control_share if control_share is None else control_share
        found, served = [], []
        for context in contexts:
            advice = explored.recommend(context, rng=random)
            share = wanted if advice.recommended_approach is not None else 0.0
            withheld = bool(random.random() < share)
            found.append((withhold(advice) if withheld else advice, withheld))
            served.append(
                {
                    "context": advice.context,
                    "candidates": advice.candidates,
                    "recommended_approach": advice.recommended_approach,
                    "propensity": advice.propensity,
                    "policy_version": advice.policy_version,
                    "withheld": withheld,
                    "control_share": share,
                }
            )
        return [
            Answer(identity, advice, (), withheld=withheld)
            for identity, (advice, withheld) in zip(log_served(self.store, served), found, strict=True)
        ]

    def _policy_for(self, contexts: Sequence[Mapping[str, Any]]) -> Policy:
        """Read the policy, and refuse columns that it does not know."""
        policy = self._policy()
        unknown = sorted({column for context in contexts for column in context} - set(policy.context))
        if unknown:
            msg = (
                f"the memory knows nothing about {', '.join(unknown)}; "
                f"describe the application by {', '.join(sorted(policy.context))}"
            )
            raise ValueError(msg)
        return policy

    def _policy(self) -> Policy:
        """Read the policy that the last rebuild left, with what persons decided until now."""
        from memory_pipeline.analysis.recommendations import Policy  # noqa: PLC0415 - scikit-learn and co.
        from memory_pipeline.analysis.recommendations.fit import nameable_patterns  # noqa: PLC0415 - scikit-learn and co.
        from memory_pipeline.analysis.recommendations.table import levels_of, with_decisions  # noqa: PLC0415

        try:
            policy = Policy.from_dict(self.frames.read_json(POLICY))
        except (KeyError, TypeError) as error:
            msg = "the stored policy was written by another version; run `memory-pipeline rebuild`"
            raise RuntimeError(msg) from error
        decided = read_factor_decisions(self.store, levels_of(policy))
        return with_decisions(policy, decided, nameable_patterns(read_nameable_patterns(self.store)))

    def cases(
        self, context: Mapping[str, Any], approach: Mapping[str, Any] | None, *, limit: int = _CASES
    ) -> tuple[Case, ...]:
        """Find past attempts in a context, those most like an approach first, as in `Answer.cases`.

        Parameters
        ----------
        context
            Columns and values that an attempt must have.
        approach
            Settings to be like; None for any approach.
        limit
            Most successes, and most others.
        """
        approach = approach or {}
        shown = ["id", "application_name", "occurred_at", "outcome_status", "failure_reason"]
        frame, _ = self.frames.read(
            OUTCOME_FEATURES, columns=list(dict.fromkeys([*shown, *context, *approach]))
        )
        for column, value in context.items():
            frame = frame[_has(frame[column], value)]
        agreeing = sum(
            (_has(frame[column], value).astype(int) for column, value in approach.items()),
            start=pd.Series(0, index=frame.index),
        )
        frame = frame.assign(agreeing=agreeing)
        frame = frame.sort_values(["agreeing", "occurred_at", "id"], ascending=[False, False, True])
        good = frame["outcome_status"] == "success"
        chosen = pd.concat([frame[good].head(limit), frame[~good].head(limit)])
        chosen = chosen.astype(object).where(chosen.notna(), None)
        return tuple(
            Case(
                outcome_id=row["id"],
                application_name=row["application_name"],
                occurred_at=row["occurred_at"],
                outcome_status=row["outcome_status"],
                failure_reason=row["failure_reason"],
                settings_agreeing=row["agreeing"],
                settings_advised=len(approach),
            )
            for _, row in chosen.iterrows()
        )

    def sources(self) -> list[str]:
        """Name the sources that outcomes and members came from."""
        return reads.sources(self.store)

    def is_rebuilt(self) -> bool:
        """Say whether the last rebuild that succeeded began after every change of outcomes and members."""
        rebuilt = reads.last_rebuild(self.store)
        fed = [reads.latest(self.store, model, "updated_at") for model in (PackagingOutcome, Member)]
        return rebuilt is not None and all(moment is None or moment <= rebuilt[0] for moment in fed)

    def status(self) -> dict[str, Any]:
        """Say what the memory holds, where it is, when it was last fed and rebuilt, and what it is worth."""
        ingests = reads.read_table(self.store, Ingest, order_by="finished_at")
        recommendations = reads.read_table(self.store, ApproachRecommendation)
        last = None if ingests.empty else ingests.iloc[-1]
        rebuilt = reads.last_rebuild(self.store)
        return {
            "database": self.store.url.render_as_string(hide_password=True),
            "storage": self.settings.storage,
            "outcomes": reads.outcome_counts(self.store),
            "members": reads.count_rows(self.store, Member),
            "quarantined": reads.count_rows(self.store, QuarantinedRecord, resolved_at=None),
            "patterns": reads.count_rows(self.store, PatternIdentification, active=True),
            "factors": reads.count_rows(self.store, SuccessFactor),
            "recommendations": len(recommendations),
            "recommendations_with_an_approach": int(recommendations["recommended_approach"].notna().sum()),
            "member_patterns": reads.count_rows(self.store, MemberPattern, is_active=True),
            "last_ingest": None if last is None else {"file": last["file_name"], "at": last["finished_at"]},
            "last_rebuild": None if rebuilt is None else rebuilt[1],
            "newest_outcome": reads.latest(self.store, PackagingOutcome, "occurred_at"),
            "learning": self.learning_summary(),
        }


def withhold(advice: Advice) -> Advice:
    """Empty an advice of everything that it advises, for the control share."""
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
        evidence="none",
        supporting_patterns=[],
        reasons=[_WITHHELD],
        candidates=[],
        decisions=(),
    )


def _allows(conditions: Mapping[str, Any], column: str, value: str) -> bool:
    wanted = conditions.get(column)
    return wanted is None or value == wanted or (isinstance(wanted, list) and value in wanted)


def _has(column: pd.Series, value: Any) -> pd.Series:
    """Say which attempts have a value, whether it is written as stored or as an encoded level."""
    from memory_pipeline.analysis.features.levels import level_name  # noqa: PLC0415 - needs numpy only here

    if value is None:
        return column.isna()
    same: pd.Series = column.map(_setting_key, na_action="ignore") == _setting_key(value)
    return same | (column.map(level_name, na_action="ignore") == str(value))


def _setting_key(value: Any) -> Any:
    """Make settings comparable: lists without order, everything as text."""
    if isinstance(value, (list, tuple)) or hasattr(value, "tolist"):
        return tuple(sorted(map(str, value)))
    return str(value)
