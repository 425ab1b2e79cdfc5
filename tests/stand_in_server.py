"""A small server in the place of the memory's, that answers as a test says."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class StandIn:
    """A server on a free port; `answer` is called with the handler of each request, which has its `body`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.released = threading.Event()
        self.answer: Callable[[Any], Any] = lambda handler: reply(handler, {})
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            body: Any = None

            def do_POST(self) -> None:
                self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                stand_in.requests.append((self.path, dict(self.headers), self.body))
                stand_in.answer(self)

            def log_message(self, *arguments: Any) -> None:
                """Write nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def says(self, data: Any, status: int = 200) -> None:
        """Answer every request with this."""
        self.answer = lambda handler: reply(handler, data, status)

    def never_answers(self) -> None:
        """Hold every request until the test is over."""
        self.answer = lambda _: self.released.wait()

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


def reply(handler: Any, data: Any, status: int = 200) -> None:
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    try:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
    except OSError:
        return  # the hook did not wait
