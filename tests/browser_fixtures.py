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
    page.on(
        "console",
        lambda message: (
            page.problems.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    yield page
    context.close()
