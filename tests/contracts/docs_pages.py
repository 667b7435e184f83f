"""The documentation as data: its pages, links, headings and examples."""

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])

_FENCE = re.compile(r"^```(\S*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Fence:
    """One example; `title` says what it is, `page` where it stands."""

    page: str
    language: str
    title: str
    text: str

    def __str__(self):
        return f"{self.page} {self.language} {self.title}".strip()


def name_of(page):
    return str(page.relative_to(ROOT))


def fences(page):
    found = []
    for language, rest, text in _FENCE.findall(page.read_text()):
        title = re.search(r'title="([^"]*)"', rest)
        found.append(Fence(name_of(page), language, title[1] if title else "", text))
    return found


def example(page, title):
    """Return the text of the example with this title."""
    [found] = [fence.text for fence in fences(DOCS / page) if fence.title == title]
    return found


def prose(page):
    """Return a page without its examples."""
    return _FENCE.sub("", page.read_text())


def links(page):
    return _LINK.findall(prose(page))


def anchors(page):
    """Return the ids of a page's headings, as GitHub makes them."""
    headings = [re.sub(r"[^\w\- ]", "", title.lower()) for title in _HEADING.findall(prose(page))]
    return {title.strip().replace(" ", "-") for title in headings}


def load_generator():
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
