"""From an agent's Markdown to HTML that a page may show."""

from __future__ import annotations

from functools import cache

import nh3
from markdown_it import MarkdownIt

# No images: an agent's text may quote a customer, and a foreign image tells its host who reads it.
TAGS = {
    "p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "h3", "h4",
    "table", "thead", "tbody", "tr", "th", "td", "hr",
}  # fmt: skip


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("js-default", {"html": False, "linkify": False, "breaks": True}).disable(
        "image"
    )


def to_html(text: str) -> str:
    """Return sanitised HTML: known tags only, links to http(s) and mailto only."""
    return nh3.clean(
        _parser().render(text),
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    ).strip()
