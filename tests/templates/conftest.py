import itertools
import sys
from importlib import import_module
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.admin import sites

from agents import registry

_numbers = itertools.count(1)

SHOP = """\
slug: shop
name: Shop
greeting: Hello!
agents:
  - name: orders
    label: Orders
    description: The state of orders.
    prompt: You look after orders of {company}.
    tools:
      - name: get_order
    intents:
      - name: where_is_it
        examples: [where is my order]
        tool: get_order
"""


@pytest.fixture
def _keep_admin(settings):
    """Load the pages before the installed apps change: unfold then puts an empty admin site in place."""
    import_module(settings.ROOT_URLCONF)
    before = sites.site
    yield
    admin.site = sites.site = before


@pytest.fixture
def make_app(tmp_path, monkeypatch, _keep_admin, settings):
    """Install an app made of files: `make_app(tools="…", template="…")`; returns its folder."""

    def make(**files: str) -> Path:
        name = f"madeupapp{next(_numbers)}"
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").touch()
        for stem, text in files.items():
            suffix = ".yaml" if stem == "template" else ".py"
            (folder / f"{stem}{suffix}").write_text(text)
        sys.modules.pop(name, None)
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, name]
        registry.forget()
        return folder

    monkeypatch.syspath_prepend(tmp_path)
    yield make
    registry.forget()


@pytest.fixture
def no_verticals(_keep_admin, settings):
    settings.INSTALLED_APPS = [
        app for app in settings.INSTALLED_APPS if not app.startswith("agents.verticals.")
    ]
    registry.forget()
