"""Requests to the server that are tried again where that may help, and its problems as exceptions."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_AWAY = {502, 503, 504}
_TOO_MANY = 429
_CONFLICT = 409
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0
_FIRST_ERROR = 400


class MemoryProblem(Exception):  # noqa: N818 - the answer is a problem document
    """The server's answer that a request cannot be done, as its problem document (RFC 9457) says.

    Attributes
    ----------
    status
        HTTP status code.
    detail
        What is wrong and what to do, in a sentence.
    errors
        What is wrong with single fields: `field`, `value`, `remedy`, `nearest`.
    document
        The whole document, with further members such as `quarantine_id` or `job`.
    """

    def __init__(self, status: int, detail: str, document: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.errors: list[dict[str, Any]] = list(document.get("errors") or [])
        self.document = dict(document)


class MemoryUnreachable(MemoryProblem):
    """There was no answer, or the server could not work just now, however often it was asked."""


class Connection:
    """A connection to a server.

    Parameters
    ----------
    address
        Address of the server.
    token
        Token to show; None for none.
    timeout
        Seconds to wait for a connection, and between two parts of an answer.
    tries
        How often a request is sent at most.
    transport
        How httpx sends; None for the network.
    sleep
        Waits a number of seconds.
    """

    def __init__(
        self,
        address: str,
        token: str | None,
        *,
        timeout: float,
        tries: int,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if tries < 1:
            msg = f"tries is {tries}; give 1 or more"
            raise ValueError(msg)
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        # A proxy for the internet is not one for the memory, and a redirection would get the token.
        self.http = httpx.Client(
            base_url=address,
            headers=headers,
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
            trust_env=False,
        )
        self._tries = tries
        self._sleep = sleep

    def send(self, method: str, path: str, *, tries: int | None = None, **options: Any) -> httpx.Response:
        """Send a request, again with growing pauses where the server is away, and return the answer.

        Raises
        ------
        MemoryUnreachable
            When the last try had no answer, or the answer that the server cannot work just now.
        MemoryProblem
            When the server refuses the request.
        """
        tries = self._tries if tries is None else tries
        for number in range(1, tries + 1):
            response = None
            try:
                response = self.http.request(method, path, **options)
            except httpx.TransportError as error:
                if number == tries:
                    detail = f"{self.http.base_url} does not answer ({error or type(error).__name__})"
                    remedy = "start the server, or correct MEMORY_SERVER_URL"
                    raise MemoryUnreachable(0, f"{detail}; {remedy}", {}) from error
            if response is not None and (number == tries or not _may_help(response)):
                return _checked(response)
            self._sleep(_pause(number, response))
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


def _may_help(response: httpx.Response) -> bool:
    """Return whether the same request may be answered otherwise in a moment."""
    is_claimed = response.status_code == _CONFLICT and "retry-after" in response.headers
    return response.status_code in _AWAY or response.status_code == _TOO_MANY or is_claimed


def _pause(number: int, response: httpx.Response | None) -> float:
    """Return the seconds to wait after a try: what the server says, else twice as long each time."""
    said = "" if response is None else response.headers.get("retry-after", "")
    if said.isdecimal():
        return min(float(said), _LONGEST_PAUSE)
    grown: float = _FIRST_PAUSE * 2.0 ** (number - 1)
    return min(grown, _LONGEST_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311


def _checked(response: httpx.Response) -> httpx.Response:
    status = response.status_code
    if status < _FIRST_ERROR and not response.is_redirect:
        return response
    try:
        document = response.json()
    except ValueError:
        document = {}
    if not isinstance(document, dict):
        document = {}
    if response.is_redirect:
        detail = "the address leads elsewhere; give the final one as MEMORY_SERVER_URL"
    else:
        detail = str(document.get("detail") or response.reason_phrase)
    kind = MemoryUnreachable if _may_help(response) else MemoryProblem
    raise kind(status, detail, document)
