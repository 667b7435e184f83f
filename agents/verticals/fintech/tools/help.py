"""What the bank tells everybody, signed in or not."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from agents.tools import ToolContext, search_articles, support_tool
from agents.verticals.fintech.models import HelpArticle

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
    return search_articles([article async for article in HelpArticle.objects.all()], query)
