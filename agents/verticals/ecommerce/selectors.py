"""Reads on behalf of one customer. What belongs to another reads exactly as what does not exist."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Prefetch

from agents.tools import Refusal, ToolContext
from agents.verticals.ecommerce.models import Customer, Order, OrderLine, Product


async def get_customer(ctx: ToolContext, *, lock: bool = False) -> Customer:
    """Return the customer whose call it is, or refuse; with `lock`, the row is held."""
    rows = Customer.objects.select_for_update() if lock else Customer.objects.all()
    customer = await rows.filter(ref=ctx.require_customer()).afirst()
    if customer is None:
        raise Refusal("I cannot find your customer account. A colleague can look into it.")
    return customer


async def get_order(ctx: ToolContext, number: str, *, lock: bool = False) -> Order:
    """Return an order of this customer with its lines, or refuse.

    Args:
        lock: Hold the row until the transaction ends, so that of two changes the second sees the
            first. SQLite has no row locks, but its write transactions run one after the other.
    """
    rows = Order.objects.select_for_update(of=("self",)) if lock else Order.objects.all()
    lines = Prefetch("lines", queryset=OrderLine.objects.order_by("id"))
    mine = rows.filter(number=number, customer__ref=ctx.require_customer())
    order = await mine.prefetch_related(lines).afirst()
    if order is None:
        raise Refusal(
            f"I cannot find an order {number} among your orders. Please check the number."
        )
    return order


async def list_reviewable(customer: Customer) -> list[Product]:
    """Return what was delivered to this customer and has no review of theirs yet."""
    delivered = Product.objects.filter(
        order_lines__order__customer=customer, order_lines__order__status=Order.Status.DELIVERED
    )
    waiting = delivered.exclude(reviews__customer=customer).distinct().order_by("name")
    return [product async for product in waiting]


def goods_of(order: Order) -> list[dict[str, str | int]]:
    """Return the prefetched lines as plain data."""
    return [
        {
            "name": line.name,
            "quantity": line.quantity,
            "unit_price": str(line.unit_price),
            "amount": str(line.amount),
        }
        for line in order.lines.all()
    ]


def item_count(order: Order) -> int:
    """Return how many pieces were ordered."""
    return sum(line.quantity for line in order.lines.all())


def subtotal(order: Order) -> Decimal:
    """Return what the goods cost before fee and discount."""
    return sum((line.amount for line in order.lines.all()), Decimal("0.00"))
