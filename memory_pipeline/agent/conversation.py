"""How does a discovery proceed, answer by answer, until Claude has finished or a limit is reached?"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memory_pipeline.agent.claude import CallFailedError
from memory_pipeline.agent.prompt import CUT_OFF, NUDGE, system_prompt, task
from memory_pipeline.agent.tools import TOOLS
from memory_pipeline.agent.untrusted_text import clean
from memory_pipeline.agent.usage import estimated_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anthropic.types import Message

    from memory_pipeline.agent.claude import Claude
    from memory_pipeline.agent.toolbox import Toolbox
    from memory_pipeline.agent.usage import Budget, Usage
    from memory_pipeline.settings import Settings

_SUMMARY = 2000
_CUTS = 2
_NUDGES = 1
_CALLS_AT_ONCE = 20


@dataclass
class Conversation:
    """One conversation; `run` carries it out and returns how it ended.

    Attributes
    ----------
    claude, toolbox
        The model, and the tools that it calls.
    usage, budget, max_turns
        What was used so far, and the limits.
    system
        The system prompt.
    messages
        The messages so far.
    summary
        Text of the model's last answer.
    detail
        Message of the API about the ending, where there is one.
    """

    claude: Claude
    toolbox: Toolbox
    usage: Usage
    budget: Budget
    max_turns: int
    system: str
    messages: list[dict[str, Any]]
    summary: str = ""
    detail: str = ""
    _nudges: int = field(default=0, init=False)
    _cuts: int = field(default=0, init=False)

    @classmethod
    def begin(
        cls,
        claude: Claude,
        toolbox: Toolbox,
        *,
        usage: Usage,
        budget: Budget,
        settings: Settings,
        focus_areas: Sequence[str],
    ) -> Conversation:
        """Create a conversation with the task as its first message."""
        return cls(
            claude=claude,
            toolbox=toolbox,
            usage=usage,
            budget=budget,
            max_turns=settings.discovery_max_turns,
            system=system_prompt(settings),
            messages=[{"role": "user", "content": task(focus_areas)}],
        )

    def run(self) -> str:
        """Carry the conversation out to its end, and return which of `ENDINGS` it is."""
        is_second_try = False
        while True:
            if self.usage.turns >= self.max_turns:
                return "max_turns"
            request = {"system": self.system, "messages": self.messages, "tools": list(TOOLS)}
            room = self.budget.room(self.usage, estimated_tokens(request))
            if not room:
                return "max_spend"
            try:
                answer = self.claude.answer(request, max_tokens=room)
            except CallFailedError as failure:
                if failure.is_retryable and not is_second_try:
                    is_second_try = True
                    self.usage.retries += 1
                    continue
                self.detail = failure.detail
                return failure.status
            is_second_try = False
            self.usage.turns += 1
            ending = self._take(answer)
            if ending is not None:
                return ending

    def _take(self, answer: Message) -> str | None:
        """Act on an answer; return the ending, or None to go on."""
        match answer.stop_reason:
            case "refusal":
                self.usage.refusals += 1
                self.detail = _refusal(answer)
                return "refusal"
            case "model_context_window_exceeded":
                return "context_window"
            case "max_tokens":
                return self._cut_off()
        self._append("assistant", [_echo(block) for block in answer.content])
        self.summary = _text_of(answer) or self.summary
        calls = [block for block in answer.content if block.type == "tool_use"]
        if calls:
            self._append("user", [self._result(call, number) for number, call in enumerate(calls)])
        # A paused turn is sent back as it is, and goes on.
        return None if calls or answer.stop_reason == "pause_turn" else self._finished()

    def _finished(self) -> str | None:
        """Return the ending where something was proposed; otherwise ask once more and return None."""
        if self.toolbox.claims:
            return "complete"
        self._nudges += 1
        if self._nudges > _NUDGES:
            return "nothing_proposed"
        self._append("user", NUDGE)
        return None

    def _cut_off(self) -> str | None:
        """Drop an answer that was cut off, since a tool call in it may be incomplete."""
        self._cuts += 1
        if self._cuts > _CUTS:
            return "max_tokens"
        self._append("user", CUT_OFF)
        return None

    def _result(self, call: Any, number: int) -> dict[str, Any]:
        if number >= _CALLS_AT_ONCE:
            result, is_error = f'{{"refused": "at most {_CALLS_AT_ONCE} calls at once; call again"}}', True
        else:
            result, is_error = self.toolbox.call(str(call.name), call.input)
        return {"type": "tool_result", "tool_use_id": call.id, "content": result, "is_error": is_error}

    def _append(self, role: str, content: Any) -> None:
        self.messages.append({"role": role, "content": content})


def _echo(block: Any) -> dict[str, Any]:
    """Return a part of an answer as it is sent back, with tool input as an object of valid Unicode."""
    plain: dict[str, Any] = block.to_dict(warnings=False)
    if plain.get("type") == "tool_use":
        given = plain.get("input")
        whole = json.dumps(given if isinstance(given, dict) else {}, ensure_ascii=False)
        plain["input"] = json.loads(whole.encode("utf-8", "replace"))
    return plain


def _text_of(answer: Message) -> str:
    return clean(" ".join(str(b.text) for b in answer.content if b.type == "text" and b.text), _SUMMARY)


def _refusal(answer: Message) -> str:
    details = answer.stop_details
    if details is None:
        return ""
    return clean(": ".join(filter(None, (details.category, details.explanation))), 300)
