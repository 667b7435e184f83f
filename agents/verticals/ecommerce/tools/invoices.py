"""Bills."""

from __future__ import annotations

from typing import Any

from agents.tools import ToolContext, support_tool
from agents.verticals.ecommerce import selectors
from agents.verticals.ecommerce.rules import VAT_PERCENT
from agents.verticals.ecommerce.tools.arguments import OrderNumber
from agents.verticals.ecommerce.wording import bullets, day, money, round_money


@support_tool(effect="read")
async def get_invoice(ctx: ToolContext, order_number: OrderNumber) -> dict[str, Any]:
    """Show an order's invoice: number, date, items, discount, VAT, total, what was paid back."""
    order = await selectors.get_order(ctx, order_number)
    goods = selectors.goods_of(order)
    vat = round_money(order.total * VAT_PERCENT / (100 + VAT_PERCENT))
    lines = [f"{g['quantity']} x {g['name']}: {g['amount']} {order.currency}" for g in goods]
    lines += [
        f"{label}: {money(amount, order.currency)}"
        for label, amount in (
            ("Delivery", order.delivery_fee),
            (f"Discount of {order.discount_percent} percent", -order.discount_amount),
            ("**Total**", order.total),
            (f"of which {VAT_PERCENT} percent VAT", vat),
            ("Paid back", order.refunded_amount),
        )
        if amount
    ]
    return {
        "invoice_number": f"INV-{order.number}",
        "order_number": order.number,
        "date": order.placed_at.date().isoformat(),
        "goods": goods,
        "subtotal": str(selectors.subtotal(order)),
        "vat": str(vat),
        "total": str(order.total),
        "refunded": str(order.refunded_amount),
        "currency": order.currency,
        "summary": f"Invoice INV-{order.number} of {day(order.placed_at)}\n\n{bullets(lines)}",
    }
