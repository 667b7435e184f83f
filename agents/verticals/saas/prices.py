"""What a subscription costs: by the month, for the rest of a period, on the next invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from agents.tools import Refusal
from agents.verticals.saas.models import ZERO, Plan, Workspace
from agents.verticals.saas.wording import money, round_money


@dataclass(frozen=True)
class Proration:
    """What the rest of a period costs more.

    Attributes:
        amount: VAT included.
        days: Days that are left, today included.
        of_days: Days of the whole period.
    """

    amount: Decimal
    days: int
    of_days: int

    @property
    def share(self) -> str:
        return f"{self.days} of {self.of_days} days"


def prorate(workspace: Workspace, plan: Plan, seats: int, today: date) -> Proration:
    """Return what `plan` with `seats` costs more than now until the period ends."""
    of_days = (workspace.renews_on - workspace.period_start).days
    days = min(max((workspace.renews_on - today).days, 0), of_days)
    more = plan.price * seats - workspace.plan.price * workspace.seats
    amount = round_money(more * days / of_days)
    return Proration(max(amount, ZERO), days, of_days)


async def next_invoice(workspace: Workspace) -> Decimal:
    """Return what the next invoice will be over, after prorations and credits; never below zero."""
    entries = workspace.balance.filter(invoice=None)
    amount = sum([entry.amount async for entry in entries], ZERO)
    if workspace.cancelled_at is None:
        amount += workspace.coming_plan.price * workspace.coming_seats
    return max(amount, ZERO)


def refuse_if_dearer(charge: Decimal, agreed: Decimal | None, currency: str) -> None:
    """Refuse when a change costs more by now than was approved; less is nobody's worry."""
    if agreed is not None and charge > agreed:
        raise Refusal(
            f"This would now cost {money(charge, currency)} instead of {money(agreed, currency)}, "
            "because the subscription was changed in the meantime, so I have not done it. "
            "If you still want it, just ask me again."
        )


def refuse_without_card(workspace: Workspace, today: date) -> None:
    """Refuse what costs money while there is no card to charge."""
    if not workspace.has_card(today):
        state = (
            f"Your card ({workspace.card}) has expired" if workspace.card else "There is no card"
        )
        raise Refusal(
            f"{state}, so I cannot add anything that is charged. Please add a card under "
            "Settings > Billing, and then ask me again."
        )
