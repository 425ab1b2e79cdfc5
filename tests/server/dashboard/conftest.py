"""A server on a port of its own, and a real browser that looks at its pages."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from dataclasses import dataclass

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

from memory_pipeline.memory import Memory
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, or that on the path; of one module, since its event loop runs as long as it does."""
    program = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    if program is None:
        pytest.fail("no Chromium was found; install the package `chromium` (on Debian: apt install chromium)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield opened
        opened.close()


@dataclass
class Site:
    """A server that runs, and the memory that it serves."""

    address: str
    memory: Memory


@pytest.fixture
def serve():
    """Return a function that serves a memory on a free port, and returns the `Site`."""
    running = []

    def start(memory, **options):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        chosen = ServerOptions(port=port, requests_per_minute=10**6, **options)
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(memory, chosen), port=port, log_level="error", timeout_graceful_shutdown=1
            )
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.02)
        running.append((server, thread))
        return Site(f"http://127.0.0.1:{port}", memory)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def site(serve, memory):
    """A server of the rebuilt sample, for looking only; what is changed needs a copy of its own."""
    return serve(memory)


@pytest.fixture
def open_page(browser):
    """Return a function that opens a page; it fails on errors in the console, and on foreign requests."""
    opened, wrong = [], []

    def show(address: str, *, width: int = 1280, dark: bool = False, scripts: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        origin = address.split("/")[2]
        page.on(
            "request",
            lambda sent: (
                None
                if sent.url.startswith(("data:", "blob:", f"http://{origin}/"))
                else wrong.append(f"asked {sent.url}")
            ),
        )
        page.goto(address, wait_until="load")
        opened.append(context)
        return page

    yield show
    for context in opened:
        context.close()
    assert not wrong, wrong


@pytest.fixture
def wait_for_charts():
    """Return a function that scrolls through a page until all its charts are drawn."""

    def wait(page: Page) -> int:
        figures = page.locator("figure[data-chart]")
        for number in range(figures.count()):
            figures.nth(number).scroll_into_view_if_needed()
            page.locator("figure[data-chart]").nth(number).locator("svg").first.wait_for()
        assert page.locator("figure[data-drawn='no']").count() == 0
        return figures.count()

    return wait


@pytest.fixture
def assert_accessible():
    """Return a function that fails with what axe-core finds wrong on a page."""

    def check(page: Page) -> None:
        found = Axe().run(page).response["violations"]
        assert not found, [
            (one["id"], one["help"], [node["target"] for node in one["nodes"]][:3]) for one in found
        ]

    return check


@pytest.fixture
def changed(kept_sample, tmp_path):
    """A rebuilt memory of the test's own, which it may change."""
    with kept_sample.copy(tmp_path / "own") as (settings, _), Memory.open(settings) as memory:
        yield memory
