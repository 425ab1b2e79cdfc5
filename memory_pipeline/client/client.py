"""The memory behind a server as one object: the questions have the names that they have in `Memory`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import quote

from memory_pipeline.client.reporting import OUTCOMES, ReportingClient, new_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memory_pipeline.client.answers import ApproachCheck, Job, Recommendation, Row

_ALIVE = {"queued", "running"}
_DECIDED = {"pattern": "memory/patterns", "factor": "memory/factors", "member_pattern": "v1/patterns"}


class MemoryClient(ReportingClient):
    """An organisation's memory behind a server.

    Lists are iterators that fetch a page at a time. An outcome that cannot be sent waits in a folder of this
    machine and goes with the next call that succeeds; its key makes it one outcome, however often it is sent.
    Examples are in `docs/api.md`; a test runs them.

    Parameters
    ----------
    url
        Address of the server; None for `MEMORY_SERVER_URL`, else the default port of this machine.
    token
        Token to show; None for `MEMORY_TOKEN`, where there is one.
    timeout
        Seconds to wait for a connection, and between two parts of an answer.
    tries
        How often a request is sent at most, where the server is away or asks to wait.
    buffer
        Folder of the outcomes that wait; None for one for this server in the user's folder for state
        (below `MEMORY_HOME`, where that is set).
    transport, sleep
        How httpx sends, and how pauses are made, for tests.
    """

    # Advice

    def recommend(
        self,
        context: Mapping[str, Any] | None = None,
        /,
        *,
        log: bool = True,
        full: bool = False,
        **more: Any,
    ) -> Recommendation:
        """Return advice for an application that is described by what is known about it.

        Parameters
        ----------
        context
            Context columns and values; `more` are the same as keywords.
        log
            False only to look: nothing is logged, and there is no id to report.
        full
            Whether to list all approaches that were compared.
        """
        query = {"look": not log, "detail": "full" if full else "brief"}
        body = {"context": {**(context or {}), **more}}
        return cast("Recommendation", self._post("/api/memory/recommendations", body, params=query))

    def recommendations(self) -> Iterator[Row]:
        """Yield the contexts that occur with the advice for each, those with most attempts first."""
        return self.pages("/api/memory/recommendations")

    def served(self, recommendation_id: str) -> Row:
        """Return an answer that was served."""
        return self._get(f"/api/memory/recommendations/{quote(recommendation_id, safe='')}")

    def check_approach(self, context: Mapping[str, Any], approach: Mapping[str, Any]) -> ApproachCheck:
        """Return whether an approach that is about to be taken failed before; nothing is logged."""
        body = {"context": dict(context), "approach": dict(approach)}
        return cast("ApproachCheck", self._post("/api/memory/approaches/check", body))

    # Outcomes

    def outcomes(self, **filters: Any) -> Iterator[Row]:
        """Yield recorded attempts, the newest first; filters are the parameters of the list.

        Filters by context column and setting are given as `context` and `approach`, which are dicts.
        """
        for name in ("context", "approach"):
            filters |= {f"{name}.{key}": value for key, value in (filters.pop(name, None) or {}).items()}
        return self.pages(OUTCOMES, **filters)

    def outcome(self, identity: str) -> Row:
        """Return one attempt with the advice that it had and the patterns that it belongs to."""
        return self._get(f"{OUTCOMES}/{quote(identity, safe='')}")

    def quarantined(self, **filters: Any) -> Iterator[Row]:
        """Yield the records that wait in quarantine, the oldest first."""
        return self.pages("/api/memory/quarantine", **filters)

    def correct_quarantined(
        self, identity: int, record: Mapping[str, Any], *, mapping: str | None = None
    ) -> Row:
        """Store the corrected record; it leaves quarantine."""
        body = {"record": dict(record), "mapping": mapping}
        return cast("Row", self._send("PUT", f"/api/memory/quarantine/{identity}", json=body).json())

    def retry_quarantined(self, **chosen: Any) -> list[Row]:
        """Try records in quarantine again, those chosen or all."""
        return cast("list[Row]", self._post("/api/memory/quarantine/retry", chosen, key=new_key()))

    def dismiss_quarantined(self, identity: int) -> None:
        """Leave a record out for good."""
        self._send("DELETE", f"/api/memory/quarantine/{identity}")

    # Findings

    def patterns(self, **filters: Any) -> Iterator[Row]:
        """Yield patterns, by default the active ones, the most confident first."""
        return self.pages("/api/memory/patterns", **filters)

    def pattern(self, identity: str) -> Row:
        """Return one pattern with the outcomes behind it."""
        return self._get(f"/api/memory/patterns/{quote(identity, safe='')}")

    def factors(self, **filters: Any) -> Iterator[Row]:
        """Yield what single settings change, everything else being equal."""
        return self.pages("/api/memory/factors", **filters)

    def factor(self, identity: str) -> Row:
        """Return one factor with what is behind it."""
        return self._get(f"/api/memory/factors/{quote(identity, safe='')}")

    def associations(self, *, include_all: bool = False) -> Iterator[Row]:
        """Yield pairs of conditions that go together."""
        return self.pages("/api/memory/associations", include_all=include_all)

    def pattern_overlaps(self) -> Iterator[Row]:
        """Yield pairs of patterns that cover the same attempts."""
        return self.pages("/api/memory/pattern-overlaps")

    def predictability(self) -> Row:
        """Return how much of success the recorded conditions explain."""
        return self._get("/api/memory/predictability")

    def decide(
        self,
        kind: Literal["pattern", "factor", "member_pattern"],
        identity: str | int,
        decision: str | None = None,
        *,
        note: str | None = None,
        on_behalf_of: str | None = None,
    ) -> Row:
        """Decide about a finding, or note something about it, so that it survives every rebuild.

        Parameters
        ----------
        kind
            What kind of finding it is.
        identity
            Its whole id.
        decision
            `activate`, `retire` (patterns), `confirm`, `suppress` (factors) or `reset`; None leaves it.
        note
            Replaces the note; an empty text removes it, None leaves it.
        on_behalf_of
            The person for whom the program decides.
        """
        if kind not in _DECIDED:
            msg = f"kind is {kind!r}; give one of {', '.join(_DECIDED)}"
            raise ValueError(msg)
        body = {"decision": decision, "note": note, "on_behalf_of": on_behalf_of}
        path = f"/api/{_DECIDED[kind]}/{quote(str(identity), safe='')}/decision"
        return cast("Row", self._post(path, body, key=new_key()))

    def decision_log(self, **filters: Any) -> Iterator[Row]:
        """Yield decisions and notes, the newest first."""
        return self.pages("/api/memory/decisions", **filters)

    # Progress, and what the memory knows

    def status(self) -> Row:
        """Return what the memory holds, when it was last fed and rebuilt, and what it is worth."""
        return self._get("/api/memory/status")

    def vocabulary(self) -> Row:
        """Return the columns, known values and settings that questions may name."""
        return self._get("/api/memory/vocabulary")

    def learning(self, measure: str | None = None, **filters: Any) -> Iterator[Row]:
        """Yield the learning measures by month."""
        return self.pages("/api/memory/learning", measure=measure, **filters)

    def learning_summary(self) -> dict[str, str]:
        """Return where the memory stands, a sentence for each measure."""
        return cast("dict[str, str]", self._get("/api/memory/learning/summary")["sentences"])

    def explain_change(
        self,
        *,
        before: str | tuple[str, str] | None = None,
        after: str | tuple[str, str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> Row:
        """Return why success differs between two spans of months; `sentences` has it in words."""
        asked: Row = {"columns": None if columns is None else ",".join(columns)}
        for names, span in ((("from", "to"), after), (("before_from", "before_to"), before)):
            ends = (span, span) if isinstance(span, str) else span or (None, None)
            asked |= dict(zip(names, ends, strict=True))
        return self._get("/api/memory/change", {name: one for name, one in asked.items() if one is not None})

    def advice_verifications(self) -> Iterator[Row]:
        """Yield what following advice changed, as each rebuild estimated it, the newest first."""
        return self.pages("/api/memory/verification")

    def advice_changes(self) -> Iterator[Row]:
        """Yield the changes of the advice with their reasons, the newest first."""
        return self.pages("/api/memory/advice-changes")

    def member_patterns(self, **filters: Any) -> Iterator[Row]:
        """Yield patterns among the members, the largest first."""
        return self.pages("/api/v1/patterns", **filters)

    def member_pattern(self, identity: int) -> Row:
        """Return one pattern among the members."""
        return self._get(f"/api/v1/patterns/{identity}")

    def questions(self, *, category: str | None = None) -> Iterator[Row]:
        """Yield questions worth asking members."""
        return self.pages("/api/v1/questions", category=category)

    # Jobs

    def rebuild(self) -> Job:
        """Start a rebuild and return its job; `wait_for` waits for its end."""
        return cast("Job", self._post("/api/memory/rebuild", None, key=new_key()))

    def job(self, identity: str) -> Job:
        """Return how far a job is, or how it ended."""
        return cast("Job", self._get(f"/api/memory/jobs/{quote(identity, safe='')}"))

    def cancel(self, identity: str) -> Job:
        """Cancel a job; what it wrote stands."""
        return cast("Job", self._send("DELETE", f"/api/memory/jobs/{quote(identity, safe='')}").json())

    def wait_for(self, identity: str, *, poll: float = 1.0) -> Job:
        """Return a job as soon as it is over, however it ended; `poll` is in seconds."""
        while (job := self.job(identity))["state"] in _ALIVE:
            time.sleep(poll)
        return job
