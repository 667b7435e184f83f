"""Ending a subscription, and thinking better of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.saas import selectors
from agents.verticals.saas.models import Invoice, Workspace
from agents.verticals.saas.rules import DATA_KEPT_DAYS
from agents.verticals.saas.tools.arguments import CancelReason
from agents.verticals.saas.wording import count, day, money

CANCEL = "cancel the subscription"
RESUME = "take a cancellation back"


async def _prepare_cancel(ctx: ToolContext, reason: str = "other") -> Proposal:
    workspace = (await selectors.get_owner(ctx, CANCEL)).workspace
    _refuse_unless_running(workspace)
    return Proposal(
        message=(
            f"Cancel the subscription of {workspace.name} (plan {workspace.plan.name}, "
            f"{count(workspace.seats, 'seat')}) at the end of the paid period, on "
            f"{day(workspace.renews_on)}. Everything works until then, your data are kept for "
            f"{DATA_KEPT_DAYS} days after it, and there is no fee.{await _still_due(workspace)}"
        ),
        measures={"amount": Decimal(0)},
    )


@support_tool(effect="write", prepare=_prepare_cancel)
async def cancel_subscription(ctx: ToolContext, reason: CancelReason = "other") -> dict[str, Any]:
    """Cancel the workspace's paid subscription at the end of the paid period; only an owner may.

    It costs nothing and can be taken back until then, with resume_subscription.
    """
    workspace = (await selectors.get_owner(ctx, CANCEL, lock=True)).workspace
    _refuse_unless_running(workspace)
    workspace.cancelled_at = ctx.now
    workspace.cancel_reason = reason
    await workspace.asave(update_fields=["cancelled_at", "cancel_reason"])
    return {
        "plan": workspace.plan.name,
        "ends_on": workspace.renews_on.isoformat(),
        "data_kept_days": DATA_KEPT_DAYS,
        "summary": (
            f"The subscription of {workspace.name} is cancelled and ends on "
            f"{day(workspace.renews_on)}. Until then everything works as before. You can export "
            f"your data until {DATA_KEPT_DAYS} days after that, and I can take the cancellation "
            f"back until it ends.{await _still_due(workspace)}"
        ),
    }


def _refuse_unless_running(workspace: Workspace) -> None:
    if not workspace.plan.price:
        raise Refusal(
            f"{workspace.name} is on plan {workspace.plan.name}, which costs nothing, so there is "
            "no subscription to cancel. An owner can delete the workspace under "
            "Settings > General."
        )
    if workspace.cancelled_at:
        raise Refusal(
            f"The subscription of {workspace.name} has already been cancelled and ends on "
            f"{day(workspace.renews_on)}. I can take that back, if you like."
        )


async def _still_due(workspace: Workspace) -> str:
    """Name what has to be paid all the same."""
    rows = workspace.invoices.filter(status=Invoice.Status.FAILED).order_by("number")
    due = [f"{row.number} ({money(row.total, workspace.currency)})" async for row in rows]
    return f" {' and '.join(due)} still has to be paid." if due else ""


async def _prepare_resume(ctx: ToolContext) -> Proposal:
    workspace = (await selectors.get_owner(ctx, RESUME)).workspace
    _refuse_unless_cancelled(ctx, workspace)
    return Proposal(message=f"Take the cancellation back: {_as_before(workspace)}.")


@support_tool(effect="write", prepare=_prepare_resume)
async def resume_subscription(ctx: ToolContext) -> dict[str, Any]:
    """Take the cancellation of the subscription back, as long as it has not ended; only an owner may."""
    workspace = (await selectors.get_owner(ctx, RESUME, lock=True)).workspace
    _refuse_unless_cancelled(ctx, workspace)
    workspace.cancelled_at = None
    workspace.cancel_reason = ""
    await workspace.asave(update_fields=["cancelled_at", "cancel_reason"])
    return {
        "plan": workspace.coming_plan.name,
        "renews_on": workspace.renews_on.isoformat(),
        "summary": f"The cancellation is taken back: {_as_before(workspace)}.",
    }


def _as_before(workspace: Workspace) -> str:
    price = money(workspace.coming_plan.price * workspace.coming_seats, workspace.currency)
    return (
        f"{workspace.name} renews on {day(workspace.renews_on)} with plan "
        f"{workspace.coming_plan.name} and {count(workspace.coming_seats, 'seat')}, "
        f"for {price} a month"
    )


def _refuse_unless_cancelled(ctx: ToolContext, workspace: Workspace) -> None:
    if workspace.cancelled_at is None:
        raise Refusal(
            f"The subscription of {workspace.name} is not cancelled, so there is nothing to take "
            f"back. It renews on {day(workspace.renews_on)}."
        )
    if workspace.renews_on < ctx.now.date():
        raise Refusal(
            f"The subscription of {workspace.name} ended on {day(workspace.renews_on)}. You can "
            "subscribe again under Settings > Billing; your data are kept for "
            f"{DATA_KEPT_DAYS} days."
        )
