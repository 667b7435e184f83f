"""Invoices, and payments that failed."""

from __future__ import annotations

from datetime import date
from typing import Any

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.saas import selectors
from agents.verticals.saas.models import Invoice, Workspace
from agents.verticals.saas.rules import MAX_PAYMENT_ATTEMPTS, REFUND_DAYS, VAT_PERCENT
from agents.verticals.saas.tools.arguments import InvoiceNumber, InvoiceStatus
from agents.verticals.saas.wording import bullets, day, money, round_money, yes_or_no

SEE = "see its invoices"
PAY = "pay its invoices"
# A result may have 4 kB.
LISTED = 10


@support_tool(effect="read")
async def list_invoices(ctx: ToolContext, status: InvoiceStatus | None = None) -> dict[str, Any]:
    """List the workspace's invoices, newest first: number, month, state, total, what can be done.

    Use it when the customer names no invoice number, or asks which invoices there are.
    """
    workspace = (await selectors.get_admin(ctx, SEE)).workspace
    rows = workspace.invoices.order_by("-issued_on", "-number")
    if status is not None:
        rows = rows.filter(status=status)
    invoices = [_as_row(ctx, workspace, invoice) async for invoice in rows[:LISTED]]
    lines = [
        f"**{row['invoice_number']}** of {row['issued']}: {row['total']} {row['currency']}, "
        f"{row['state']}"
        for row in invoices
    ]
    if len(invoices) == LISTED:
        lines.append("All older ones are under Settings > Billing > Invoices")
    found = (
        bullets(lines) if lines else f"There are no {status + ' ' if status else ''}invoices yet."
    )
    return {"invoices": invoices, "count": len(invoices), "summary": found}


@support_tool(effect="read")
async def get_invoice(ctx: ToolContext, invoice_number: InvoiceNumber) -> dict[str, Any]:
    """Show one invoice: date, lines, VAT, total, whether it is paid, what was paid back."""
    workspace = (await selectors.get_admin(ctx, SEE)).workspace
    invoice = await selectors.get_invoice(workspace, invoice_number)
    vat = round_money(invoice.total * VAT_PERCENT / (100 + VAT_PERCENT))
    items = [{"text": line.text, "amount": str(line.amount)} for line in invoice.lines.all()]
    lines = [f"{item['text']}: {item['amount']} {workspace.currency}" for item in items]
    lines.append(f"**Total**: {money(invoice.total, workspace.currency)}")
    lines.append(f"of which {VAT_PERCENT} percent VAT: {money(vat, workspace.currency)}")
    if invoice.refunded_amount:
        lines.append(f"Paid back: {money(invoice.refunded_amount, workspace.currency)}")
    head = f"Invoice {invoice.number} of {day(invoice.issued_on)}: {_state(invoice)}"
    link = f"Settings > Billing > Invoices > {invoice.number}"
    return {
        **_as_row(ctx, workspace, invoice),
        "lines": items,
        "vat": str(vat),
        "refunded": str(invoice.refunded_amount),
        "refundable": str(invoice.refundable),
        "summary": f"{head}\n\n{bullets(lines)}\n\nAs a PDF: {link}.",
    }


@support_tool(effect="read")
async def get_payment_status(ctx: ToolContext) -> dict[str, Any]:
    """Tell whether something is unpaid and why, and which card is on file.

    Use it first when the customer reports a problem with a payment.
    """
    workspace = (await selectors.get_admin(ctx, SEE)).workspace
    rows = workspace.invoices.filter(status=Invoice.Status.FAILED).order_by("-issued_on")
    failed = [row async for row in rows[:LISTED]]
    lines = [
        f"Invoice **{row.number}** of {day(row.issued_on)} over "
        f"{money(row.total, workspace.currency)}: {_state(row)}"
        for row in failed
    ]
    card = _card_state(workspace, ctx.now.date())
    unpaid = f"This is unpaid:\n\n{bullets(lines)}" if lines else "All your invoices are paid."
    return {
        "unpaid": [_as_row(ctx, workspace, row) for row in failed],
        "card": workspace.card or None,
        "has_valid_card": workspace.has_card(ctx.now.date()),
        "summary": f"{unpaid}\n\n{card}",
    }


