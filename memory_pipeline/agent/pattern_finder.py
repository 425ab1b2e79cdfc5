"""Which patterns does Claude find among the members, and how did the discovery end?

Claude proposes patterns; code verifies each and stores those that hold.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from memory_pipeline.agent.claude import CallFailedError, Claude
from memory_pipeline.agent.conversation import Conversation
from memory_pipeline.agent.endings import COMPLETE, ENDINGS
from memory_pipeline.agent.pattern_saver import PatternSaver
from memory_pipeline.agent.prompt import LEAST_PATTERNS, checked_focus
from memory_pipeline.agent.toolbox import Toolbox
from memory_pipeline.agent.usage import PRICES_AS_OF, Budget, Usage
from memory_pipeline.agent.visible_labels import shown_labels
from memory_pipeline.store.discovery import finish_run, start_run
from memory_pipeline.store.rebuilds import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.members.labels import MemberLabels
    from memory_pipeline.service.members import MemberService

_FEWEST_LABELS = 2


@dataclass(frozen=True)
class Discovery:
    """The result of a discovery.

    Attributes
    ----------
    run_id
        Id of its row in `discovery_runs`.
    status
        One of `ENDINGS`.
    message
        The status in words: what is missing and what to do.
    focus_areas
        Areas that it was asked to look at first.
    usage
        Model, turns, requests, retries, refusals, tokens, and cost in US dollars (None: unknown).
    claims
        The model's proposals: `name`, `verdict` (created, updated, refused), `reason`, `pattern_id`.
    summary
        Text of the model's last answer; unverified.
    """

    run_id: str
    status: str
    message: str
    focus_areas: tuple[str, ...]
    usage: Usage
    claims: tuple[dict[str, Any], ...] = ()
    summary: str = ""
    prices_as_of: str = field(default=PRICES_AS_OF.isoformat(), init=False)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return self.status in COMPLETE

    def counted(self, verdict: str) -> int:
        """Count the claims that were created, updated or refused."""
        return sum(claim["verdict"] == verdict for claim in self.claims)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-able values."""
        return asdict(self) | {"is_complete": self.is_complete}


class PatternFinderAgent:
    """Looks for patterns among a memory's members with Claude, and stores those that are verified.

    Parameters
    ----------
    memory
        The memory (a `memory_pipeline.memory.Memory` is one); its settings name model, limits, key,
        community, and the fewest members of a pattern and of a label that is shown to Claude.
    """

    def __init__(self, memory: MemberService) -> None:
        self.memory = memory

    def discover_patterns(
        self, focus_areas: Sequence[str] | None = None, *, trigger: str = "program"
    ) -> Discovery:
        """Find patterns, preferably in the given areas, and store them.

        Each pattern is stored as soon as it is verified, so that a discovery which ends early keeps what it
        found. How it ended, and what it used, is in the result and in `discovery_runs`; the log of the
        analysis has it too.

        Parameters
        ----------
        focus_areas
            What to look at first.
        trigger
            Who or what asked for it, for the log of the analysis.

        Returns
        -------
        Discovery
            Also where the API failed; see its `status` and `message`.

        Raises
        ------
        ValueError
            When a focus area is too long, or there are too many.
        DiscoveryInProgressError
            When another process runs a discovery on this memory.
        """
        focus = checked_focus(focus_areas)
        settings, store = self.memory.settings, self.memory.store
        usage = Usage(settings.discovery_model)
        with store.discovery_lock():
            labels = self.memory.member_labels()
            began_at = clock(store)
            run_id = start_run(store, model=settings.discovery_model, focus_areas=focus)
            toolbox = self._toolbox(labels, run_id)
            status, detail, summary = "failed", "", ""
            try:
                status, detail, summary = self._converse(toolbox, usage, focus)
            except KeyboardInterrupt:
                status = "interrupted"
                raise
            except Exception as error:
                detail = type(error).__name__
                raise
            finally:
                result = Discovery(
                    run_id=run_id,
                    status=status,
                    message=_message(status, detail, toolbox),
                    focus_areas=focus,
                    usage=usage,
                    claims=tuple(toolbox.claims),
                    summary=summary,
                )
                row = _row(result)
                finish_run(store, run_id, row)
                self.memory.log_discovery(
                    {"id": run_id, **row},
                    trigger=trigger,
                    began_at=began_at,
                    is_complete=result.is_complete,
                )
                if result.counted("created") + result.counted("updated"):
                    self.memory.refresh_questions()
        return result

    def _toolbox(self, labels: MemberLabels, run_id: str) -> Toolbox:
        fewest = self.memory.settings.min_group_size
        saver = PatternSaver(
            labels=labels,
            shown=shown_labels(labels, min_group_size=fewest),
            store=self.memory.store,
            min_group_size=fewest,
            origin={"run_id": run_id, "model": self.memory.settings.discovery_model},
        )
        return Toolbox(saver)

    def _converse(self, toolbox: Toolbox, usage: Usage, focus: Sequence[str]) -> tuple[str, str, str]:
        settings = self.memory.settings
        key = settings.anthropic_api_key
        if key is None or not key.get_secret_value().strip():
            return "no_key", "", ""
        if toolbox.saver.shown.count < _FEWEST_LABELS:
            return "too_few_members", "", ""
        try:
            claude = Claude(settings, usage)
        except CallFailedError as failure:
            return failure.status, failure.detail, ""
        with closing(claude):
            conversation = Conversation.begin(
                claude,
                toolbox,
                usage=usage,
                budget=Budget(settings.discovery_max_tokens, settings.discovery_max_cost),
                settings=settings,
                focus_areas=focus,
            )
            status = conversation.run()
        return status, conversation.detail, conversation.summary


def _message(status: str, detail: str, toolbox: Toolbox) -> str:
    """Write how a discovery ended, what was stored, and what is missing."""
    parts = [f"{ENDINGS[status]} ({detail})" if detail else ENDINGS[status]]
    if status == "no_key":
        return parts[0]
    saved = toolbox.counted("created") + toolbox.counted("updated")
    refused = toolbox.counted("refused")
    parts.append(f"Stored: {saved} verified pattern{'s' * (saved != 1)}; refused: {refused}.")
    if status in COMPLETE:
        if saved < LEAST_PATTERNS:
            parts.append(f"That is fewer than the {LEAST_PATTERNS} looked for.")
    else:
        kept = "What was stored stays; what" if saved else "What"
        parts.append(f"{kept} Claude had yet to propose is missing.")
    return " ".join(parts)


def _row(result: Discovery) -> dict[str, Any]:
    """Return a result as columns of `discovery_runs`."""
    used = asdict(result.usage)
    return {
        **used,
        "status": result.status,
        "message": result.message,
        "summary": result.summary or None,
        "claims": list(result.claims),
        "patterns_created": result.counted("created"),
        "patterns_updated": result.counted("updated"),
        "claims_refused": result.counted("refused"),
    }
