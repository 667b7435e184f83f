"""Sending things back."""

from __future__ import annotations

from typing import Any

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.ecommerce import selectors
from agents.verticals.ecommerce.models import Order, ReturnRequest
from agents.verticals.ecommerce.rules import REFUND_DAYS, RETURN_ADDRESS, RETURN_DAYS
from agents.verticals.ecommerce.tools.arguments import OrderNumber, ReturnReason
from agents.verticals.ecommerce.wording import day


async def _prepare_return(ctx: ToolContext, order_number: str, reason: str = "other") -> Proposal:
    order = await selectors.get_order(ctx, order_number)
    await _refuse_unless_returnable(ctx, order)
    why = "" if reason == "other" else f" Reason: {reason.replace('_', ' ')}."
    return Proposal(message=f"Register a return for order {order.number}.{why}")


@support_tool(effect="write", prepare=_prepare_return)
async def request_return(
    ctx: ToolContext, order_number: OrderNumber, reason: ReturnReason = "other"
) -> dict[str, Any]:
    """Register that the customer sends a delivered order back, within 30 days of delivery.

    The money follows when the parcel has arrived; this tool pays nothing.
    """
    order = await selectors.get_order(ctx, order_number, lock=True)
    await _refuse_unless_returnable(ctx, order)
    row = await ReturnRequest.objects.acreate(order=order, reason=reason, requested_at=ctx.now)
    until = day(order.return_until)
    return {
        "order_number": order.number,
        "return_number": row.number,
        "status": row.status,
        "send_to": RETURN_ADDRESS,
        "send_by": until,
        "summary": (
            f"Your return {row.number} is registered. Please write that number on the parcel and "
            f"send it by {until} to: {RETURN_ADDRESS}. The refund follows within {REFUND_DAYS} "
            "days of its arrival."
        ),
    }


async def _refuse_unless_returnable(ctx: ToolContext, order: Order) -> None:
    refuse_unless_in_return_period(ctx, order, "returned")
    if order.refundable <= 0:
        raise Refusal(f"Order {order.number} has already been refunded in full.")
    running = order.returns.exclude(status=ReturnRequest.Status.CLOSED)
    if await running.aexists():
        raise Refusal(
            f"A return for order {order.number} is already registered, under R-{order.number}. "
            f"Send the parcel to: {RETURN_ADDRESS}."
        )


def refuse_unless_in_return_period(ctx: ToolContext, order: Order, verb: str) -> None:
    """Refuse an order that has not been delivered, or longer ago than the return period."""
    if order.status == Order.Status.CANCELLED:
        raise Refusal(
            f"Order {order.number} was cancelled, so there is nothing to be {verb}. "
            "I can tell you where its refund is."
        )
    if order.status == Order.Status.PROCESSING:
        raise Refusal(
            f"Order {order.number} has not been shipped yet, so it cannot be {verb}. "
            "I can cancel it instead, and the full amount is paid back."
        )
    if order.status == Order.Status.SHIPPED:
        raise Refusal(
            f"Order {order.number} is still on its way. It can be {verb} once it has arrived, "
            f"within {RETURN_DAYS} days."
        )
    if not order.is_returnable(ctx.now):
        raise Refusal(
            f"Order {order.number} was delivered on {day(order.delivered_at)}. It could be {verb} "
            f"until {day(order.return_until)}, {RETURN_DAYS} days after delivery. If something is "
            "broken, a colleague can look at it."
        )
