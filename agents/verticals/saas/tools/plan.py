"""The subscription: looking at it, and moving to another plan."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.saas import prices, selectors
from agents.verticals.saas.models import BalanceEntry, Plan, Workspace
from agents.verticals.saas.tools.arguments import AgreedCharge, PlanName
from agents.verticals.saas.wording import bullets, count, day, money

WHAT = "change the plan"


@support_tool(effect="read")
async def get_subscription(ctx: ToolContext) -> dict[str, Any]:
    """Show the workspace's subscription: plan, seats, price, renewal, planned changes, next invoice."""
    member = await selectors.get_member(ctx)
    workspace = member.workspace
    used = await selectors.count_seats(workspace)
    monthly = workspace.plan.price * workspace.seats
    upcoming = await prices.next_invoice(workspace)
    renews = day(workspace.renews_on)
    lines = [
        f"Plan **{workspace.plan.name}** with {count(workspace.seats, 'seat')}, {used} of them taken",
        f"{money(workspace.plan.price, workspace.currency)} a seat and month, "
        f"{money(monthly, workspace.currency)} in all",
    ]
    if workspace.cancelled_at:
        lines.append(f"Cancelled: it ends on {renews}")
    else:
        changes = [
            f"plan {workspace.next_plan.name}" if workspace.next_plan else "",
            count(workspace.next_seats, "seat") if workspace.next_seats else "",
        ]
        coming = " and ".join(change for change in changes if change)
        lines.append(f"Renews on {renews}" + (f", then with {coming}" if coming else ""))
    lines.append(f"Next invoice: {money(upcoming, workspace.currency)}")
    lines.append(f"Paid by {workspace.card}" if workspace.card else "No card on file")
    return {
        "workspace": workspace.name,
        "plan": workspace.plan.name,
        "seats": workspace.seats,
        "seats_taken": used,
        "monthly": str(monthly),
        "currency": workspace.currency,
        "renews_on": workspace.renews_on.isoformat(),
        "next_plan": workspace.next_plan.name if workspace.next_plan else None,
        "next_seats": workspace.next_seats,
        "is_cancelled": workspace.cancelled_at is not None,
        "next_invoice": str(upcoming),
        "your_role": member.role,
        "summary": f"{workspace.name}\n\n{bullets(lines)}",
    }


@support_tool(effect="read")
async def list_plans(ctx: ToolContext) -> dict[str, Any]:
    """List the plans that there are: price, most seats and API keys, answer time, what is in them."""
    plans = [plan async for plan in Plan.objects.order_by("price")]
    lines = [
        f"**{plan.name}**: {money(plan.price, 'EUR') + ' a seat and month' if plan.price else 'free'}, "
        f"up to {count(plan.max_seats, 'seat')}. {plan.features}".strip()
        for plan in plans
    ]
    return {
        "plans": [
            {
                "plan": plan.name,
                "price": str(plan.price),
                "currency": "EUR",
                "max_seats": plan.max_seats,
                "max_api_keys": plan.max_api_keys,
                "answer_hours": plan.answer_hours,
                "features": plan.features,
            }
            for plan in plans
        ],
        "summary": bullets(lines),
    }


async def _prepare_change(
    ctx: ToolContext, plan: str, agreed_charge: Decimal | None = None
) -> Proposal:
    workspace = (await selectors.get_admin(ctx, WHAT)).workspace
    new = await _get_plan(plan)
    await _refuse_unless_possible(ctx, workspace, new)
    now, then = workspace.plan, day(workspace.renews_on)
    if new == now:
        return Proposal(
            message=(
                f"Keep {workspace.name} on plan {new.name}: the change to "
                f"{workspace.coming_plan.name} on {then} is dropped."
            ),
            measures={"amount": Decimal(0)},
        )
    price = money(new.price, workspace.currency)
    if not _is_upgrade(workspace, new):
        return Proposal(
            message=(
                f"Move {workspace.name} from {now.name} to {new.name} on {then}: "
                f"{count(workspace.coming_seats, 'seat')} at {price} instead of "
                f"{money(now.price, workspace.currency)} a month. Until then {now.name} stays, and "
                "nothing is charged now."
            ),
            measures={"amount": Decimal(0)},
        )
    extra = prices.prorate(workspace, new, workspace.seats, ctx.now.date())
    return Proposal(
        message=(
            f"Move {workspace.name} from {now.name} to {new.name} today: "
            f"{count(workspace.seats, 'seat')} at {price} instead of "
            f"{money(now.price, workspace.currency)} a month. For {extra.share} of this period, "
            f"{money(extra.amount, workspace.currency)} are added to the next invoice, of {then}."
        ),
        args={"plan": new.name, "agreed_charge": str(extra.amount)},
        measures={"amount": extra.amount},
    )


