"""Looking at orders, and cancelling one."""

from __future__ import annotations

from typing import Any

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.ecommerce import selectors
from agents.verticals.ecommerce.models import Order, Refund
from agents.verticals.ecommerce.rules import REFUND_DAYS, RETURN_DAYS
from agents.verticals.ecommerce.tools.arguments import OrderNumber, OrderStatus
from agents.verticals.ecommerce.wording import bullets, count, day, money

LISTED = 20


@support_tool(effect="read")
async def list_orders(ctx: ToolContext, status: OrderStatus | None = None) -> dict[str, Any]:
    """List the customer's orders, newest first: number, state, date, total, what can be done.

    Use it when the customer names no order number, or asks what they have ordered.
    """
    customer = await selectors.get_customer(ctx)
    rows = customer.orders.prefetch_related("lines").order_by("-placed_at")
    if status is not None:
        rows = rows.filter(status=status)
    orders = [_as_row(ctx, order) async for order in rows[:LISTED]]
    lines = [
        f"**{row['order_number']}** ({row['items']}): {row['status']}, "
        f"placed on {row['placed']}, {row['total']} {row['currency']}"
        for row in orders
    ]
    found = bullets(lines) if lines else f"You have no {status + ' ' if status else ''}orders yet."
    return {"orders": orders, "count": len(orders), "summary": found}


@support_tool(effect="read")
async def get_order(ctx: ToolContext, order_number: OrderNumber) -> dict[str, Any]:
    """Look up one order of the customer: state, items, prices, total, refunds, delivery address."""
    order = await selectors.get_order(ctx, order_number)
    goods = selectors.goods_of(order)
    lines = [f"{g['quantity']} x {g['name']}: {g['amount']} {order.currency}" for g in goods]
    if order.delivery_fee:
        lines.append(f"Delivery: {money(order.delivery_fee, order.currency)}")
    if order.discount_amount:
        saved = money(order.discount_amount, order.currency)
        lines.append(f"Discount of {order.discount_percent} percent: -{saved}")
    total = money(order.total, order.currency)
    head = f"Order {order.number} of {day(order.placed_at)} is {order.status}. Total: {total}."
    return {
        **_as_row(ctx, order),
        "goods": goods,
        "refunded": str(order.refunded_amount),
        "refundable": str(order.refundable),
        "discount_percent": order.discount_percent,
        "shipping_address": order.shipping_address,
        "delivered_on": day(order.delivered_at) or None,
        "summary": f"{head}\n\n{bullets(lines)}",
    }


async def _prepare_cancel(ctx: ToolContext, order_number: str) -> Proposal:
    order = await selectors.get_order(ctx, order_number)
    _refuse_unless_cancellable(order)
    size = count(selectors.item_count(order), "item")
    total = money(order.total, order.currency)
    return Proposal(
        message=(
            f"Cancel order {order.number} ({size}, {total}). "
            "The full amount goes back to the way you paid."
        ),
        measures={"amount": order.refundable},
    )


@support_tool(effect="write", prepare=_prepare_cancel)
async def cancel_order(ctx: ToolContext, order_number: OrderNumber) -> dict[str, Any]:
    """Cancel an order that has not been shipped yet; its whole amount is paid back.

    A shipped or delivered order cannot be cancelled: offer a return instead.
    """
    order = await selectors.get_order(ctx, order_number, lock=True)
    _refuse_unless_cancellable(order)
    back = order.refundable
    order.status = Order.Status.CANCELLED
    order.cancelled_at = ctx.now
    order.refunded_amount = order.total
    await order.asave(update_fields=["status", "cancelled_at", "refunded_amount"])
    if back > 0:
        await Refund.objects.acreate(
            order=order, amount=back, reason=Refund.Reason.CANCELLED, created_at=ctx.now
        )
    amount = money(back, order.currency)
    return {
        "order_number": order.number,
        "status": order.status,
        "refund_amount": str(back),
        "currency": order.currency,
        "summary": (
            f"Order {order.number} is cancelled. {amount} go back to the way you paid, "
            f"which takes up to {REFUND_DAYS} days."
        ),
    }


def _refuse_unless_cancellable(order: Order) -> None:
    if order.status == Order.Status.CANCELLED:
        raise Refusal(f"Order {order.number} has already been cancelled.")
    if order.status == Order.Status.SHIPPED:
        raise Refusal(
            f"Order {order.number} has already been shipped, so it cannot be cancelled any more. "
            f"Once it has arrived you can return it within {RETURN_DAYS} days."
        )
    if order.status == Order.Status.DELIVERED:
        raise Refusal(
            f"Order {order.number} was delivered on {day(order.delivered_at)}, so it cannot be "
            f"cancelled. You can return it within {RETURN_DAYS} days of delivery."
        )


def _as_row(ctx: ToolContext, order: Order) -> dict[str, Any]:
    return {
        "order_number": order.number,
        "status": order.status,
        "items": ", ".join(line.name for line in order.lines.all()),
        "placed": day(order.placed_at),
        "placed_on": order.placed_at.date().isoformat(),
        "total": str(order.total),
        "currency": order.currency,
        # Words, because a template's lookup compares them with words.
        "can_cancel": _word(order.is_cancellable()),
        "can_return": _word(order.is_returnable(ctx.now)),
        "can_refund": _word(order.is_returnable(ctx.now) and order.refundable > 0),
    }


def _word(value: bool) -> str:
    return "yes" if value else "no"
