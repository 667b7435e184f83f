"""Hooks and fixtures for all tests. tests/settings.py has set up folders and Valkey before this is read."""

import os

import pytest
from django.db import connection

from tests.browser_fixtures import browser, open_page, page
from tests.site import disconnect_all, make_site, seed, site

__all__ = ["browser", "make_site", "open_page", "page", "seed", "site"]

# For processes that tests start: the product's own settings; the rest of their environment is the tests'.
os.environ["DJANGO_SETTINGS_MODULE"] = "supportsite.settings"

IS_STRICT = bool(os.environ.get("CI") or os.environ.get("REQUIRE_ALL"))
HAS_POSTGRES = bool(os.environ.get("TEST_DATABASE_URL"))
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "site", "make_site"}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "browser" in fixtures:
            item.add_marker("browser")
        elif item.get_closest_marker("django_db") or fixtures & DATABASE_FIXTURES:
            item.add_marker("database")
    if not HAS_POSTGRES:
        # Not skipped: `make test` runs them a moment later, in the run on PostgreSQL.
        left = [item for item in items if item.get_closest_marker("postgres")]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    yield  # pytest-django puts the database tests first
    # Last, because Playwright keeps an event loop running in this thread until it ends, beside which no other can run.
    items.sort(key=lambda item: bool(item.get_closest_marker("browser")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """In CI a skipped test is a failed one: nothing may be missing there."""
    report = yield
    if IS_STRICT and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI does not allow: {reason}"
    return report


@pytest.fixture(scope="session")
def valkey_url():
    return os.environ["REDIS_URL"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup):
    yield
    if HAS_POSTGRES:
        # Threads that tests have used keep their connections, and a database in use cannot be dropped.
        disconnect_all(connection.settings_dict["NAME"])