@support_tool(effect="write", prepare=_prepare_change)
async def change_plan(
    ctx: ToolContext, plan: PlanName, agreed_charge: AgreedCharge = None
) -> dict[str, Any]:
    """Move the workspace to another plan: Free, Basic, Team or Business.

    A dearer plan begins today, and the difference for the rest of the period goes onto the next
    invoice. A cheaper one begins when the period ends; seats, members and API keys must fit it. Naming
    the present plan drops a planned change. To end the subscription use cancel_subscription.
    """
    workspace = (await selectors.get_admin(ctx, WHAT, lock=True)).workspace
    new = await _get_plan(plan)
    await _refuse_unless_possible(ctx, workspace, new)
    then = day(workspace.renews_on)
    charge = Decimal(0)
    if new == workspace.plan:
        workspace.next_plan = None
        done = f"{workspace.name} stays on plan {new.name}."
    elif _is_upgrade(workspace, new):
        charge = await _upgrade(ctx, workspace, new, agreed_charge)
        done = (
            f"{workspace.name} is on plan {new.name} now. {money(charge, workspace.currency)} for "
            f"the rest of this period are on the next invoice, of {then}."
        )
    else:
        workspace.next_plan = new
        done = f"{workspace.name} moves to plan {new.name} on {then}; until then nothing changes."
    await workspace.asave(update_fields=["plan", "next_plan"])
    return {
        "plan": workspace.plan.name,
        "next_plan": workspace.next_plan.name if workspace.next_plan else None,
        "charge": str(charge),
        "currency": workspace.currency,
        "renews_on": workspace.renews_on.isoformat(),
        "summary": done,
    }


async def _upgrade(
    ctx: ToolContext, workspace: Workspace, new: Plan, agreed: Decimal | None
) -> Decimal:
    charge = prices.prorate(workspace, new, workspace.seats, ctx.now.date()).amount
    prices.refuse_if_dearer(charge, agreed, workspace.currency)
    if charge > 0:
        await BalanceEntry.objects.acreate(
            workspace=workspace,
            kind=BalanceEntry.Kind.PRORATION,
            amount=charge,
            text=f"From plan {workspace.plan.name} to {new.name}",
            created_at=ctx.now,
        )
    workspace.plan = new
    workspace.next_plan = None
    return charge


def _is_upgrade(workspace: Workspace, new: Plan) -> bool:
    return new.price > workspace.plan.price


async def _get_plan(name: str) -> Plan:
    plan = await Plan.objects.filter(name=name).afirst()
    if plan is None:
        raise Refusal(f"Plan {name} is not on offer at the moment. I can list the plans for you.")
    return plan


async def _refuse_unless_possible(ctx: ToolContext, workspace: Workspace, new: Plan) -> None:
    refuse_if_cancelled(workspace)
    if new == workspace.coming_plan:
        when = f" from {day(workspace.renews_on)} on" if workspace.next_plan else ""
        raise Refusal(f"{workspace.name} is already on plan {new.name}{when}. Nothing was changed.")
    if _is_upgrade(workspace, new):
        prices.refuse_without_card(workspace, ctx.now.date())
    await _refuse_unless_it_fits(workspace, new)


async def _refuse_unless_it_fits(workspace: Workspace, new: Plan) -> None:
    """Refuse a plan that has too little room; nobody is locked out and no key stops unasked."""
    limit = f"Plan {new.name} has room for {count(new.max_seats, 'seat')}"
    used = await selectors.count_seats(workspace)
    if used > new.max_seats:
        raise Refusal(
            f"{limit}, and {workspace.name} has {count(used, 'member')}. Please remove "
            f"{used - new.max_seats} of them first, or choose a larger plan."
        )
    if workspace.coming_seats > new.max_seats or (
        _is_upgrade(workspace, new) and workspace.seats > new.max_seats
    ):
        raise Refusal(
            f"{limit}, and {workspace.name} has {workspace.coming_seats}. I can reduce the seats "
            f"to {new.max_seats} first; after that the plan can be changed."
        )
    keys = await workspace.api_keys.acount()
    if keys > new.max_api_keys:
        raise Refusal(
            f"Plan {new.name} has room for {count(new.max_api_keys, 'API key')}, and "
            f"{workspace.name} has {keys}. Please delete {keys - new.max_api_keys} under "
            "Settings > API keys first."
        )


def refuse_if_cancelled(workspace: Workspace) -> None:
    """Refuse a change of what ends anyway."""
    if workspace.cancelled_at:
        raise Refusal(
            f"The subscription of {workspace.name} is cancelled and ends on "
            f"{day(workspace.renews_on)}. I can take the cancellation back first: just ask me to "
            "keep the subscription."
        )
