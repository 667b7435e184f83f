"""The customer's own data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError
from pydantic import Field

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.ecommerce import selectors
from agents.verticals.ecommerce.models import Customer
from agents.verticals.ecommerce.tools.arguments import Address, Email
from agents.verticals.ecommerce.tools.shipping import refuse_incomplete
from agents.verticals.ecommerce.wording import mask_email

NewsletterChoice = Annotated[
    Literal["subscribe", "unsubscribe"], Field(description="What the customer wants")
]

# Says nothing about whether somebody else has an account under that address.
EMAIL_UNUSABLE = "That email address cannot be used for your account. Please give another one."


async def _prepare_email(ctx: ToolContext, new_email: str) -> Proposal:
    customer = await selectors.get_customer(ctx)
    await _refuse_unusable(customer, new_email)
    return Proposal(
        message=(
            f"Change the email address of your account from {mask_email(customer.email)} "
            f"to {new_email}."
        )
    )


@support_tool(effect="write", prepare=_prepare_email)
async def update_email(ctx: ToolContext, new_email: Email) -> dict[str, Any]:
    """Change the email address of the customer's account."""
    customer = await selectors.get_customer(ctx, lock=True)
    await _refuse_unusable(customer, new_email)
    customer.email = new_email
    try:
        await customer.asave(update_fields=["email"])
    except IntegrityError as error:
        raise Refusal(EMAIL_UNUSABLE) from error
    return {
        "email": new_email,
        "summary": f"Your account now has the email address {new_email}.",
    }


async def _refuse_unusable(customer: Customer, new_email: str) -> None:
    try:
        validate_email(new_email)
    except ValidationError as error:
        raise Refusal(f"{new_email} is not a valid email address.") from error
    if customer.email.lower() == new_email:
        raise Refusal("Your account already has that email address.")
    if await Customer.objects.filter(email__iexact=new_email).aexists():
        raise Refusal(EMAIL_UNUSABLE)


async def _prepare_save_address(ctx: ToolContext, address: str) -> Proposal:
    customer = await selectors.get_customer(ctx)
    _refuse_unneeded(customer, address)
    return Proposal(message=f"Save this as the delivery address of your account: {address}.")


@support_tool(effect="write", prepare=_prepare_save_address)
async def save_address(ctx: ToolContext, address: Address) -> dict[str, Any]:
    """Save the delivery address that the customer's future orders start with.

    Orders that exist already keep theirs: see change_shipping_address.
    """
    customer = await selectors.get_customer(ctx, lock=True)
    _refuse_unneeded(customer, address)
    customer.address = address
    await customer.asave(update_fields=["address"])
    return {
        "address": address,
        "summary": f"Saved. Your next orders will go to {address}.",
    }


def _refuse_unneeded(customer: Customer, address: str) -> None:
    refuse_incomplete(address)
    if customer.address == address:
        raise Refusal("That address is already saved in your account.")


async def _prepare_newsletter(ctx: ToolContext, choice: str) -> Proposal:
    customer = await selectors.get_customer(ctx)
    wanted = _refuse_unchanged(customer, choice)
    verb = "Send our newsletter to" if wanted else "Stop sending our newsletter to"
    return Proposal(message=f"{verb} {mask_email(customer.email)}.")


@support_tool(effect="write", prepare=_prepare_newsletter)
async def set_newsletter(ctx: ToolContext, choice: NewsletterChoice) -> dict[str, Any]:
    """Subscribe the customer to the shop's newsletter, or unsubscribe them."""
    customer = await selectors.get_customer(ctx, lock=True)
    customer.has_newsletter = _refuse_unchanged(customer, choice)
    await customer.asave(update_fields=["has_newsletter"])
    done = (
        "You will get our newsletter from now on, about twice a month."
        if customer.has_newsletter
        else "You will not get our newsletter any more."
    )
    return {"subscribed": customer.has_newsletter, "summary": done}


def _refuse_unchanged(customer: Customer, choice: str) -> bool:
    wanted = choice == "subscribe"
    if customer.has_newsletter == wanted:
        state = "already get" if wanted else "do not get"
        raise Refusal(f"There is nothing to change: you {state} our newsletter.")
    return wanted
