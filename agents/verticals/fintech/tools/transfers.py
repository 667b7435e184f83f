"""Transfers to and from other accounts."""

from __future__ import annotations

from typing import Any

from django.db.models import F

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.fintech import selectors
from agents.verticals.fintech.models import Account, Transfer
from agents.verticals.fintech.tools.arguments import TransferReference, TransferStatus
from agents.verticals.fintech.wording import bullets, day, money, yes_or_no

LISTED = 10

Status = Transfer.Status

REMARKS = {Status.FAILED: "fail, not gone through", Status.DECLINED: "refused"}


@support_tool(effect="read")
async def list_transfers(ctx: ToolContext, status: TransferStatus | None = None) -> dict[str, Any]:
    """List the newest transfers, outgoing and incoming: reference, other side, amount, state.

    Use it when the customer names no reference, or misses money that somebody has sent.
    """
    account = await selectors.get_account(ctx)
    rows = account.transfers.order_by("-created_at", "-reference")
    if status is not None:
        rows = rows.filter(status=status)
    transfers = [row async for row in rows[:LISTED]]
    lines = [
        f"**{row.reference}** {_side(row)}: {money(row.amount, row.currency)}, {_state(row)}"
        for row in transfers
    ]
    none = f"You have no {status + ' ' if status else ''}transfers."
    return {
        "transfers": [_as_row(row) for row in transfers],
        "count": len(transfers),
        "summary": bullets(lines) if lines else none,
    }


@support_tool(effect="read")
async def get_transfer(ctx: ToolContext, transfer_reference: TransferReference) -> dict[str, Any]:
    """Look up one transfer: its state and why, when it arrives, its fee."""
    row = await selectors.get_transfer(ctx, transfer_reference)
    fee = f" Fee: {money(row.fee, row.currency)}." if row.fee else ""
    return {
        **_as_row(row),
        "fee": str(row.fee),
        "note": row.note or None,
        "summary": (
            f"{row.reference}: {money(row.amount, row.currency)} {_side(row)}, "
            f"{day(row.created_at)}. {_told(row)}{fee}"
        ),
    }


def _as_row(row: Transfer) -> dict[str, Any]:
    return {
        "transfer_reference": row.reference,
        "created_on": row.created_at.date().isoformat(),
        "direction": row.direction,
        "counterparty": row.counterparty,
        "status": row.status,
        "amount": str(row.amount),
        "currency": row.currency,
        "expected": day(row.expected_on) or None,
        # Words that customers use for it, so that the one they mean is found.
        "remark": REMARKS.get(Status(row.status), ""),
        "can_cancel": yes_or_no(row.is_cancellable()),
    }


def _side(row: Transfer) -> str:
    return f"{'to' if row.direction == Transfer.Direction.OUTGOING else 'from'} {row.counterparty}"


def _state(row: Transfer) -> str:
    expected = f", expected by {day(row.expected_on)}" if row.expected_on else ""
    return f"{row.status}{expected if row.status == Status.PENDING else ''}"


def _told(row: Transfer) -> str:
    note = f" {row.note}" if row.note else ""
    if row.status == Status.PENDING:
        arrives = f" and should arrive by {day(row.expected_on)}" if row.expected_on else ""
        cancel = " Until then I can cancel it." if row.is_cancellable() else ""
        return f"It is pending{arrives}.{cancel}{note}"
    if row.status == Status.COMPLETED:
        if row.direction == Transfer.Direction.INCOMING:
            return f"It arrived on {day(row.completed_at)}.{note}"
        return (
            f"It left us on {day(row.completed_at)}. The other bank has one working day to book "
            f"it; if it is not there after that, a colleague can have it traced.{note}"
        )
    if row.status == Status.CANCELLED:
        return f"It was cancelled on {day(row.cancelled_at)}; the money is back on your account."
    if row.status == Status.FAILED:
        return f"It failed, and the money is back on your account.{note}"
    return f"It was declined before any money left your account.{note}"


async def _prepare_cancel(ctx: ToolContext, transfer_reference: str) -> Proposal:
    row = await selectors.get_transfer(ctx, transfer_reference)
    _refuse_unless_cancellable(row)
    back = row.amount + row.fee
    return Proposal(
        message=(
            f"Cancel the transfer {row.reference} of {money(row.amount, row.currency)} to "
            f"{row.counterparty}. {money(back, row.currency)} come back to your account."
        ),
        measures={"amount": back},
    )


@support_tool(effect="write", prepare=_prepare_cancel)
async def cancel_transfer(
    ctx: ToolContext, transfer_reference: TransferReference
) -> dict[str, Any]:
    """Cancel an outgoing transfer that is still pending; its amount and fee come back at once.

    What is completed cannot be called back by us: only the recipient can return it.
    """
    row = await selectors.get_transfer(ctx, transfer_reference, lock=True)
    _refuse_unless_cancellable(row)
    back = row.amount + row.fee
    row.status = Status.CANCELLED
    row.cancelled_at = ctx.now
    await row.asave(update_fields=["status", "cancelled_at"])
    await Account.objects.filter(pk=row.account_id).aupdate(balance=F("balance") + back)
    return {
        "transfer_reference": row.reference,
        "status": row.status,
        "amount": str(back),
        "currency": row.currency,
        "summary": (
            f"The transfer {row.reference} to {row.counterparty} is cancelled. "
            f"{money(back, row.currency)} are back on your account."
        ),
    }


def _refuse_unless_cancellable(row: Transfer) -> None:
    name = f"The transfer {row.reference}"
    if row.direction == Transfer.Direction.INCOMING:
        raise Refusal(
            f"{name} comes from {row.counterparty}, so only they can cancel it. If you do not want "
            "the money, you can send it back in the app once it is there."
        )
    if row.status == Status.COMPLETED:
        raise Refusal(
            f"{name} was completed on {day(row.completed_at)}, so I cannot call it back. Please "
            f"ask {row.counterparty} to return it; a colleague can ask their bank for it."
        )
    if row.status == Status.CANCELLED:
        raise Refusal(f"{name} has already been cancelled, and its money is back on your account.")
    if row.status != Status.PENDING:
        raise Refusal(
            f"{name} has {row.status} by itself, so there is nothing to cancel; no money is gone."
            if row.status == Status.FAILED
            else f"{name} was declined, so there is nothing to cancel; no money has left your "
            "account."
        )
