"""Chromium as Debian packages it, driven through Playwright."""

import os
import shutil
from urllib.parse import urlsplit

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
OWN_HOSTS = ("127.0.0.1", None)  # data: and blob: have no host


def find_chromium():
    return (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )


@pytest.fixture(scope="session")
def browser():
    program = find_chromium()
    if not program:
        pytest.skip("Chromium is not installed (apt install chromium, or set CHROMIUM)")
    # Here, so that a run without browser tests does not pay for it.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(open_page):
    """A page in a context of its own."""
    return open_page()


@pytest.fixture
def open_page(browser):
    """Open pages, each in a context of its own: `open_page(viewport=…, color_scheme=…)`.

    `page.problems` collects what went wrong in one: errors, refused files, CSP reports, requests to other hosts.
    """
    contexts, pages = [], []

    def watch(page):
        pages.append(page)
        _watch(page)

    def open_one(**options):
        contexts.append(browser.new_context(**options))
        contexts[-1].on("page", watch)  # also those that a test or a link opens
        return contexts[-1].new_page()

    open_one.pages = pages
    yield open_one
    for context in contexts:
        context.close()


def _watch(page):
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(f"error: {error}"))
    page.on("console", lambda message: _note_message(page, message))
    page.on("request", lambda request: _note_address(page, request.url))
    page.on("websocket", lambda socket: _note_address(page, socket.url))
    page.on("response", lambda response: _note_response(page, response))


def _note_message(page, message):
    # What the console says of a missing file lacks its name; `_note_response` has it.
    if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
        page.problems.append(message.text)


def _note_address(page, url):
    if urlsplit(url).hostname not in OWN_HOSTS:
        page.problems.append(f"asked a foreign host: {url}")


def _note_response(page, response):
    if response.status >= 400:
        page.problems.append(f"{response.status} {response.url}")
