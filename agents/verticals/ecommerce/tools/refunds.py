"""Money back."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.ecommerce import selectors
from agents.verticals.ecommerce.models import Order, Refund
from agents.verticals.ecommerce.rules import REFUND_DAYS
from agents.verticals.ecommerce.tools.arguments import Amount, OrderNumber, RefundReason
from agents.verticals.ecommerce.tools.returns import refuse_unless_in_return_period
from agents.verticals.ecommerce.wording import bullets, day, money

LISTED = 10

RefundedBefore = Annotated[
    Amount | None,
    Field(description="Leave it out: the server fills in what had been refunded before"),
]


async def _prepare_refund(
    ctx: ToolContext,
    order_number: str,
    amount: Decimal | None = None,
    reason: str = "other",
    refunded_before: Decimal | None = None,
) -> Proposal:
    order = await selectors.get_order(ctx, order_number)
    refund = _refundable_amount(ctx, order, amount)
    before = order.refunded_amount
    text = f"Refund {money(refund, order.currency)} for order {order.number}"
    return Proposal(
        message=f"{text}, to the way you paid.",
        args={
            "order_number": order.number,
            "amount": str(refund),
            "reason": reason,
            "refunded_before": str(before) if before else None,
        },
        # The limits look at the order's refunds together, or a large one could be had in slices.
        measures={"amount": before + refund},
    )


@support_tool(effect="write", prepare=_prepare_refund)
async def refund_order(
    ctx: ToolContext,
    order_number: OrderNumber,
    amount: Amount | None = None,
    reason: RefundReason = "other",
    refunded_before: RefundedBefore = None,
) -> dict[str, Any]:
    """Pay money back for an order that was delivered within the last 30 days.

    Leave `amount` out to refund all that is left; give it when the customer names an amount or
    single items (add up their prices from get_order). An order that has not been shipped is
    cancelled instead, with cancel_order.
    """
    order = await selectors.get_order(ctx, order_number, lock=True)
    refund = _refundable_amount(ctx, order, amount)
    if order.refunded_amount != (refunded_before or Decimal(0)):
        raise Refusal(
            f"Something else was refunded for order {order.number} in the meantime, so I have not "
            "paid this. If you still want it, just ask me again."
        )
    order.refunded_amount += refund
    await order.asave(update_fields=["refunded_amount"])
    await Refund.objects.acreate(order=order, amount=refund, reason=reason, created_at=ctx.now)
    return {
        "order_number": order.number,
        "refund_amount": str(refund),
        "currency": order.currency,
        "refundable_left": str(order.refundable),
        "summary": (
            f"{money(refund, order.currency)} for order {order.number} go back to the way you "
            f"paid, which takes up to {REFUND_DAYS} days."
        ),
    }


def _refundable_amount(ctx: ToolContext, order: Order, amount: Decimal | None) -> Decimal:
    if order.refundable <= 0:
        raise Refusal(f"Order {order.number} has already been refunded in full.")
    refuse_unless_in_return_period(ctx, order, "refunded")
    if amount is not None and amount > order.refundable:
        left = money(order.refundable, order.currency)
        raise Refusal(f"At most {left} can still be refunded for order {order.number}.")
    return (amount if amount is not None else order.refundable).quantize(Decimal("0.01"))


@support_tool(effect="read")
async def get_refund_status(ctx: ToolContext) -> dict[str, Any]:
    """List the customer's refunds and returns, newest first: amount, order, whether it is paid."""
    customer = await selectors.get_customer(ctx)
    rows = Refund.objects.filter(order__customer=customer).select_related("order")
    refunds = [_as_row(refund) async for refund in rows.order_by("-created_at")[:LISTED]]
    lines = [
        f"{row['amount']} {row['currency']} for order {row['order_number']}: "
        + (
            f"paid on {row['paid']}"
            if row["paid"]
            else f"on its way, expected by {row['expected']}"
        )
        for row in refunds
    ]
    waiting = [
        order.number
        async for order in customer.orders.filter(returns__status="requested").order_by("number")
    ]
    lines += [
        f"Order {number}: return registered, refunded after it has reached us" for number in waiting
    ]
    return {
        "refunds": refunds,
        "returns_under_way": waiting,
        "summary": bullets(lines) if lines else "You have no refunds or returns with us so far.",
    }


def _as_row(refund: Refund) -> dict[str, Any]:
    return {
        "order_number": refund.order.number,
        "amount": str(refund.amount),
        "currency": refund.order.currency,
        "reason": refund.reason,
        "requested": day(refund.created_at),
        "expected": day(refund.expected_at),
        "paid": day(refund.paid_at) or None,
    }
