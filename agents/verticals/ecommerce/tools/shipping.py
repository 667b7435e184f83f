"""Where a parcel is, and where it should go."""

from __future__ import annotations

from typing import Any

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.ecommerce import selectors
from agents.verticals.ecommerce.models import Order
from agents.verticals.ecommerce.rules import RETURN_DAYS
from agents.verticals.ecommerce.tools.arguments import Address, OrderNumber
from agents.verticals.ecommerce.wording import day


@support_tool(effect="read")
async def track_shipment(ctx: ToolContext, order_number: OrderNumber) -> dict[str, Any]:
    """Tell where an order is: its state, carrier, tracking number and expected delivery."""
    order = await selectors.get_order(ctx, order_number)
    return {
        "order_number": order.number,
        "status": order.status,
        "carrier": order.carrier or None,
        "tracking_number": order.tracking_number or None,
        "expected_on": order.expected_on.isoformat() if order.expected_on else None,
        "delivered_on": order.delivered_at.date().isoformat() if order.delivered_at else None,
        "shipping_address": order.shipping_address,
        "summary": _whereabouts(order),
    }


def _whereabouts(order: Order) -> str:
    expected = f" It should arrive by {day(order.expected_on)}." if order.expected_on else ""
    if order.status == Order.Status.CANCELLED:
        return (
            f"Order {order.number} was cancelled on {day(order.cancelled_at)}; no parcel will come."
        )
    if order.status == Order.Status.DELIVERED:
        return (
            f"Order {order.number} was delivered on {day(order.delivered_at)} "
            f"to {order.shipping_address}."
        )
    if order.status == Order.Status.SHIPPED:
        return (
            f"Order {order.number} is on its way with {order.carrier or 'our carrier'}, "
            f"tracking number {order.tracking_number or 'not known yet'}.{expected}"
        )
    return f"Order {order.number} is being packed and has not left our warehouse yet.{expected}"


async def _prepare_address(ctx: ToolContext, order_number: str, new_address: str) -> Proposal:
    order = await selectors.get_order(ctx, order_number)
    _refuse_unless_movable(order, new_address)
    return Proposal(message=f"Send order {order.number} to this address instead: {new_address}.")


@support_tool(effect="write", prepare=_prepare_address)
async def change_shipping_address(
    ctx: ToolContext, order_number: OrderNumber, new_address: Address
) -> dict[str, Any]:
    """Change where one order is sent. Only possible until it has been shipped.

    For the address of future orders use save_address.
    """
    order = await selectors.get_order(ctx, order_number, lock=True)
    _refuse_unless_movable(order, new_address)
    order.shipping_address = new_address
    await order.asave(update_fields=["shipping_address"])
    return {
        "order_number": order.number,
        "shipping_address": new_address,
        "summary": f"Done: order {order.number} will be sent to {new_address}.",
    }


def refuse_incomplete(address: str) -> None:
    """Refuse an address without any digit: wherever we deliver there is a postal code."""
    if not any(character.isdigit() for character in address):
        raise Refusal(
            "That address looks incomplete. Please give street and house number, postal code, "
            "city and country in one message."
        )


def _refuse_unless_movable(order: Order, new_address: str) -> None:
    if order.status == Order.Status.SHIPPED:
        raise Refusal(
            f"Order {order.number} has already been shipped, so I cannot change its address any "
            f"more. {order.carrier or 'The carrier'} may redirect it under the tracking number "
            f"{order.tracking_number or 'in your shipping email'}; or return it within "
            f"{RETURN_DAYS} days of delivery."
        )
    if order.status != Order.Status.PROCESSING:
        raise Refusal(
            f"Order {order.number} is {order.status}, so there is no address left to change. "
            "I can save another address for your next orders."
        )
    refuse_incomplete(new_address)
    if new_address == order.shipping_address:
        raise Refusal(f"Order {order.number} already goes to that address.")
