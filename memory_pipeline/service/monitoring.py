"""Is the memory worth its keep: effectiveness, learning, effort, quality and use, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.names import ADVICE_GAIN, PRIOR_KNOWLEDGE
from memory_pipeline.service.advice import AdviceService
from memory_pipeline.service.descriptions import KnownValues
from memory_pipeline.service.outcome_summaries import OutcomeSummaryService
from memory_pipeline.service.progress import ProgressService
from memory_pipeline.store import monitoring as counts
from memory_pipeline.store import reads
from memory_pipeline.store.models import AdviceVerification

if TYPE_CHECKING:
    from collections.abc import Mapping

TOPICS = ("effectiveness", "learning-rate", "performance", "quality", "usage")
"""What `monitored` answers."""
_REASONS = 3
_ASKED_DAYS = 90
_MOST_VALUES = 2_000
_MOST_UNKNOWN = 50
_NOT_ADJUSTED = (
    "Nothing is adjusted: the groups differ in their applications and in when they were attempted, and easy "
    "cases may be advised more often. Whether following advice helped is answered under effectiveness."
)
_SKILL = "How well earlier months foretold a month: 0 is the base rate, 1 foretells everything."
_ANSWERS = (
    "Months are those of the answers; `said` are those of which an attempt says whether they were followed. "
    "Seconds are those until the memory had the answer, without the way to who asked."
)
_INDEPENDENT = "Intervals of shares are Wilson's 95% intervals, which treat attempts as independent."


@dataclass(frozen=True, eq=False)
class Monitored:
    """What is known about one topic.

    Attributes
    ----------
    topic
        One of `TOPICS`.
    sentence
        Where the memory stands, or what to do where there is nothing to show.
    tables
        Frames by name; shares are between 0 and 1.
    notes
        How to read the tables.
    """

    topic: str
    sentence: str
    tables: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the topic as one flat document; its tables are frames."""
        return {
            "topic": self.topic,
            "sentence": self.sentence,
            "notes": list(self.notes),
            **self.tables,
        }


