"""Search in a vertical's help articles, the same for every vertical."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Protocol

FOUND = 3
STOP = frozenset(
    ("the", "and", "for", "you", "your", "our", "how", "can", "what", "when", "where", "are")
)


class Article(Protocol):
    """What a help article has to have. `keywords` are found like the title, and shown to nobody."""

    title: Any
    keywords: Any
    body: Any


def search_articles(articles: Iterable[Article], query: str) -> dict[str, Any]:
    """Return the articles that share most words with a query, best first, as a tool's result."""
    words = _words(query)
    scored = sorted(((_score(a, words), a) for a in articles), key=lambda pair: -pair[0])
    best = [article for score, article in scored if score > 0][:FOUND]
    return {
        "articles": [{"title": a.title, "text": a.body} for a in best],
        "summary": best[0].body if best else "I found nothing about that in our help pages.",
    }


def _score(article: Article, words: set[str]) -> int:
    """Count shared words: in the title and the key words thrice, in the text once."""
    head = _words(f"{article.title} {article.keywords}")
    return 3 * len(words & head) + len(words & _words(article.body))


def _words(text: str) -> set[str]:
    # A plural finds its singular.
    return {word.rstrip("s") for word in re.findall(r"[a-z]{3,}", text.casefold())} - STOP