def _card_state(workspace: Workspace, today: date) -> str:
    if not workspace.card:
        return "There is no card on file; you can add one under Settings > Billing."
    if not workspace.has_card(today):
        return (
            f"The card on file, {workspace.card}, expired on {day(workspace.card_expires_on)}; you "
            "can add another under Settings > Billing."
        )
    return f"The card on file is {workspace.card}, valid until {day(workspace.card_expires_on)}."


async def _prepare_retry(ctx: ToolContext, invoice_number: str) -> Proposal:
    workspace = (await selectors.get_admin(ctx, PAY)).workspace
    invoice = await selectors.get_invoice(workspace, invoice_number)
    _refuse_unless_payable(ctx, workspace, invoice)
    amount = money(invoice.total, workspace.currency)
    return Proposal(
        message=f"Charge {amount} for invoice {invoice.number} to {workspace.card} once more.",
        measures={"amount": invoice.total},
    )


@support_tool(effect="write", prepare=_prepare_retry)
async def retry_payment(ctx: ToolContext, invoice_number: InvoiceNumber) -> dict[str, Any]:
    """Charge an unpaid invoice once more to the card on file.

    Another card is added by the customer, under Settings > Billing; never ask for a card number.
    """
    workspace = (await selectors.get_admin(ctx, PAY, lock=True)).workspace
    invoice = await selectors.get_invoice(workspace, invoice_number)
    _refuse_unless_payable(ctx, workspace, invoice)
    # Here a payment provider would be called, with ctx.idempotency_key. The demo's always succeeds.
    invoice.status = Invoice.Status.PAID
    invoice.paid_at = ctx.now
    invoice.attempts += 1
    invoice.failure = ""
    await invoice.asave(update_fields=["status", "paid_at", "attempts", "failure"])
    return {
        "invoice_number": invoice.number,
        "status": invoice.status,
        "total": str(invoice.total),
        "currency": workspace.currency,
        "summary": (
            f"It went through: {money(invoice.total, workspace.currency)} for invoice "
            f"{invoice.number} were charged to {workspace.card}, and the invoice is paid."
        ),
    }


def _refuse_unless_payable(ctx: ToolContext, workspace: Workspace, invoice: Invoice) -> None:
    if invoice.status == Invoice.Status.PAID:
        raise Refusal(
            f"Invoice {invoice.number} was paid on {day(invoice.paid_at)}, so there is nothing left "
            f"to charge. If it was charged twice, I can ask for a refund within {REFUND_DAYS} days."
        )
    if invoice.status == Invoice.Status.VOID:
        raise Refusal(f"Invoice {invoice.number} is void: nothing has to be paid for it.")
    if invoice.attempts >= MAX_PAYMENT_ATTEMPTS:
        raise Refusal(
            f"Invoice {invoice.number} has been tried {invoice.attempts} times, which is as often "
            "as banks allow. Please pay it with another card under Settings > Billing, or ask for "
            "a colleague."
        )
    if not workspace.has_card(ctx.now.date()):
        raise Refusal(
            f"I cannot charge invoice {invoice.number}. {_card_state(workspace, ctx.now.date())} "
            "After that I can try again."
        )


def _as_row(ctx: ToolContext, workspace: Workspace, invoice: Invoice) -> dict[str, Any]:
    is_failed = invoice.status == Invoice.Status.FAILED
    return {
        "invoice_number": invoice.number,
        "status": invoice.status,
        "state": _state(invoice),
        "issued": day(invoice.issued_on),
        "issued_on": invoice.issued_on.isoformat(),
        "total": str(invoice.total),
        "currency": workspace.currency,
        "can_retry": yes_or_no(is_failed),
        "can_refund": yes_or_no(invoice.is_refundable(ctx.now)),
    }


def _state(invoice: Invoice) -> str:
    if invoice.status == Invoice.Status.PAID:
        is_back = invoice.refunded_amount == invoice.total
        return f"paid on {day(invoice.paid_at)}{' and refunded' if is_back else ''}"
    if invoice.status == Invoice.Status.FAILED and invoice.failure:
        return f"payment failed, {invoice.get_failure_display()}"
    return str(invoice.get_status_display())
