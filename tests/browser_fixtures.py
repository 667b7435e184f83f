"""Chromium as Debian packages it, driven through Playwright."""

import os
import shutil

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
def page(browser):
    """A page in a context of its own. `page.problems` collects what went wrong in it: errors, CSP reports."""
    context = browser.new_context()
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(f"error: {error}"))
    page.on("console", lambda message: _note_message(page, message))
    page.on("response", lambda response: _note_response(page, response))
    yield page
    context.close()


def _note_message(page, message):
    # What the console says of a missing file lacks its name; `_note_response` has it.
    if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
        page.problems.append(message.text)


def _note_response(page, response):
    if response.status >= 400:
        page.problems.append(f"{response.status} {response.url}")
