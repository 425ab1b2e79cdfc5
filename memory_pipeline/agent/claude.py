"""How is Claude called, and how can a call fail?

What belongs here: the SDK's client of the Messages API, its retries and errors. What an answer means is in
`agent.conversation`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from memory_pipeline.agent.endings import ENDINGS
from memory_pipeline.agent.untrusted_text import clean
from memory_pipeline.agent.usage import estimated_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anthropic import APIStatusError
    from anthropic.types import Message
    from anthropic.types import Usage as ReportedUsage

    from memory_pipeline.agent.usage import Usage
    from memory_pipeline.settings import Settings

RETRIES = 2
LONGEST_WAIT = 60.0
"""Seconds; where a server asks for a longer wait, the call fails."""
_SHOWN = 300

_BY_TYPE = {
    "authentication_error": "wrong_key",
    "permission_error": "no_permission",
    "billing_error": "no_credit",
    "not_found_error": "unknown_model",
    "invalid_request_error": "bad_request",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limited",
    "overloaded_error": "overloaded",
    "timeout_error": "timeout",
    "api_error": "server_error",
}
_BY_CODE = {
    400: "bad_request",
    401: "wrong_key",
    402: "no_credit",
    403: "no_permission",
    404: "unknown_model",
    408: "timeout",
    413: "too_large",
    422: "bad_request",
    429: "rate_limited",
    504: "timeout",
    529: "overloaded",
}
_PASSING = {"overloaded", "server_error", "rate_limited", "no_connection", "bad_answer"}


class CallFailedError(RuntimeError):
    """A call gave no answer.

    Parameters
    ----------
    status
        One of `ENDINGS`.
    detail
        Message of the server or the SDK, shortened to a few hundred characters.
    has_begun
        Whether the answer ended early after it had begun.
    """

    def __init__(self, status: str, detail: str = "", *, has_begun: bool = False) -> None:
        self.status = status
        self.detail = clean(detail, _SHOWN)
        self.is_retryable = has_begun and status in _PASSING
        """Whether to call again; a failure before the answer begins was retried by the SDK already."""
        super().__init__(f"{ENDINGS[status]} ({self.detail})" if self.detail else ENDINGS[status])


class _WaitTooLongError(Exception):
    """The server asks for a longer wait than `LONGEST_WAIT`."""


class Claude:
    """The Messages API with the settings' key, model and limits.

    Parameters
    ----------
    settings
        Key, model, effort, timeout and whether to stream. The address is the SDK's default, or
        `ANTHROPIC_BASE_URL`.
    usage
        Counter of requests, retries and tokens.

    Raises
    ------
    CallFailedError
        `wrong_key` where the key has not the form of one, `no_connection` where the address is invalid.
    """

    def __init__(self, settings: Settings, usage: Usage) -> None:
        import anthropic  # noqa: PLC0415 - takes most of a second

        self._settings = settings
        self._usage = usage
        with _failures_explained():
            self._client = anthropic.Anthropic(
                api_key=_usable_key(settings),
                max_retries=RETRIES,
                timeout=settings.discovery_timeout,
                middleware=[self._count_request],
                # A redirect would send the key to another address.
                http_client=anthropic.DefaultHttpxClient(follow_redirects=False),
            )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def answer(self, request: Mapping[str, Any], *, max_tokens: int) -> Message:
        """Request one answer, and count what it used.

        Parameters
        ----------
        request
            `system`, `messages` and `tools`.
        max_tokens
            Most tokens of the answer.

        Raises
        ------
        CallFailedError
            When there is no answer: limits, load, timeouts, connections, keys, models, invalid answers.
        """
        effort = self._settings.discovery_effort
        whole = {
            **request,
            "model": self._settings.discovery_model,
            "max_tokens": max_tokens,
            "cache_control": {"type": "ephemeral"},
            **({"output_config": {"effort": effort}} if effort else {}),
        }
        if self._settings.discovery_streaming:
            message = self._streamed(whole)
        else:
            with _failures_explained():
                message = self._client.messages.create(**whole)
            self._usage.add(getattr(message, "usage", None))
        return _checked(message)

    def _streamed(self, whole: Mapping[str, Any]) -> Message | None:
        message: Message | None = None
        until = time.monotonic() + self._settings.discovery_timeout
        with _failures_explained():
            manager = self._client.messages.stream(**whole)
            stream = manager.__enter__()
        try:
            with _failures_explained(has_begun=True):
                for event in stream:
                    if message is not None or event.type == "message_start":
                        message = stream.current_message_snapshot
                    if time.monotonic() > until:
                        raise CallFailedError("timeout", "the answer went on for too long")
        finally:
            stream.close()
            if message is not None:
                self._usage.add(_used(message))
        return message

    def _count_request(self, request: Any, call_next: Any) -> Any:
        self._usage.requests += 1
        self._usage.retries += request.retries_taken > 0
        response = call_next(request)
        wait = _seconds(response.http_response.headers.get("retry-after"))
        if not response.http_response.is_success and wait > LONGEST_WAIT:
            raise _WaitTooLongError(f"the server asks to wait {wait:,.0f} seconds")
        return response


def _used(message: Message) -> ReportedUsage:
    """Return the usage of an answer; where it ended early, output tokens are estimated from what arrived."""
    used = message.usage
    if message.stop_reason is None:
        arrived = estimated_tokens([block.to_dict(warnings=False) for block in message.content])
        used = used.model_copy(update={"output_tokens": max(used.output_tokens or 0, arrived)})
    return used


def _usable_key(settings: Settings) -> str:
    """Return the key; raise where it has not the form of one, since a later error would disclose it."""
    key = settings.anthropic_api_key.get_secret_value().strip() if settings.anthropic_api_key else ""
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise CallFailedError("wrong_key", "it is empty or holds characters that no key has")
    return key


def _checked(message: Any) -> Message:
    """Return an answer; raise where it has not the shape of one, since the SDK accepts any JSON."""
    content, stop = getattr(message, "content", None), getattr(message, "stop_reason", None)
    if not isinstance(content, list) or not all(isinstance(getattr(b, "type", None), str) for b in content):
        raise CallFailedError("bad_answer", "it has no content", has_begun=True)
    if not isinstance(stop, str):
        raise CallFailedError("bad_answer", "it broke off before its end", has_begun=True)
    checked: Message = message
    return checked


@contextmanager
def _failures_explained(*, has_begun: bool = False) -> Iterator[None]:
    import anthropic  # noqa: PLC0415
    import httpx2  # noqa: PLC0415 - the SDK's own HTTP library; a stream lets its errors through

    def failed(status: str, error: Exception) -> CallFailedError:
        return CallFailedError(status, str(error), has_begun=has_begun)

    try:
        yield
    except anthropic.APIStatusError as error:
        raise CallFailedError(_status_of(error), _message_of(error), has_begun=has_begun) from error
    except (anthropic.APITimeoutError, httpx2.TimeoutException) as error:
        raise failed("timeout", error) from error
    except _WaitTooLongError as error:
        raise failed("rate_limited", error) from error
    except (anthropic.APIConnectionError, httpx2.TransportError) as error:
        # The SDK's message is "Connection error."; the reason is in its cause.
        cause = error.__cause__
        raise failed("no_connection", cause if isinstance(cause, Exception) else error) from error
    except httpx2.InvalidURL as error:
        raise failed("no_connection", error) from error
    except (anthropic.AnthropicError, httpx2.HTTPError, ValueError, TypeError, AttributeError) as error:
        # An answer of another shape than the API's makes the SDK's own parsing fail.
        raise failed("bad_answer", error) from error


def _status_of(error: APIStatusError) -> str:
    message = _message_of(error).casefold()
    if "credit balance" in message:
        return "no_credit"
    if "prompt is too long" in message:
        return "context_window"
    found = _BY_TYPE.get(str(error.type)) or _BY_CODE.get(error.status_code)
    if found is None:
        found = "server_error" if error.status_code >= 500 else "bad_answer"  # noqa: PLR2004
    return found


def _message_of(error: APIStatusError) -> str:
    return error.api_message or f"HTTP status {error.status_code}"


def _seconds(header: str | None) -> float:
    """Return how many seconds a server asks to wait; 0 for a date or anything else, left to the SDK."""
    try:
        return float(header or 0)
    except ValueError:
        return 0.0
