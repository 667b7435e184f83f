"""The account itself: its data, its limits, and who its owner is."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.fintech import selectors
from agents.verticals.fintech.models import Account, Customer
from agents.verticals.fintech.rules import MAX_LIMIT
from agents.verticals.fintech.tools.arguments import Amount, LimitKind
from agents.verticals.fintech.wording import bullets, day, money, round_money

LIMITS = {"payments": "card payments", "withdrawals": "cash withdrawals", "transfers": "transfers"}

CurrentLimit = Annotated[
    Amount | None,
    Field(description="Leave it out: the server fills in what the limit is now"),
]


@support_tool(effect="read")
async def account_details(ctx: ToolContext) -> dict[str, Any]:
    """Look up the balance and the IBAN, to which others send money."""
    account = await selectors.get_account(ctx)
    return {
        "name": account.customer.name,
        "iban": account.iban,
        "balance": str(account.balance),
        "currency": account.currency,
        "summary": (
            f"You can spend {money(account.balance, account.currency)} at the moment; what is "
            f"reserved is not in it. Your IBAN is {account.iban}, in the name of "
            f"{account.customer.name}."
        ),
    }


@support_tool(effect="read")
async def identity_status(ctx: ToolContext) -> dict[str, Any]:
    """Tell whether the customer's identity is verified, and what is missing if it is not."""
    account = await selectors.get_account(ctx)
    customer = account.customer
    return {
        "status": customer.identity_status,
        "note": customer.identity_note or None,
        "verified_on": day(customer.verified_at) or None,
        "summary": _identity(customer),
    }


def _identity(customer: Customer) -> str:
    how = (
        "In the app, open Profile and Verify identity: you need your passport or identity card and "
        "two minutes in good light."
    )
    if customer.identity_status == Customer.Identity.VERIFIED:
        return (
            f"Your identity has been verified since {day(customer.verified_at)}; there is nothing "
            "left to do."
        )
    if customer.identity_status == Customer.Identity.IN_REVIEW:
        return "Your documents are with us and are being checked, which takes up to 24 hours."
    if customer.identity_status == Customer.Identity.ACTION_NEEDED:
        return f"Your identity could not be verified yet. {customer.identity_note} {how}"
    return f"Your identity has not been verified yet. {how}"


@support_tool(effect="read")
async def get_limits(ctx: ToolContext) -> dict[str, Any]:
    """Look up the daily limits for card payments, cash withdrawals and transfers."""
    account = await selectors.get_account(ctx)
    limits = {kind: _limit(account, kind) for kind in LIMITS}
    lines = [
        f"{LIMITS[kind]}: {money(limit, account.currency)} a day" for kind, limit in limits.items()
    ]
    return {
        "limits": [
            {"kind": kind, "name": LIMITS[kind], "amount": str(limit), "currency": account.currency}
            for kind, limit in limits.items()
        ],
        "summary": bullets(lines),
    }


async def _prepare_limits(
    ctx: ToolContext, kind: str, amount: Decimal, current_limit: Decimal | None = None
) -> Proposal:
    account = await selectors.get_account(ctx)
    _refuse_unless_changeable(account, kind, amount)
    now = _limit(account, kind)
    verb = "Raise" if amount > now else "Lower"
    return Proposal(
        message=(
            f"{verb} your daily limit for {LIMITS[kind]} from {money(now, account.currency)} to "
            f"{money(amount, account.currency)}."
        ),
        args={
            "kind": kind,
            "amount": str(round_money(amount)),
            "current_limit": str(now),
        },
        # Lowering is always safe: only what is raised is measured.
        measures={"amount": amount if amount > now else Decimal(0)},
    )


@support_tool(effect="write", prepare=_prepare_limits)
async def change_limits(
    ctx: ToolContext, kind: LimitKind, amount: Amount, current_limit: CurrentLimit = None
) -> dict[str, Any]:
    """Raise or lower one of the daily limits: card payments, cash withdrawals or transfers."""
    account = await selectors.get_account(ctx, lock=True)
    _refuse_unless_changeable(account, kind, amount)
    if current_limit != _limit(account, kind):
        # What was approved as lowering might raise it now.
        raise Refusal(
            f"Your limit for {LIMITS[kind]} was changed in the meantime, so I have left it as it "
            "is. If you still want this, just ask me again."
        )
    setattr(account, f"{kind}_limit", amount)
    await account.asave(update_fields=[f"{kind}_limit"])
    new = money(amount, account.currency)
    return {
        "kind": kind,
        "amount": str(round_money(amount)),
        "currency": account.currency,
        "summary": f"Your daily limit for {LIMITS[kind]} is {new} from now on.",
    }


def _limit(account: Account, kind: str) -> Decimal:
    limit: Decimal = getattr(account, f"{kind}_limit")
    return limit


def _refuse_unless_changeable(account: Account, kind: str, amount: Decimal) -> None:
    most = MAX_LIMIT[kind]
    if amount > most:
        raise Refusal(
            f"The daily limit for {LIMITS[kind]} can be {money(most, account.currency)} at most. "
            "For one larger sum a colleague can find a way."
        )
    if amount == _limit(account, kind):
        raise Refusal(
            f"Your daily limit for {LIMITS[kind]} is already {money(amount, account.currency)}."
        )
