"""What was found: patterns and factors, how conditions go together, and how much they explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.service.session import Service
from memory_pipeline.store import decisions, reads
from memory_pipeline.store.findings import pattern_history
from memory_pipeline.store.frames import CONDITION_ASSOCIATIONS, OUTCOME_PREDICTABILITY, PATTERN_OVERLAPS
from memory_pipeline.store.models import PatternIdentification, SuccessFactor

if TYPE_CHECKING:
    from collections.abc import Mapping

PATTERN_ORDERS = ("confidence", "impact", "sample_size", "recency")
"""What patterns can be sorted by."""
FACTOR_ORDERS = ("worth", "effectiveness", "confidence", "sample_size")
"""What factors can be sorted by; the worth of a gain is its lower bound, that of a harm its upper one."""


class FindingService(Service):
    """Questions about what the rebuilds found."""

    def patterns(
        self,
        *,
        pattern_type: str | None = None,
        min_confidence: float = 0.0,
        target: str | None = None,
        condition_column: str | None = None,
        condition_value: str | None = None,
        sort: str = "confidence",
        include_retired: bool = False,
    ) -> pd.DataFrame:
        """Read patterns, by default the active ones, the most confident (or of most impact) first.

        Persons' decisions and notes stand behind each (`store.decisions.COLUMNS`), as with all findings.

        Parameters
        ----------
        pattern_type, target
            Only of this type, and about this target, such as `success` or `failure_reason=timeout`.
        min_confidence
            Only with at least this confidence.
        condition_column, condition_value
            Only with a condition on this column, and with this value; without regard to case.
        sort
            One of `PATTERN_ORDERS`.
        include_retired
            Read retired patterns too.

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
        if target is not None:
            frame = frame[frame["target"].str.casefold() == target.casefold()]
        if condition_column is not None or condition_value is not None:
            wanted = (condition_column, condition_value)
            frame = frame[frame["conditions"].map(lambda one: _has_condition(one, *wanted)).astype(bool)]
        effect = frame["impact"].map(lambda impact: abs(impact["risk_difference"])).astype(float)
        by = {"confidence": "confidence", "sample_size": "sample_size", "recency": "updated_at"}
        first = effect if sort == "impact" else frame[by[sort]]
        order = pd.DataFrame({"first": first, "effect": effect, "id": frame["id"]})
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

    def factors(
        self, *, application_type: str | None = None, include_all: bool = False, sort: str = "worth"
    ) -> pd.DataFrame:
        """Read success factors, the surest gain or harm first; with a type, those that apply to it.

        By default each that was shown to matter, once, without those that a person suppressed; with
        `include_all` every comparison that was made, in one of its two directions.

        Raises
        ------
        ValueError
            When the order is not one of `FACTOR_ORDERS`.
        """
        if sort not in FACTOR_ORDERS:
            msg = f"sort is {sort!r}; use one of {', '.join(FACTOR_ORDERS)}"
            raise ValueError(msg)
        frame = reads.read_table(self.store, SuccessFactor)
        frame = decisions.with_decisions(self.store, "factor", frame)
        details = frame["implementation_details"]
        # Both directions of a comparison are one factor: its alternative's row says nothing more.
        is_shown = details.map(lambda one: not one["is_mirrored"]).astype(bool)
        if not include_all:
            is_shown &= details.map(lambda one: one["is_factor"]).astype(bool)
            is_shown &= frame["decision"] != "suppress"
        frame = frame[is_shown]
        if application_type is not None:
            applies = frame["applicability_conditions"].map(
                lambda where: _allows(where, "application_type", application_type)
            )
            frame = frame[applies.astype(bool)]  # of no rows, it would be read as names of columns
        effect = frame["effectiveness"].astype(float).abs()
        first = {
            "worth": factor_worth(frame),
            "effectiveness": effect,
            "confidence": frame["confidence"],
            "sample_size": frame["sample_size"],
        }
        order = pd.DataFrame({"first": first[sort], "effect": effect, "id": frame["id"]})
        order = order.sort_values(["first", "effect", "id"], ascending=[False, False, True])
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


def factor_worth(factors: pd.DataFrame) -> pd.Series:
    """Return what is at least certain of each factor's effect: the bound next to zero, or 0 beyond it."""
    sure = factors[["ci_low", "ci_high"]].astype(float)
    worth: pd.Series = sure["ci_low"].clip(lower=0) - sure["ci_high"].clip(upper=0)
    return worth


def _has_condition(conditions: Mapping[str, Any], column: str | None, value: str | None) -> bool:
    return any(
        (column is None or name.casefold() == column.casefold())
        and (value is None or str(level).casefold() == value.casefold())
        for name, level in conditions.items()
    )


def _allows(conditions: Mapping[str, Any], column: str, value: str) -> bool:
    wanted = conditions.get(column)
    allowed = wanted if isinstance(wanted, list) else [wanted]
    return wanted is None or value.casefold() in {str(one).casefold() for one in allowed}