class MonitoringService(AdviceService, ProgressService, OutcomeSummaryService):
    """Questions of whoever answers for the memory."""

    def monitored(self, topic: str) -> Monitored:
        """Return what is known about a topic.

        Parameters
        ----------
        topic
            One of `TOPICS`: `effectiveness` (verified gain of following advice, by rebuild), `learning-rate`
            (how well earlier months foretell a month), `performance` (durations, retries, interventions),
            `quality` (success and reasons of failure by month), `usage` (answers and what became of them).

        Raises
        ------
        ValueError
            When there is no such topic.
        """
        answers = {
            "effectiveness": self._effectiveness,
            "learning-rate": self._learning_rate,
            "performance": self._performance,
            "quality": self._quality,
            "usage": self._usage,
        }
        if topic not in answers:
            raise ValueError(f"topic is {topic!r}; use one of {', '.join(TOPICS)}")
        return answers[topic]()

    def _effectiveness(self) -> Monitored:
        verified = reads.read_table(self.store, AdviceVerification)
        verified = verified.sort_values("id", ascending=False, ignore_index=True)
        if verified.empty:
            reason = _as_sentence(self.learning_summary()[ADVICE_GAIN])
            sentence = (
                f"{reason[:-1]}: ask with `memory-pipeline recommend`, report the attempt with its "
                "recommendation_id, and rebuild."
            )
        else:
            sentence = str(verified["reason"].iloc[0])
        columns = ["verified_at", "verdict", "gain", "ci_low", "ci_high", "followed", "not_followed"]
        columns += ["control", "comparable", "units", "sufficient", "conclusive", "method"]
        notes = ("A row for each rebuild, the newest first; gain is success with the advice less without.",)
        return Monitored("effectiveness", sentence, {"rebuilds": verified[columns]}, notes)

    def _learning_rate(self) -> Monitored:
        rows = self.learning(PRIOR_KNOWLEDGE, segment_column="whole")
        rows = rows.assign(month=rows["period_start"].map("{:%Y-%m}".format))
        sentence = self.learning_summary()[PRIOR_KNOWLEDGE]
        if rows.empty:
            sentence = (
                f"{sentence[:1].upper()}{sentence[1:]}: record outcomes of several months, and rebuild."
            )
        frame = rows[["month", "value", "ci_low", "ci_high", "sample_size"]]
        return Monitored("learning-rate", sentence, {"months": frame}, (_SKILL,))

    def _performance(self) -> Monitored:
        tables = {
            name: _with_shares(
                counts.count_effort(self.store, by),
                {"retried": "retries_recorded", "interventions": "attempts"},
            )
            for name, by in (
                ("by_advice", counts.ADVICE),
                ("since_advice", counts.SINCE_ADVICE),
                ("months", counts.MONTH),
            )
        }
        attempts, timed = (int(tables["months"][name].sum()) for name in ("attempts", "durations"))
        if not attempts:
            sentence = "No attempt is recorded: `memory-pipeline ingest outcomes FILE`."
        elif not timed:
            sentence = (
                f"None of {attempts:,} attempts says how long it took: report duration_seconds in "
                "performance_metrics."
            )
        else:
            sentence = f"{timed:,} of {attempts:,} attempts say how long they took."
        return Monitored("performance", sentence, tables, (_NOT_ADJUSTED, _INDEPENDENT))

    def _quality(self) -> Monitored:
        summary = self.outcome_summary()
        months = summary.months.assign(month=summary.months["month"].map("{:%Y-%m}".format))
        reasons = _with_shares(
            counts.count_reasons(self.store, most=_REASONS), {"attempts": "unsuccessful"}, keep="attempts"
        )
        if not summary.attempts:
            sentence = "No attempt is recorded: `memory-pipeline ingest outcomes FILE`."
        else:
            sentence = (
                f"{summary.success_rate:.0%} of {summary.attempts:,} attempts succeeded (95% interval "
                f"{summary.ci_low:.0%} to {summary.ci_high:.0%})."
            )
        notes = (
            _INDEPENDENT,
            f"Reasons: the {_REASONS} most frequent of a month; shares are of its unsuccessful attempts.",
        )
        return Monitored("quality", sentence, {"months": months, "reasons": reasons}, notes)

    def _usage(self) -> Monitored:
        self.store_served()
        months = _with_shares(counts.count_answers(self.store), {"reported": "answers", "followed": "said"})
        answers, reported = (int(months[name].sum()) for name in ("answers", "reported"))
        if answers:
            sentence = (
                f"{answers:,} answers were given, {int(months['withheld'].sum()):,} of them withheld to "
                f"measure; attempts name {reported:,} of them, and {int(months['followed'].sum()):,} were "
                "followed."
            )
        else:
            sentence = "Nobody has asked yet: `memory-pipeline recommend`, the page Advice, or the interface."
        notes = (
            _ANSWERS,
            f"Unknown values: asked for in the last {_ASKED_DAYS} days, never recorded or too rarely.",
            _INDEPENDENT,
        )
        tables = {
            "months": months,
            "doors": _with_shares(
                counts.count_doors(self.store), {"reported": "answers", "followed": "said"}
            ),
            "sources": counts.count_sources(self.store),
            "unknown_values": self._unknown_values(),
        }
        return Monitored("usage", sentence, tables, notes)

    def _unknown_values(self) -> pd.DataFrame:
        """Read the values that were asked for and that the policy does not know, the most frequent first."""
        since = datetime.now(tz=UTC) - timedelta(days=_ASKED_DAYS)
        asked = counts.count_asked_values(self.store, since=since, most=_MOST_VALUES)
        found = []
        try:
            known = KnownValues.of_context(self.current_policy.read()) if len(asked) else None
        except FileNotFoundError:
            known = None
        if known is not None:
            for column, value, answers, last in asked.itertuples(index=False):
                found += [(column, one, answers, last) for one in known.unknown(column, value)]
        frame = pd.DataFrame(found, columns=["column", "value", "answers", "last_asked"])
        together = frame.groupby(["column", "value"], as_index=False).agg(
            answers=("answers", "sum"), last_asked=("last_asked", "max")
        )
        order = together.sort_values(["answers", "column", "value"], ascending=[False, True, True])
        return order.head(_MOST_UNKNOWN).reset_index(drop=True)


def _as_sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


def _with_shares(frame: pd.DataFrame, shares: Mapping[str, str], *, keep: str | None = None) -> pd.DataFrame:
    """Add for each count its share of another, with Wilson's 95% interval; not a number where that is 0.

    Parameters
    ----------
    frame
        Counts.
    shares
        Column of a count and column of what it is a share of.
    keep
        The column whose share is called `share`; those of others begin with their name.
    """
    from memory_pipeline.analysis.stats.intervals import wilson_interval  # noqa: PLC0415 - needs scipy

    for count, total in shares.items():
        name = "" if count == keep else f"{count}_"
        rows = [
            (k / n, *wilson_interval(k, n)) if n else (float("nan"),) * 3
            for k, n in zip(frame[count], frame[total], strict=True)
        ]
        added = pd.DataFrame(
            rows, columns=[f"{name}share", f"{name}ci_low", f"{name}ci_high"], index=frame.index, dtype=float
        )
        frame = pd.concat([frame, added], axis=1)
    return frame
