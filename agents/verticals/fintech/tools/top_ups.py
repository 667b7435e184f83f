"""Money that the customer adds to the account."""

from __future__ import annotations

from typing import Any

from agents.tools import ToolContext, support_tool
from agents.verticals.fintech import selectors
from agents.verticals.fintech.models import TopUp
from agents.verticals.fintech.tools.arguments import TopUpReference
from agents.verticals.fintech.wording import bullets, day, money, words

LISTED = 10

Status = TopUp.Status

REMARKS = {Status.FAILED: "fail, not gone through", Status.REVERTED: "went back, sent back"}


@support_tool(effect="read")
async def list_top_ups(ctx: ToolContext) -> dict[str, Any]:
    """List the newest top-ups: reference, way, amount, state."""
    account = await selectors.get_account(ctx)
    rows = account.top_ups.order_by("-made_at", "-reference")
    top_ups = [row async for row in rows[:LISTED]]
    lines = [
        f"**{row.reference}** {money(row.amount, row.currency)} by {words(row.method)}: "
        f"{row.status}, {day(row.made_at)}"
        for row in top_ups
    ]
    return {
        "top_ups": [_as_row(row) for row in top_ups],
        "count": len(top_ups),
        "summary": bullets(lines) if lines else "You have not topped up your account yet.",
    }


@support_tool(effect="read")
async def get_top_up(ctx: ToolContext, top_up_reference: TopUpReference) -> dict[str, Any]:
    """Look up one top-up: its state and why, and when the money is there."""
    row = await selectors.get_top_up(ctx, top_up_reference)
    return {
        **_as_row(row),
        "note": row.note or None,
        "summary": (
            f"{row.reference}: top-up of {money(row.amount, row.currency)} by {words(row.method)}, "
            f"{day(row.made_at)}. {_told(row)}"
        ),
    }


def _as_row(row: TopUp) -> dict[str, Any]:
    return {
        "top_up_reference": row.reference,
        "made_on": row.made_at.date().isoformat(),
        "method": words(row.method),
        "status": row.status,
        "amount": str(row.amount),
        "currency": row.currency,
        # Words that customers use for it, so that the one they mean is found.
        "remark": REMARKS.get(Status(row.status), ""),
    }


def _told(row: TopUp) -> str:
    note = f" {row.note}" if row.note else ""
    if row.status == Status.PENDING:
        expected = f" and should be there by {day(row.expected_on)}" if row.expected_on else ""
        return f"It is pending{expected}.{note}"
    if row.status == Status.COMPLETED:
        return f"It is completed; the money is on your account.{note}"
    if row.status == Status.FAILED:
        return f"It failed, and we have not received any money.{note}"
    return f"It was reverted: the money went back to where it came from.{note}"
