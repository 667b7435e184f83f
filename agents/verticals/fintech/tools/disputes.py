"""Saying that a transaction is wrong."""

from __future__ import annotations

from typing import Any

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.fintech import selectors
from agents.verticals.fintech.models import Dispute, Transaction
from agents.verticals.fintech.rules import (
    DISPUTE_ANSWER_DAYS,
    DISPUTE_DAYS,
    HOLD_DAYS,
    UNAUTHORISED_DEBIT_MONTHS,
)
from agents.verticals.fintech.tools.arguments import DisputeReason, TransactionReference
from agents.verticals.fintech.wording import day, money, words

Kind = Transaction.Kind
Status = Transaction.Status


async def _prepare_dispute(
    ctx: ToolContext, transaction_reference: str, reason: str = "other"
) -> Proposal:
    row = await selectors.get_transaction(ctx, transaction_reference)
    await _refuse_unless_disputable(ctx, row)
    why = "" if reason == "other" else f" Reason: {words(reason)}."
    amount = money(row.amount, row.account.currency)
    return Proposal(
        message=(
            f"Open a dispute for {row.reference}: {amount}, {row.description}, "
            f"{day(row.made_at)}.{why}"
        ),
        measures={"amount": row.amount},
    )


@support_tool(effect="write", prepare=_prepare_dispute)
async def dispute_transaction(
    ctx: ToolContext,
    transaction_reference: TransactionReference,
    reason: DisputeReason = "other",
) -> dict[str, Any]:
    """Open a dispute for a completed card payment, cash withdrawal or direct debit of the last 120 days.

    For a transaction that the customer did not make, one that was charged twice, or a wrong amount. It pays nothing
    back by itself: our team examines it. If somebody else uses the card, freeze it as well.
    """
    row = await selectors.get_transaction(ctx, transaction_reference, lock=True)
    await _refuse_unless_disputable(ctx, row)
    dispute = await Dispute.objects.acreate(transaction=row, reason=reason, opened_at=ctx.now)
    safe = (
        " If you did not make this payment yourself, I can also freeze your card."
        if row.card_id is not None
        else ""
    )
    return {
        "transaction_reference": row.reference,
        "dispute_number": dispute.number,
        "amount": str(row.amount),
        "currency": row.account.currency,
        "summary": (
            f"Your dispute {dispute.number} for {money(row.amount, row.account.currency)} "
            f"({row.description}) is open. Our team examines it and writes to you within "
            f"{DISPUTE_ANSWER_DAYS} working days.{safe}"
        ),
    }


async def _refuse_unless_disputable(ctx: ToolContext, row: Transaction) -> None:
    if row.kind == Kind.FEE:
        raise Refusal(
            f"{row.reference} is one of our own fees, so it is not disputed. I can ask a colleague "
            "to refund it instead."
        )
    if row.kind == Kind.REFUND:
        raise Refusal(
            f"{row.reference} is money that comes to you. If its amount is wrong, please ask the "
            "shop first; you can dispute the payment itself."
        )
    _refuse_unless_completed(row)
    dispute = await selectors.find_dispute(row)
    if dispute is not None:
        raise Refusal(
            f"There is already a dispute for {row.reference}: {dispute.number} of "
            f"{day(dispute.opened_at)}, {dispute.get_status_display()}. If there is news for it, a "
            "colleague can add it."
        )
    if not row.is_disputable(ctx.now):
        later = (
            f"A debit that you never allowed can be claimed for {UNAUTHORISED_DEBIT_MONTHS} "
            "months; a colleague can do that for you."
            if row.kind == Kind.DIRECT_DEBIT
            else "Please turn to the shop; a colleague can advise you."
        )
        raise Refusal(
            f"{row.reference} is of {day(row.made_at)}. It could be disputed until "
            f"{day(row.dispute_until)}, {DISPUTE_DAYS} days after the payment. {later}"
        )


def _refuse_unless_completed(row: Transaction) -> None:
    if row.status == Status.PENDING:
        raise Refusal(
            f"{row.reference} is still pending, and only what is completed can be disputed. If "
            f"nobody collects it within {HOLD_DAYS} days, the money is free again. If it was not "
            "you, I can freeze your card right away."
        )
    if row.status != Status.COMPLETED:
        raise Refusal(
            f"{row.reference} was {row.status}, so no money was taken and there is nothing to "
            "dispute."
        )
