"""What the shop tells everybody, signed in or not."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from agents.tools import ToolContext, search_articles, support_tool
from agents.verticals.ecommerce.models import DeliveryOption, HelpArticle
from agents.verticals.ecommerce.wording import bullets, money

Query = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=200),
    Field(description="A few key words, for example return policy"),
]


@support_tool(effect="read")
async def delivery_options(ctx: ToolContext) -> dict[str, Any]:
    """List the ways of delivery that the shop offers, with price and time."""
    rows = [row async for row in DeliveryOption.objects.filter(is_active=True).order_by("price")]
    lines = [
        f"**{row.name}**: {money(row.price, row.currency) if row.price else 'free'}, "
        f"{row.min_days} to {row.max_days} working days{'. ' + row.note if row.note else ''}"
        for row in rows
    ]
    return {
        "options": [
            {
                "name": row.name,
                "price": str(row.price),
                "currency": row.currency,
                "min_working_days": row.min_days,
                "max_working_days": row.max_days,
                "note": row.note,
            }
            for row in rows
        ],
        "summary": bullets(lines) if lines else "Our ways of delivery are shown at the checkout.",
    }


@support_tool(effect="read")
async def search_help(ctx: ToolContext, query: Query) -> dict[str, Any]:
    """Search the shop's help: delivery, returns, refunds, payment, account, warranty, newsletter.

    Use it for every question about how the shop works; do not answer such questions from memory.
    """
    return search_articles([article async for article in HelpArticle.objects.all()], query)
