"""How fast pages are, over as many outcomes as wanted: cold, warm, and with twenty readers at once.

    python benchmarks/dashboard.py [--outcomes 10000 1000000] [--readers 20] [--looks 10]

A memory is rebuilt from 8,000 attempts of the generated organisation, and then filled up with copies of them,
so that pages have findings to show and a table to search. Each is asked once (cold), again (warm), and by
all readers at once, who change a filter with each look, and look for a while. In Chromium: the time from the
address to the drawn chart, and the bytes that came over the wire. The empty endpoint is the smallest answer.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
import uvicorn
from playwright.sync_api import sync_playwright
from serving import MULTIPLY, Server, running_server
from sqlalchemy import text

from memory_pipeline.memory import Memory
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions
from memory_pipeline.settings import Settings
from memory_pipeline.worlds import sample_organisation

if TYPE_CHECKING:
    from collections.abc import Sequence

ATTEMPTS = 8_000
EMPTY = "/healthz"
PAGES = (
    "/",
    "/outcomes",
    "/outcomes?status=failure&installer_type=msi",
    "/patterns",
    "/factors",
    "/advice",
    "/learning",
    "/change",
    "/members",
    "/admin",
)
INTERACTIONS = (
    "/outcomes?status=failure",
    "/outcomes?installer_type=exe",
    "/outcomes?approach.wrapper=psadt&status=success",
    "/patterns?sort=impact",
    "/patterns?type=failure",
    "/factors?sort=confidence",
    "/learning?segment=installer_type",
    "/advice?context.installer_type=msi",
)
"""What a reader does on a page that is open: filter, sort, choose."""
CHARTS = ("/", "/learning")
PAUSE = 5.0
"""Seconds that a reader looks at a page on average."""
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")


def make_memory(home: Path, outcomes: int) -> None:
    """Make a memory with findings and as many outcomes."""
    with Memory.open(Settings(home=home)) as memory:
        organisation = sample_organisation(attempts=ATTEMPTS)
        memory.ingest(organisation.outcomes, source="sample")
        memory.ingest(organisation.members, kind="members", source="sample")
        memory.rebuild()
        more = outcomes - ATTEMPTS
        if more > 0:
            with memory.store.transaction() as connection:
                connection.execute(text(MULTIPLY), {"times": more // ATTEMPTS + 1, "wanted": more})
            with memory.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("vacuum (analyze) packaging_outcomes"))


def serve(home: Path, port: int) -> None:
    """Serve a memory as `memory-pipeline serve` does, until the process is ended."""
    with Memory.open(Settings(home=home)) as memory:
        options = ServerOptions(port=port, requests_per_minute=10_000_000, draws_ahead=True)
        uvicorn.run(
            create_app(memory, options), host="127.0.0.1", port=port, log_level="warning", access_log=False
        )


def timed(client: httpx.Client, path: str) -> float:
    """Return the milliseconds until a page was there."""
    begin = time.perf_counter()
    reply = client.get(path, headers={"Accept": "text/html"})
    took = 1_000 * (time.perf_counter() - begin)
    reply.raise_for_status()
    return took


def look_around(address: str, looks: int, number: int) -> list[float]:
    """Return what a reader waited for each look, with a pause of some seconds before each."""
    random = np.random.default_rng(number)
    waited = []
    with httpx.Client(base_url=address, timeout=120) as client:
        for turn in range(looks):
            time.sleep(random.exponential(PAUSE))
            waited.append(timed(client, INTERACTIONS[(number + turn) % len(INTERACTIONS)]))
    return waited


def load_in_browser(address: str) -> dict[str, float]:
    """Return the seconds until the first chart of a page is drawn, and the kilobytes received, by page."""
    program = shutil.which("chromium") or "chromium"
    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        for path in CHARTS:
            context = browser.new_context()
            page = context.new_page()
            session = context.new_cdp_session(page)
            session.send("Network.enable")
            received: list[float] = []
            session.on(
                "Network.loadingFinished",
                lambda event, kept=received: kept.append(event["encodedDataLength"]),
            )
            begin = time.perf_counter()
            page.goto(address + path, wait_until="commit")
            page.locator("figure[data-drawn=yes] svg").first.wait_for(timeout=120_000)
            found[f"browser {path}, s"] = time.perf_counter() - begin
            found[f"browser {path}, kB"] = sum(received) / 1_000
            context.close()
        browser.close()
    return found


def measure(server: Server, *, readers: int, looks: int) -> dict[str, float]:
    """Return milliseconds by page and for many readers, and what that cost."""
    address = f"http://127.0.0.1:{server.port}"
    found: dict[str, float] = {}
    with httpx.Client(base_url=address, timeout=300) as client:
        found["empty, ms"] = float(np.median([timed(client, EMPTY) for _ in range(50)]))
        for path in PAGES:
            found[f"{path} cold, ms"] = timed(client, path)
        for path in PAGES:
            found[f"{path} warm, ms"] = float(np.median([timed(client, path) for _ in range(5)]))
        for path in INTERACTIONS:
            timed(client, path)
    begin = server.seconds
    with ThreadPoolExecutor(readers) as pool:
        waited = list(pool.map(lambda number: look_around(address, looks, number), range(readers)))
    every = np.concatenate([np.array(one) for one in waited])
    found[f"{readers} readers p50, ms"] = float(np.percentile(every, 50))
    found[f"{readers} readers p95, ms"] = float(np.percentile(every, 95))
    found["CPU of a look, ms"] = 1_000 * (server.seconds - begin) / len(every)
    found |= load_in_browser(address)
    found["MB after"] = server.megabytes
    return found


def measure_memory(outcomes: int, *, readers: int, looks: int) -> dict[str, float]:
    """Make a memory, serve it and measure it."""
    with tempfile.TemporaryDirectory() as folder:
        make_memory(Path(folder), outcomes)
        with running_server(serve, Path(folder)) as server:
            return measure(server, readers=readers, looks=looks)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one column for each number of outcomes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--outcomes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--looks", type=int, default=10, help="of each reader")
    options = parser.parse_args(arguments)
    found = [
        measure_memory(outcomes, readers=options.readers, looks=options.looks)
        for outcomes in options.outcomes
    ]
    print(f"{'':<56}" + "".join(f"{outcomes:>14,}" for outcomes in options.outcomes))
    for name in found[0]:
        print(f"{name:<56}" + "".join(f"{one[name]:>14.1f}" for one in found))


if __name__ == "__main__":
    main()
