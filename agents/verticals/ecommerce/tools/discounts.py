"""Discounts on an order, and coupons for the next one."""

from __future__ import annotations

import secrets
from datetime import timedelta
from decimal import Decimal
from typing import Any

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.ecommerce import selectors
from agents.verticals.ecommerce.models import Coupon, Customer, Order, Refund
from agents.verticals.ecommerce.rules import (
    COUPON_DAYS,
    MAX_COUPON_PERCENT,
    MAX_DISCOUNT_PERCENT,
    REFUND_DAYS,
)
from agents.verticals.ecommerce.tools.arguments import OrderNumber, Percent
from agents.verticals.ecommerce.wording import bullets, day, money, round_money

# Without letters and digits that look alike when they are typed from a screen.
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


async def _prepare_discount(ctx: ToolContext, order_number: str, percent: int) -> Proposal:
    order = await selectors.get_order(ctx, order_number)
    saved = _discount(order, percent)
    return Proposal(
        message=(
            f"Take {percent} percent off order {order.number}: {money(order.total, order.currency)} "
            f"become {money(order.total - saved, order.currency)}."
        ),
        measures={"percent": Decimal(percent), "amount": saved},
    )


@support_tool(effect="write", prepare=_prepare_discount)
async def apply_discount(
    ctx: ToolContext, order_number: OrderNumber, percent: Percent
) -> dict[str, Any]:
    """Take a percentage off an order that has not been shipped yet; once an order, 30 percent at most.

    The difference is paid back. For a discount on a future order use generate_coupon.
    """
    order = await selectors.get_order(ctx, order_number, lock=True)
    saved = _discount(order, percent)
    order.discount_percent = percent
    order.discount_amount = saved
    order.total -= saved
    await order.asave(update_fields=["discount_percent", "discount_amount", "total"])
    await Refund.objects.acreate(
        order=order, amount=saved, reason=Refund.Reason.DISCOUNT, created_at=ctx.now
    )
    return {
        "order_number": order.number,
        "percent": percent,
        "saved": str(saved),
        "total": str(order.total),
        "currency": order.currency,
        "summary": (
            f"{percent} percent are taken off order {order.number}. The new total is "
            f"{money(order.total, order.currency)}; {money(saved, order.currency)} go back to the "
            f"way you paid within {REFUND_DAYS} days."
        ),
    }


def _discount(order: Order, percent: int) -> Decimal:
    if percent > MAX_DISCOUNT_PERCENT:
        raise Refusal(f"A discount can be {MAX_DISCOUNT_PERCENT} percent at most.")
    if order.status != Order.Status.PROCESSING:
        raise Refusal(
            f"Order {order.number} is {order.status}. A discount is only possible before an order "
            "is shipped, but I can make a coupon for your next one."
        )
    if order.discount_percent:
        raise Refusal(
            f"Order {order.number} already has a discount of {order.discount_percent} percent, "
            "and only one is possible for an order."
        )
    saved = round_money(order.total * percent / 100)
    if saved <= 0:
        raise Refusal(f"There is nothing left to take off order {order.number}.")
    return saved


async def _prepare_coupon(ctx: ToolContext, percent: int) -> Proposal:
    customer = await selectors.get_customer(ctx)
    await _refuse_unless_due(ctx, customer, percent)
    return Proposal(
        message=(
            f"Make a coupon for {percent} percent off your next order, "
            f"valid for {COUPON_DAYS} days."
        ),
        measures={"percent": Decimal(percent)},
    )


@support_tool(effect="write", prepare=_prepare_coupon)
async def generate_coupon(ctx: ToolContext, percent: Percent) -> dict[str, Any]:
    """Make a coupon code for the customer's next order: 20 percent at most, valid for 30 days.

    A customer has one unused coupon at a time.
    """
    # The lock on the customer makes two coupons at once impossible.
    customer = await selectors.get_customer(ctx, lock=True)
    await _refuse_unless_due(ctx, customer, percent)
    code = "NW-" + "".join(secrets.choice(ALPHABET) for _ in range(8))
    expires_at = ctx.now + timedelta(days=COUPON_DAYS)
    await Coupon.objects.acreate(
        code=code, customer=customer, percent=percent, created_at=ctx.now, expires_at=expires_at
    )
    return {
        "code": code,
        "percent": percent,
        "expires_on": expires_at.date().isoformat(),
        "summary": (
            f"Your coupon is **{code}**: {percent} percent off your next order, "
            f"valid until {day(expires_at)}. Enter it at the checkout."
        ),
    }


async def _refuse_unless_due(ctx: ToolContext, customer: Customer, percent: int) -> None:
    if percent > MAX_COUPON_PERCENT:
        raise Refusal(f"A coupon can be for {MAX_COUPON_PERCENT} percent at most.")
    coupon = await customer.coupons.filter(used_at=None, expires_at__gt=ctx.now).afirst()
    if coupon is not None:
        raise Refusal(
            f"You already have a coupon: {coupon.code}, {coupon.percent} percent off, valid until "
            f"{day(coupon.expires_at)}. You can have another once it is used."
        )


@support_tool(effect="read")
async def list_coupons(ctx: ToolContext) -> dict[str, Any]:
    """List the customer's coupons that can still be used."""
    customer = await selectors.get_customer(ctx)
    rows = customer.coupons.filter(used_at=None, expires_at__gt=ctx.now)
    coupons = [
        {"code": c.code, "percent": c.percent, "valid_until": day(c.expires_at)} async for c in rows
    ]
    lines = [f"**{c['code']}**: {c['percent']} percent, until {c['valid_until']}" for c in coupons]
    return {
        "coupons": coupons,
        "summary": bullets(lines) if lines else "You have no coupon at the moment.",
    }
