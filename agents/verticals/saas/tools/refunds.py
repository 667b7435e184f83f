"""Money back."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.saas import selectors
from agents.verticals.saas.models import Invoice, Refund
from agents.verticals.saas.rules import PAYOUT_DAYS, REFUND_DAYS
from agents.verticals.saas.tools.arguments import Amount, InvoiceNumber, RefundReason
from agents.verticals.saas.wording import bullets, day, money, round_money

WHAT = "ask for a refund"
LISTED = 10

RefundedBefore = Annotated[
    Amount | None,
    Field(description="Leave it out: the server fills in what had been refunded before"),
]


async def _prepare_refund(
    ctx: ToolContext,
    invoice_number: str,
    amount: Decimal | None = None,
    reason: str = "other",
    refunded_before: Decimal | None = None,
) -> Proposal:
    workspace = (await selectors.get_admin(ctx, WHAT)).workspace
    invoice = await selectors.get_invoice(workspace, invoice_number)
    refund = _refundable_amount(ctx, invoice, amount, workspace.currency)
    before = invoice.refunded_amount
    text = f"Refund {money(refund, workspace.currency)} of invoice {invoice.number}"
    return Proposal(
        message=f"{text} to {workspace.card or 'the way it was paid'}.",
        args={
            "invoice_number": invoice.number,
            "amount": str(refund),
            "reason": reason,
            "refunded_before": str(before) if before else None,
        },
        # The limits look at the invoice's refunds together, or a large one could be had in slices.
        measures={"amount": before + refund},
    )


@support_tool(effect="write", prepare=_prepare_refund)
async def refund_invoice(
    ctx: ToolContext,
    invoice_number: InvoiceNumber,
    amount: Amount | None = None,
    reason: RefundReason = "other",
    refunded_before: RefundedBefore = None,
) -> dict[str, Any]:
    """Pay money back for an invoice that was paid within the last 60 days.

    Leave `amount` out to refund all that is left; give it when the customer names an amount or single
    lines (see get_invoice). For money off the next invoice use apply_credit.
    """
    workspace = (await selectors.get_admin(ctx, WHAT, lock=True)).workspace
    invoice = await selectors.get_invoice(workspace, invoice_number)
    refund = _refundable_amount(ctx, invoice, amount, workspace.currency)
    if invoice.refunded_amount != (refunded_before or Decimal(0)):
        raise Refusal(
            f"Something else was refunded for invoice {invoice.number} in the meantime, so I have "
            "not paid this. If you still want it, just ask me again."
        )
    invoice.refunded_amount += refund
    await invoice.asave(update_fields=["refunded_amount"])
    await Refund.objects.acreate(invoice=invoice, amount=refund, reason=reason, created_at=ctx.now)
    return {
        "invoice_number": invoice.number,
        "refund_amount": str(refund),
        "currency": workspace.currency,
        "refundable_left": str(invoice.refundable),
        "summary": (
            f"{money(refund, workspace.currency)} of invoice {invoice.number} go back to the way "
            f"it was paid, which takes up to {PAYOUT_DAYS} days."
        ),
    }


def _refundable_amount(
    ctx: ToolContext, invoice: Invoice, amount: Decimal | None, currency: str
) -> Decimal:
    if invoice.status == Invoice.Status.FAILED:
        raise Refusal(
            f"Invoice {invoice.number} has not been paid, because the payment failed, so there is "
            "nothing to refund. If your bank shows the amount, it is a reservation that ends by "
            "itself. I can try the payment once more."
        )
    if invoice.status == Invoice.Status.VOID:
        raise Refusal(
            f"Invoice {invoice.number} is void: nothing was paid for it, so nothing can be refunded."
        )
    if invoice.refundable <= 0:
        raise Refusal(
            f"Invoice {invoice.number} has already been refunded in full. I can tell you where that "
            "refund is."
        )
    if not invoice.is_refundable(ctx.now):
        raise Refusal(
            f"Invoice {invoice.number} was paid on {day(invoice.paid_at)}. It could be refunded "
            f"until {day(invoice.refund_until)}, {REFUND_DAYS} days after that. I can ask for a "
            "credit on the next invoice instead."
        )
    if amount is not None and amount > invoice.refundable:
        left = money(invoice.refundable, currency)
        raise Refusal(f"At most {left} can still be refunded for invoice {invoice.number}.")
    return round_money(amount if amount is not None else invoice.refundable)


@support_tool(effect="read")
async def get_refund_status(ctx: ToolContext) -> dict[str, Any]:
    """List the workspace's refunds, newest first: amount, invoice, whether it has been paid out."""
    workspace = (await selectors.get_admin(ctx, "see its refunds")).workspace
    rows = Refund.objects.filter(invoice__workspace=workspace).select_related("invoice")
    refunds = [
        {
            "invoice_number": refund.invoice.number,
            "amount": str(refund.amount),
            "currency": workspace.currency,
            "reason": refund.reason,
            "requested": day(refund.created_at),
            "expected": day(refund.expected_at),
            "paid": day(refund.paid_at) or None,
        }
        async for refund in rows.order_by("-created_at")[:LISTED]
    ]
    lines = [
        f"{row['amount']} {row['currency']} of invoice {row['invoice_number']}: "
        + (
            f"paid on {row['paid']}"
            if row["paid"]
            else f"on its way, expected by {row['expected']}"
        )
        for row in refunds
    ]
    return {
        "refunds": refunds,
        "summary": bullets(lines) if lines else "There are no refunds for your workspace so far.",
    }
