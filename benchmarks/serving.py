"""How fast advice is served, beside an endpoint of the same server that does nothing.

    python benchmarks/serving.py [--outcomes 10000 1000000] [--requests 4000] [--unseen 60]

A memory is made for each number of outcomes, with a policy that is learned from 4,000 of them. A server
process serves it on loopback, and this process asks over one connection that stays open, in turns: an empty
endpoint behind the same access layer, and a context that was asked about before. Then come contexts that were
never asked about. What counts are the ratios, and the processor time of the server: both sides of a ratio ran
on the same machine at the same time.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import socket
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import uvicorn
from sqlalchemy import text
from starlette.responses import Response

from memory_pipeline.analysis.features import flatten_outcomes
from memory_pipeline.analysis.recommendations.current import fit_current_policy
from memory_pipeline.memory import Memory
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions
from memory_pipeline.settings import Settings
from memory_pipeline.store.frames import POLICY
from memory_pipeline.worlds import sample_organisation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LEARNED_FROM = 4_000
KNOWN = {"installer_type": "msi", "architecture": "x64"}
ADVICE, EMPTY = "/api/memory/recommendations", "/empty"
MULTIPLY = """
insert into packaging_outcomes (
    id, task_id, application_name, application_vendor, application_type, installer_type, context,
    approach_details, outcome_status, failure_reasons, occurred_at, source, source_record_id, content_hash,
    ingest_id)
select o.id || ' ' || n, task_id, application_name || ' ' || n % 50, application_vendor, application_type,
    installer_type, context, approach_details, outcome_status, failure_reasons,
    occurred_at - make_interval(secs => n * 997), source, source_record_id || ' ' || n, content_hash,
    ingest_id
from packaging_outcomes as o, generate_series(1, :times) as n
limit :wanted
"""
"""Adds copies of the outcomes that are there: other applications, earlier times."""


class Connection:
    """A connection that stays open, with as little of its own as possible.

    Parameters
    ----------
    port
        Of the server on loopback.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, path: str, body: bytes) -> tuple[float, bytes]:
        """Return the milliseconds until the whole answer was there, and its body."""
        request = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        begin = time.perf_counter()
        self._socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._socket.recv(65_536)
        head = received[:end].lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(received) < end + 4 + length:
            received += self._socket.recv(65_536)
        took = 1_000 * (time.perf_counter() - begin)
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(received.decode())
        return took, received[end + 4 :]


def make_memory(home: Path, outcomes: int) -> list[dict[str, Any]]:
    """Make a memory with as many outcomes and a policy; return contexts that nobody asked about."""
    with Memory.open(Settings(home=home)) as memory:
        memory.ingest(sample_organisation(attempts=LEARNED_FROM, members=10).outcomes, source="sample")
        frame, roles = flatten_outcomes(memory.outcomes())
        context = [column for column in roles.context if column != "application_name"]
        policy = fit_current_policy(frame, approach=roles.approach, context=context, unit="application_name")
        memory.frames.write_json(POLICY, policy.to_dict())
        more = outcomes - LEARNED_FROM
        if more > 0:
            with memory.store.transaction() as connection:
                wanted = {"times": more // LEARNED_FROM + 1, "wanted": more}
                connection.execute(text(MULTIPLY), wanted)
            with memory.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("vacuum (analyze) packaging_outcomes"))
        codes = policy.contexts.encoding.codes
        columns = [column for column in codes if codes[column].kind == "categories"]
        random = np.random.default_rng(1)
        levels = [random.permutation(codes[column].levels).tolist() for column in columns]
        whole = [dict(zip(columns, ones, strict=True)) for ones in islice(product(*levels), 5_000)]
        # Every other one leaves out two columns, over which advice then averages.
        left_out = [set(random.choice(columns, 2, replace=False)) for _ in whole]
        return [
            {column: level for column, level in one.items() if number % 2 or column not in out}
            for number, (one, out) in enumerate(zip(whole, left_out, strict=True))
        ]


def serve(home: Path, port: int) -> None:
    """Serve a memory until the process is ended."""
    with Memory.open(Settings(home=home)) as memory:
        app = create_app(memory, ServerOptions(port=port, requests_per_minute=10_000_000))

        @app.post(EMPTY)
        async def empty() -> Response:
            return Response(b"{}", media_type="application/json")

        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


@dataclass
class Server:
    """A server process: its port, and what it costs."""

    port: int
    process: psutil.Process

    @property
    def seconds(self) -> float:
        """Processor time so far."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        return float(self.process.memory_info().rss / 2**20)


def measure(
    server: Server, unseen: Iterator[dict[str, Any]], *, requests: int, never: int
) -> dict[str, float]:
    """Ask, and return latencies in milliseconds, answers a second of processor time, and memory."""
    connection = Connection(server.port)
    known, nothing = json.dumps({"context": KNOWN}).encode(), b"{}"
    for _ in range(200):
        connection.post(EMPTY, nothing)
        connection.post(ADVICE, known)
    took: dict[str, list[float]] = {"empty": [], "warm": [], "never seen": []}
    before = server.megabytes
    for _ in range(requests):
        took["empty"].append(connection.post(EMPTY, nothing)[0])
        took["warm"].append(connection.post(ADVICE, known)[0])
    after = server.megabytes
    cost = {}
    for name, path, body in (("empty", EMPTY, nothing), ("warm", ADVICE, known)):
        begin = server.seconds
        for _ in range(requests):
            connection.post(path, body)
        cost[name] = requests / (server.seconds - begin)
    begin = server.seconds
    for context in islice(unseen, never):
        took["never seen"].append(connection.post(ADVICE, json.dumps({"context": context}).encode())[0])
    found = {
        f"{name} p{share}": float(np.percentile(ones, share))
        for name, ones in took.items()
        for share in (50, 99)
    }
    return found | {
        "warm / empty p50": found["warm p50"] / found["empty p50"],
        "warm / empty p99": found["warm p99"] / found["empty p99"],
        "empty answers/s of a core": cost["empty"],
        "warm answers/s of a core": cost["warm"],
        "never seen, CPU ms": 1_000 * (server.seconds - begin) / never,
        "MB before": before,
        "MB after": after,
    }


def measure_memory(outcomes: int, *, requests: int, never: int) -> dict[str, float]:
    """Make a memory, serve it and measure it."""
    with tempfile.TemporaryDirectory() as folder:
        unseen = make_memory(Path(folder), outcomes)
        with running_server(serve, Path(folder)) as server:
            return measure(server, iter(unseen), requests=requests, never=never)


@contextmanager
def running_server(serve_memory: Callable[[Path, int], None], folder: Path) -> Iterator[Server]:
    """Run a server of the memory in a folder, in a process of its own, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(target=serve_memory, args=(folder, port))
    process.start()
    try:
        wait_for(port)
        yield Server(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.join()


def wait_for(port: int) -> None:
    """Wait until a server answers."""
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server did not begin to answer within a minute")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one column for each number of outcomes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--outcomes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--requests", type=int, default=4_000, help="warm answers; memory is that after them")
    parser.add_argument("--unseen", type=int, default=60, help="contexts that were never asked about")
    options = parser.parse_args(arguments)
    found = [
        measure_memory(outcomes, requests=options.requests, never=options.unseen)
        for outcomes in options.outcomes
    ]
    print(f"{'':<28}" + "".join(f"{outcomes:>14,}" for outcomes in options.outcomes))
    for name in found[0]:
        print(f"{name:<28}" + "".join(f"{one[name]:>14.2f}" for one in found))


if __name__ == "__main__":
    main()
