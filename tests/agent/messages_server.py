"""A local HTTP server that speaks the Messages API, streaming or not, as a script tells it.

A script is a function from the request's body (a dict) and its number (from 0) to a `Reply`, or to anything
that `Reply.raw` can say: what real servers, gateways and attackers send.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def text(words):
    return {"type": "text", "text": words}


def call(name, arguments, identity="toolu_1"):
    return {"type": "tool_use", "id": identity, "name": name, "input": arguments}


@dataclass
class Reply:
    """One answer; `content` and `stop_reason` as in the API, the rest is what can go wrong on the way."""

    content: list = field(default_factory=list)
    stop_reason: str | None = "end_turn"
    usage: dict = field(default_factory=lambda: {"input_tokens": 1000, "output_tokens": 100})
    stop_details: dict | None = None
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes | None = None  # instead of everything above
    content_type: str = "application/json"
    breaks_off: bool = False  # the connection is closed in the middle
    wait: float = 0.0  # seconds before the answer
    stream_error: dict | None = None  # an error event in the middle of a stream
    broken_json: bool = False  # a tool's input that is no JSON

    @classmethod
    def error(cls, status, kind, message="said by the server", **headers):
        body = {"type": "error", "error": {"type": kind, "message": message}}
        return cls(status=status, body=json.dumps(body).encode(), headers=headers)

    def message(self, number):
        return {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": "claude-test",
            "content": self.content,
            "stop_reason": self.stop_reason,
            "stop_sequence": None,
            "stop_details": self.stop_details,
            "usage": self.usage,
        }

    def events(self, number):
        """Give the same message as the events of a stream."""
        empty = {**self.message(number), "content": [], "stop_reason": None}
        empty["usage"] = {**self.usage, "output_tokens": 1}
        yield {"type": "message_start", "message": empty}
        yield {"type": "ping"}
        for index, block in enumerate(self.content):
            yield from self._block(index, block)
        if self.stream_error is not None:
            yield {"type": "error", "error": self.stream_error}
            return
        if not self.breaks_off:
            delta = {
                "stop_reason": self.stop_reason,
                "stop_sequence": None,
                "stop_details": self.stop_details,
            }
            yield {"type": "message_delta", "delta": delta, "usage": self.usage}
            yield {"type": "message_stop"}

    def _block(self, index, block):
        if block["type"] == "tool_use":
            start = {**block, "input": {}}
            said = "{no json" if self.broken_json else json.dumps(block["input"])
            half = len(said) // 2
            deltas = [{"type": "input_json_delta", "partial_json": one} for one in (said[:half], said[half:])]
        else:
            start = {**block, "text": ""}
            deltas = [{"type": "text_delta", "text": block["text"]}]
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}


class MessagesServer:
    """A server at `url`; `requests` holds the bodies and `headers` the headers of all requests."""

    def __init__(self, script):
        self.script = script
        self.requests = []
        self.headers = []
        self.url = ""

    def sent(self):
        """Give everything that was ever sent, as one text."""
        return json.dumps(self.requests, ensure_ascii=False)

    def tool_results(self):
        """Give what the tools said in the last request: (parsed content, is_error), in order."""
        return [
            (json.loads(block["content"]), block.get("is_error", False))
            for message in self.requests[-1]["messages"]
            if message["role"] == "user" and isinstance(message["content"], list)
            for block in message["content"]
            if block["type"] == "tool_result"
        ]


@contextmanager
def serving(script):
    """Run a `MessagesServer` on a free port of the loopback address."""
    server = MessagesServer(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path != "/v1/messages":
                self._send(404, b"{}", "application/json", {})
                return
            number = len(server.requests)
            server.requests.append(body)
            server.headers.append(dict(self.headers))
            reply = server.script(body, number)
            time.sleep(reply.wait)
            if reply.body is not None or reply.status != 200:
                self._send(reply.status, reply.body or b"", reply.content_type, reply.headers)
            elif body.get("stream"):
                self._stream(reply, number)
            else:
                whole = json.dumps(reply.message(number)).encode()
                self._send(200, whole, reply.content_type, reply.headers, cut=reply.breaks_off)

        def _send(self, status, body, content_type, headers, *, cut=False):
            self.send_response(status)
            for name, value in {"content-type": content_type, **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = cut

        def _stream(self, reply, number):
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            for event in reply.events(number):
                self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()
            self.close_connection = True

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{httpd.server_port}"
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
