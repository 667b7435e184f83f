"""The bank's own fees, and paying one back."""

from __future__ import annotations

import secrets
from typing import Any

from django.db.models import F

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.fintech import selectors
from agents.verticals.fintech.models import Account, Transaction
from agents.verticals.fintech.rules import FEE_REFUND_DAYS, MAX_FEE_REFUND
from agents.verticals.fintech.tools.arguments import TransactionReference
from agents.verticals.fintech.wording import bullets, day, money, yes_or_no

LISTED = 10

Kind = Transaction.Kind


@support_tool(effect="read")
async def list_fees(ctx: ToolContext) -> dict[str, Any]:
    """List the newest fees that we took, what for, and whether they were refunded."""
    account = await selectors.get_account(ctx)
    rows = account.transactions.filter(kind=Kind.FEE).select_related("belongs_to", "fee_refund")
    fees = [row async for row in rows.order_by("-made_at", "-reference")[:LISTED]]
    lines = [
        f"**{row.reference}** {row.description}: {money(row.amount, account.currency)}, "
        f"{day(row.made_at)}{', refunded' if hasattr(row, 'fee_refund') else ''}"
        for row in fees
    ]
    return {
        "fees": [
            {
                "transaction_reference": row.reference,
                "made_on": row.made_at.date().isoformat(),
                "description": row.description,
                "for_transaction": row.belongs_to.reference if row.belongs_to else None,
                "amount": str(row.amount),
                "currency": account.currency,
                "can_refund": yes_or_no(
                    row.is_fee_refundable(ctx.now) and not hasattr(row, "fee_refund")
                ),
            }
            for row in fees
        ],
        "count": len(fees),
        "summary": bullets(lines) if lines else "We have not taken any fees from your account.",
    }


async def _prepare_refund(ctx: ToolContext, transaction_reference: str) -> Proposal:
    row = await selectors.get_transaction(ctx, transaction_reference)
    await _refuse_unless_refundable(ctx, row)
    return Proposal(
        message=(
            f"Refund the fee {row.reference}: {money(row.amount, row.account.currency)}, "
            f"{row.description}, {day(row.made_at)}."
        ),
        measures={"amount": row.amount},
    )


@support_tool(effect="write", prepare=_prepare_refund)
async def refund_fee(
    ctx: ToolContext, transaction_reference: TransactionReference
) -> dict[str, Any]:
    """Pay back one of our own fees, as goodwill or because it was wrong; a colleague approves it.

    Only for fees of the last 90 days, never for a payment to a shop: that is disputed with dispute_transaction.
    """
    row = await selectors.get_transaction(ctx, transaction_reference, lock=True)
    await _refuse_unless_refundable(ctx, row)
    refund = await Transaction.objects.acreate(
        reference=f"TX-{secrets.randbelow(900_000) + 100_000}",
        account=row.account,
        kind=Kind.REFUND,
        status=Transaction.Status.COMPLETED,
        description=f"Refund: {row.description}"[:80],
        made_at=ctx.now,
        amount=row.amount,
        pays_back_fee=row,
    )
    await Account.objects.filter(pk=row.account_id).aupdate(balance=F("balance") + row.amount)
    return {
        "transaction_reference": row.reference,
        "refund_reference": refund.reference,
        "amount": str(row.amount),
        "currency": row.account.currency,
        "summary": (
            f"The fee {row.reference} is refunded: {money(row.amount, row.account.currency)} are "
            "back on your account."
        ),
    }


async def _refuse_unless_refundable(ctx: ToolContext, row: Transaction) -> None:
    if row.kind != Kind.FEE:
        raise Refusal(
            f"{row.reference} is not one of our fees ({row.description}), so we cannot refund it "
            "ourselves. Please ask the shop first; if that does not help, I can open a dispute."
        )
    if await Transaction.objects.filter(pays_back_fee=row).aexists():
        raise Refusal(f"The fee {row.reference} has already been refunded to your account.")
    if not row.is_fee_refundable(ctx.now):
        raise Refusal(
            f"The fee {row.reference} is of {day(row.made_at)}. Fees can be refunded within "
            f"{FEE_REFUND_DAYS} days; if there is a special reason, a colleague can look at it."
        )
    if row.amount > MAX_FEE_REFUND:
        most = money(MAX_FEE_REFUND, row.account.currency)
        raise Refusal(
            f"From this chat fees of up to {most} can be refunded. A colleague can look at "
            f"{row.reference}."
        )
