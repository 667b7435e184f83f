"""Money off the next invoice."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.saas import prices, selectors
from agents.verticals.saas.models import ZERO, BalanceEntry, Workspace
from agents.verticals.saas.rules import CREDIT_DAYS
from agents.verticals.saas.tools.arguments import Amount, CreditReason
from agents.verticals.saas.wording import bullets, day, money, round_money

WHAT = "ask for a credit"
LISTED = 10

CreditedBefore = Annotated[
    Amount | None,
    Field(description="Leave it out: the server fills in what had been credited before"),
]


async def _prepare_credit(
    ctx: ToolContext,
    amount: Decimal,
    reason: str = "goodwill",
    credited_before: Decimal | None = None,
) -> Proposal:
    workspace = (await selectors.get_admin(ctx, WHAT)).workspace
    _refuse_unless_paying(workspace)
    before = await _credited(workspace, ctx.now)
    return Proposal(
        message=(
            f"Credit {money(amount, workspace.currency)} to {workspace.name}; it is taken off the "
            f"next invoice, of {day(workspace.renews_on)}."
        ),
        args={
            "amount": str(round_money(amount)),
            "reason": reason,
            "credited_before": str(before) if before else None,
        },
        # The limits look at the credits of some months together, or many small ones would be large.
        measures={"amount": before + amount},
    )


@support_tool(effect="write", prepare=_prepare_credit)
async def apply_credit(
    ctx: ToolContext,
    amount: Amount,
    reason: CreditReason = "goodwill",
    credited_before: CreditedBefore = None,
) -> dict[str, Any]:
    """Take an amount off the workspace's next invoice, for an outage, a billing error or as goodwill.

    Never offer it by yourself, and never make up the amount. Money that was paid goes back with
    refund_invoice.
    """
    workspace = (await selectors.get_admin(ctx, WHAT, lock=True)).workspace
    _refuse_unless_paying(workspace)
    if await _credited(workspace, ctx.now) != (credited_before or ZERO):
        raise Refusal(
            "Something else was credited in the meantime, so I have not done this. If you still "
            "want it, just ask me again."
        )
    credit = round_money(amount)
    await BalanceEntry.objects.acreate(
        workspace=workspace,
        kind=BalanceEntry.Kind.CREDIT,
        amount=-credit,
        text=f"Credit: {reason.replace('_', ' ')}",
        created_at=ctx.now,
    )
    upcoming = money(await prices.next_invoice(workspace), workspace.currency)
    return {
        "credit": str(credit),
        "currency": workspace.currency,
        "next_invoice": upcoming,
        "renews_on": workspace.renews_on.isoformat(),
        "summary": (
            f"{money(credit, workspace.currency)} are credited. Your next invoice, of "
            f"{day(workspace.renews_on)}, is then over {upcoming}."
        ),
    }


@support_tool(effect="read")
async def list_credits(ctx: ToolContext) -> dict[str, Any]:
    """List the workspace's credits: amount, reason, and whether an invoice has used them."""
    workspace = (await selectors.get_admin(ctx, "see its credits")).workspace
    rows = workspace.balance.filter(kind=BalanceEntry.Kind.CREDIT).select_related("invoice")
    credits = [
        {
            "amount": str(-entry.amount),
            "currency": workspace.currency,
            "text": entry.text,
            "given": day(entry.created_at),
            "used_on": entry.invoice.number if entry.invoice else None,
        }
        async for entry in rows.order_by("-created_at")[:LISTED]
    ]
    lines = [
        f"{row['amount']} {row['currency']} of {row['given']} ({row['text']}): "
        + (f"used on {row['used_on']}" if row["used_on"] else "for the next invoice")
        for row in credits
    ]
    return {
        "credits": credits,
        "summary": bullets(lines) if lines else "There are no credits for your workspace.",
    }


def _refuse_unless_paying(workspace: Workspace) -> None:
    if not workspace.plan.price or workspace.cancelled_at:
        raise Refusal(
            f"There is no next invoice for {workspace.name} that a credit could be taken off. If "
            "you paid too much, I can look at the refund of an invoice."
        )


async def _credited(workspace: Workspace, now: datetime) -> Decimal:
    """Return what was credited within the last months."""
    rows = workspace.balance.filter(
        kind=BalanceEntry.Kind.CREDIT, created_at__gt=now - timedelta(days=CREDIT_DAYS)
    )
    return sum([-entry.amount async for entry in rows], ZERO)
