"""Reviews."""

from __future__ import annotations

from typing import Annotated, Any

from django.db import IntegrityError
from pydantic import Field, StringConstraints

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.ecommerce import selectors
from agents.verticals.ecommerce.models import Product, Review
from agents.verticals.ecommerce.tools.arguments import Stars
from agents.verticals.ecommerce.wording import bullets, count

ProductName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=120),
    Field(description="Name of a product that the customer bought, for example Enamel mug"),
]
Comment = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=2000),
    Field(description="The review in the customer's own words; empty for stars only"),
]


@support_tool(effect="read")
async def list_reviewable_products(ctx: ToolContext) -> dict[str, Any]:
    """List what the customer has received and not reviewed yet."""
    products = await selectors.list_reviewable(await selectors.get_customer(ctx))
    names = [product.name for product in products]
    return {
        "products": [{"product": name} for name in names],
        "summary": (
            f"You can review:\n\n{bullets(names)}"
            if names
            else "There is nothing to review: you can review a product once it has been delivered."
        ),
    }


async def _prepare_review(
    ctx: ToolContext, product: str, rating: int, comment: str = ""
) -> Proposal:
    found = await _get_reviewable(ctx, product)
    words = f': "{comment}"' if comment else " and no text"
    return Proposal(
        message=(
            f"Publish your review of {found.name} with {count(rating, 'star')} of 5{words}. "
            "Everybody can read it, with your first name."
        ),
        args={"product": found.name, "rating": rating, "comment": comment},
    )


@support_tool(effect="write", prepare=_prepare_review)
async def submit_review(
    ctx: ToolContext, product: ProductName, rating: Stars, comment: Comment = ""
) -> dict[str, Any]:
    """Publish the customer's review of a product that was delivered to them; one review a product.

    Never make up the stars or the words: ask for them.
    """
    found = await _get_reviewable(ctx, product)
    customer = await selectors.get_customer(ctx, lock=True)
    try:
        await Review.objects.acreate(
            product=found, customer=customer, rating=rating, comment=comment, created_at=ctx.now
        )
    except IntegrityError as error:
        raise Refusal(f"You have already reviewed {found.name}.") from error
    return {
        "product": found.name,
        "rating": rating,
        "summary": (
            f"Thank you! Your review of {found.name} ({count(rating, 'star')} of 5) is published."
        ),
    }


async def _get_reviewable(ctx: ToolContext, name: str) -> Product:
    """Return the one product that is meant; a part of its name will do."""
    customer = await selectors.get_customer(ctx)
    products = await selectors.list_reviewable(customer)
    wanted = name.casefold()
    exact = [p for p in products if p.name.casefold() == wanted]
    near = exact or [p for p in products if wanted in p.name.casefold()]
    if len(near) == 1:
        return near[0]
    if near:
        raise Refusal(f"Which one do you mean: {', '.join(p.name for p in near)}?")
    if await Review.objects.filter(customer=customer, product__name__iexact=name).aexists():
        raise Refusal(
            f"You have already reviewed {name}. A colleague can change that review for you."
        )
    choice = f" You can review: {', '.join(p.name for p in products)}." if products else ""
    raise Refusal(f"You can review what was delivered to you; I find no {name} there.{choice}")
