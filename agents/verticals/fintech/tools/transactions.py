"""Looking at what was booked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from agents.tools import ToolContext, support_tool
from agents.verticals.fintech import selectors
from agents.verticals.fintech.models import Dispute, Transaction
from agents.verticals.fintech.rules import HOLD_DAYS
from agents.verticals.fintech.tools.arguments import (
    TransactionKind,
    TransactionReference,
    TransactionStatus,
)
from agents.verticals.fintech.wording import (
    bullets,
    card,
    day,
    minute,
    money,
    plain,
    words,
    yes_or_no,
)

# A result is cut at 4 kB before a model sees it, and a list that is cut is of no use.
LISTED = 10
REPEATED_WITHIN = timedelta(days=2)

Kind = Transaction.Kind
Status = Transaction.Status


@support_tool(effect="read")
async def list_transactions(
    ctx: ToolContext,
    kind: TransactionKind | None = None,
    status: TransactionStatus | None = None,
) -> dict[str, Any]:
    """List the newest transactions on the account: card payments, cash, direct debits, fees, refunds.

    Use it when the customer names no reference. Transfers and top-ups are listed by list_transfers and list_top_ups.
    """
    chosen = {"kind": kind, "status": status}
    wanted = {key: value for key, value in chosen.items() if value is not None}
    return await _listing(ctx, await _mine(ctx, **wanted), "You have no such transactions.")


@support_tool(effect="read")
async def list_card_payments(ctx: ToolContext) -> dict[str, Any]:
    """List the newest payments by card, also those that are pending, declined or reverted."""
    rows = await _mine(ctx, kind=Kind.CARD_PAYMENT)
    return await _listing(ctx, rows, "You have not paid by card yet.")


@support_tool(effect="read")
async def list_withdrawals(ctx: ToolContext) -> dict[str, Any]:
    """List the newest cash withdrawals, also those that are pending or declined."""
    rows = await _mine(ctx, kind=Kind.CASH_WITHDRAWAL)
    return await _listing(ctx, rows, "You have not withdrawn any cash yet.")


@support_tool(effect="read")
async def list_disputable_transactions(ctx: ToolContext) -> dict[str, Any]:
    """List the newest transactions for which a dispute can be opened."""
    rows = await _mine(ctx, status=Status.COMPLETED, dispute=None)
    kinds = [Kind.CARD_PAYMENT, Kind.CASH_WITHDRAWAL, Kind.DIRECT_DEBIT]
    return await _listing(
        ctx, rows.filter(kind__in=kinds), "There is no transaction that could be disputed."
    )


@support_tool(effect="read")
async def list_refunds(ctx: ToolContext) -> dict[str, Any]:
    """List the newest refunds to the account: whether they have arrived, and when they should."""
    rows = await _mine(ctx, kind=Kind.REFUND)
    none = (
        "I see no refund to your account yet. When a shop sends one, it takes 3 to 10 working days "
        "until it is here; please ask the shop for the day on which it was sent."
    )
    return await _listing(ctx, rows, none)


@support_tool(effect="read")
async def get_transaction(
    ctx: ToolContext, transaction_reference: TransactionReference
) -> dict[str, Any]:
    """Look up one transaction: its state and why, amount, exchange rate, fees, dispute."""
    row = await selectors.get_transaction(ctx, transaction_reference)
    fees = [fee async for fee in row.followers.filter(kind=Kind.FEE).order_by("made_at")]
    dispute = await selectors.find_dispute(row)
    return {
        **_as_row(ctx, row, has_dispute=dispute is not None),
        "card_ending": row.card.ending if row.card else None,
        "original_amount": str(row.original_amount) if row.original_amount else None,
        "original_currency": row.original_currency or None,
        "exchange_rate": plain(row.exchange_rate) if row.exchange_rate else None,
        "fees": [{"reference": f.reference, "amount": str(f.amount)} for f in fees],
        "dispute": dispute.get_status_display() if dispute else None,
        "summary": _told(row, fees, dispute),
    }


async def _mine(ctx: ToolContext, **wanted: Any) -> QuerySet[Transaction]:
    account = await selectors.get_account(ctx)
    return account.transactions.filter(**wanted).select_related("account", "dispute")


async def _listing(ctx: ToolContext, rows: QuerySet[Transaction], none: str) -> dict[str, Any]:
    found = [row async for row in rows.order_by("-made_at", "-reference")[:LISTED]]
    lines = [
        f"**{row.reference}** {row.description}: {money(row.amount, row.account.currency)}, "
        f"{row.status}, {day(row.made_at)}"
        for row in found
    ]
    listed = [
        _as_row(ctx, row, has_dispute=hasattr(row, "dispute"), is_repeat=_is_repeat(row, found))
        for row in found
    ]
    return {
        "transactions": listed,
        "count": len(listed),
        "summary": bullets(lines) if lines else none,
    }


def _is_repeat(row: Transaction, rows: list[Transaction]) -> bool:
    """Return whether the same was paid shortly before: the second of two equal payments."""
    return any(
        other.made_at < row.made_at <= other.made_at + REPEATED_WITHIN
        and (other.card_id, other.kind, other.description, other.amount)
        == (row.card_id, row.kind, row.description, row.amount)
        and other.status == row.status == Status.COMPLETED
        for other in rows
    )


def _as_row(
    ctx: ToolContext, row: Transaction, *, has_dispute: bool, is_repeat: bool = False
) -> dict[str, Any]:
    return {
        "transaction_reference": row.reference,
        "made_on": row.made_at.date().isoformat(),
        "description": row.description,
        "kind": words(row.kind),
        "status": row.status,
        "amount": str(row.amount),
        "currency": row.account.currency,
        # Words that customers use for it, so that the one they mean is found.
        "remark": _remark(row, has_dispute=has_dispute, is_repeat=is_repeat),
        "is_repeat": yes_or_no(is_repeat),
        "can_dispute": yes_or_no(row.is_disputable(ctx.now) and not has_dispute),
    }


def _remark(row: Transaction, *, has_dispute: bool, is_repeat: bool) -> str:
    if has_dispute:
        return "in dispute"
    if row.exchange_rate:
        return f"foreign currency {row.original_currency}, exchange rate"
    return "charged twice" if is_repeat else ""


def _told(row: Transaction, fees: list[Transaction], dispute: Dispute | None) -> str:
    currency = row.account.currency
    with_card = f" with {card(row.card.ending)}" if row.card else ""
    head = (
        f"{row.reference}: {words(row.kind)}{with_card}, {row.description}, "
        f"{money(row.amount, currency)}, {minute(row.made_at)}."
    )
    parts = [head, _state(row)]
    if row.original_amount and row.exchange_rate:
        parts.append(
            f"The amount was {money(row.original_amount, row.original_currency)}; the rate of that "
            f"moment was 1 {currency} = {plain(row.exchange_rate)} {row.original_currency}."
        )
    parts += [f"Fee {fee.reference}: {money(fee.amount, currency)}." for fee in fees]
    if dispute is not None:
        parts.append(
            f"There is a dispute {dispute.number} of {day(dispute.opened_at)}: "
            f"{dispute.get_status_display()}."
        )
    return " ".join(part for part in parts if part)


def _state(row: Transaction) -> str:
    note = f" {row.note}" if row.note else ""
    expected = f" by {day(row.expected_on)}" if row.expected_on else f" within {HOLD_DAYS} days"
    if row.status == Status.DECLINED:
        return f"It was declined; no money was taken.{note}"
    if row.status == Status.REVERTED:
        return f"It was reverted; the money is back on your account.{note}"
    if row.status == Status.COMPLETED:
        return f"It is completed.{note}"
    if row.kind == Kind.REFUND:
        return f"It is announced and should arrive{expected}.{note}"
    return (
        f"It is pending: the amount is reserved and will be booked{expected}, or it is free "
        f"again.{note}"
    )
