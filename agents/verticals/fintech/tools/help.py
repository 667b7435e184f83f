"""What the bank tells everybody, signed in or not."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from agents.tools import ToolContext, support_tool
from agents.verticals.fintech.models import HelpArticle

FOUND = 3
STOP = frozenset(
    ("the", "and", "for", "you", "your", "our", "how", "can", "what", "when", "where", "are")
)

Query = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=200),
    Field(description="A few key words, for example dispute a payment"),
]


@support_tool(effect="read")
async def search_help(ctx: ToolContext, query: Query) -> dict[str, Any]:
    """Search the bank's help: cards, PIN, fees, cash, transfers, top-ups, exchange, identity, security.

    Use it for every question about how the bank works; do not answer such questions from memory.
    """
    words = _words(query)
    articles = [article async for article in HelpArticle.objects.all()]
    scored = sorted(((_score(a, words), a) for a in articles), key=lambda pair: -pair[0])
    best = [article for score, article in scored if score > 0][:FOUND]
    return {
        "articles": [{"title": a.title, "text": a.body} for a in best],
        "summary": best[0].body if best else "I found nothing about that in our help pages.",
    }


def _score(article: HelpArticle, words: set[str]) -> int:
    """Count shared words: in the title and the key words thrice, in the text once."""
    head = _words(f"{article.title} {article.keywords}")
    return 3 * len(words & head) + len(words & _words(article.body))


def _words(text: str) -> set[str]:
    # A plural finds its singular.
    return {word.rstrip("s") for word in re.findall(r"[a-z]{3,}", text.casefold())} - STOP
