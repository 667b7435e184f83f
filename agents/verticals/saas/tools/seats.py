"""How many people fit in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.saas import prices, selectors
from agents.verticals.saas.models import BalanceEntry, Workspace
from agents.verticals.saas.tools.arguments import AgreedCharge, SeatChange, Seats
from agents.verticals.saas.tools.plan import refuse_if_cancelled
from agents.verticals.saas.wording import count, day, money

WHAT = "change the seats"
MORE = ("add", "more", "extra")
FEWER = ("remove", "fewer", "less")


async def _prepare_seats(
    ctx: ToolContext, seats: int, change: str = "total", agreed_charge: Decimal | None = None
) -> Proposal:
    workspace = (await selectors.get_admin(ctx, WHAT)).workspace
    total = _total(workspace, seats, change)
    await _refuse_unless_possible(ctx, workspace, total)
    then = day(workspace.renews_on)
    extra = prices.prorate(workspace, workspace.plan, total, ctx.now.date())
    price = money(workspace.coming_plan.price * total, workspace.currency)
    if total == workspace.seats:
        message = (
            f"Keep {count(total, 'seat')} for {workspace.name}: the change to "
            f"{workspace.coming_seats} on {then} is dropped."
        )
    elif total > workspace.seats:
        message = (
            f"Raise {workspace.name} from {workspace.seats} to {count(total, 'seat')} today: "
            f"{price} a month. For {extra.share} of this period, "
            f"{money(extra.amount, workspace.currency)} are added to the next invoice, of {then}."
        )
    else:
        message = (
            f"Reduce {workspace.name} from {workspace.seats} to {count(total, 'seat')} on {then}: "
            f"{price} a month from then on. The seats that are paid for stay until that day."
        )
    return Proposal(
        message=message,
        # The total is what is approved: "3 more" would be another number when done twice.
        args={"seats": total, "change": "total", "agreed_charge": str(extra.amount)},
        measures={"seats": Decimal(total), "amount": extra.amount},
    )


@support_tool(effect="write", prepare=_prepare_seats)
async def change_seats(
    ctx: ToolContext,
    seats: Seats,
    change: SeatChange = "total",
    agreed_charge: AgreedCharge = None,
) -> dict[str, Any]:
    """Change how many seats the workspace has: to a total, or by so many more or fewer.

    More seats are there at once, and the rest of the period goes onto the next invoice. Fewer begin
    when the period ends; there can never be fewer seats than members.
    """
    workspace = (await selectors.get_admin(ctx, WHAT, lock=True)).workspace
    total = _total(workspace, seats, change)
    await _refuse_unless_possible(ctx, workspace, total)
    then = day(workspace.renews_on)
    charge = Decimal(0)
    if total == workspace.seats:
        workspace.next_seats = None
        done = f"{workspace.name} keeps its {count(total, 'seat')}."
    elif total > workspace.seats:
        charge = await _raise(ctx, workspace, total, agreed_charge)
        done = (
            f"{workspace.name} has {count(total, 'seat')} now. {money(charge, workspace.currency)} "
            f"for the rest of this period are on the next invoice, of {then}."
        )
    else:
        workspace.next_seats = total
        done = f"{workspace.name} has {count(total, 'seat')} from {then} on."
    await workspace.asave(update_fields=["seats", "next_seats"])
    return {
        "seats": workspace.seats,
        "next_seats": workspace.next_seats,
        "charge": str(charge),
        "currency": workspace.currency,
        "renews_on": workspace.renews_on.isoformat(),
        "summary": done,
    }


async def _raise(
    ctx: ToolContext, workspace: Workspace, total: int, agreed: Decimal | None
) -> Decimal:
    charge = prices.prorate(workspace, workspace.plan, total, ctx.now.date()).amount
    prices.refuse_if_dearer(charge, agreed, workspace.currency)
    if charge > 0:
        await BalanceEntry.objects.acreate(
            workspace=workspace,
            kind=BalanceEntry.Kind.PRORATION,
            amount=charge,
            text=f"From {workspace.seats} to {count(total, 'seat')}",
            created_at=ctx.now,
        )
    workspace.seats = total
    workspace.next_seats = None
    return charge


def _total(workspace: Workspace, seats: int, change: str) -> int:
    if change in MORE:
        return workspace.seats + seats
    return workspace.seats - seats if change in FEWER else seats


async def _refuse_unless_possible(ctx: ToolContext, workspace: Workspace, total: int) -> None:
    refuse_if_cancelled(workspace)
    if total == workspace.coming_seats:
        when = f" from {day(workspace.renews_on)} on" if workspace.next_seats else ""
        raise Refusal(f"{workspace.name} already has {count(total, 'seat')}{when}.")
    used = await selectors.count_seats(workspace)
    if total < used:
        raise Refusal(
            f"{workspace.name} has {count(used, 'member')}, counting invitations, so it needs at "
            f"least {count(used, 'seat')}. Remove members first, and then ask me again."
        )
    plan = min(workspace.plan, workspace.coming_plan, key=lambda plan: plan.max_seats)
    if total > plan.max_seats:
        raise Refusal(
            f"Plan {plan.name} has room for {count(plan.max_seats, 'seat')} at most. I can move "
            f"{workspace.name} to a larger plan, or a colleague can make you an offer."
        )
    if total > workspace.seats and workspace.plan.price:
        prices.refuse_without_card(workspace, ctx.now.date())
